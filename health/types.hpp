// Words shared by the health folder.
#pragma once

#include <chrono>

namespace health {

// Monotonic time. Pure code gets it as an argument and never reads the clock itself.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

}  // namespace health
