// See duration_words.hpp.
#include "agent/duration_words.hpp"

#include <cmath>

namespace agent {

std::string duration_words(std::chrono::duration<double> length) {
  constexpr long kMinute = 60;
  constexpr long kHour = 3600;
  constexpr long kDay = 86400;
  const auto whole = static_cast<long>(std::floor(length.count()));
  if (whole < 2 * kMinute) return std::to_string(whole) + " s";
  if (whole < 2 * kHour) return std::to_string(whole / kMinute) + " min";
  if (whole < 2 * kDay) return std::to_string(whole / kHour) + " h";
  return std::to_string(whole / kDay) + " days";
}

}  // namespace agent
