// See log_limit.hpp.
#include "agent/log_limit.hpp"

#include <algorithm>
#include <utility>

namespace agent {
namespace {
constexpr auto kFirstSpacing = std::chrono::seconds(10);
constexpr auto kLongestSpacing = std::chrono::hours(1);
constexpr auto kForgotten = std::chrono::minutes(10);
}  // namespace

std::optional<std::uint64_t> LogLimit::event(health::TimePoint now) {
  const bool is_news = !last_event_ || now - *last_event_ >= kForgotten;
  last_event_ = now;
  ++unsaid_;
  if (!is_news && now < next_line_) return std::nullopt;
  spacing_ = is_news ? health::Duration(kFirstSpacing)
                     : std::min<health::Duration>(2 * spacing_, kLongestSpacing);
  next_line_ = now + spacing_;
  return std::exchange(unsaid_, 0);
}

}  // namespace agent
