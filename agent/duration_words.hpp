// Durations as people say them: "90 s", "5 min", "3 h", "12 days".
#pragma once

#include <chrono>
#include <string>

namespace agent {

std::string duration_words(std::chrono::duration<double> length);

}  // namespace agent
