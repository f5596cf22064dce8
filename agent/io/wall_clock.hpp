// Times as people read them: "2026-11-21T08:00:00Z".
#pragma once

#include <chrono>
#include <string>

namespace agent::io {

std::string wall_clock(std::chrono::system_clock::time_point when);

}  // namespace agent::io
