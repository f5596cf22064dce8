// How the hooks of a pair have ended so far.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "health/histogram.hpp"

namespace hooks {

enum class HookResult : std::uint8_t {
  success,
  failure,  // another exit code than 0, or a signal
  timeout,
  not_run,  // refused, or it could not be started
  dropped,  // newer hooks waited behind it, or the agent ended it
};
inline constexpr std::size_t kHookResults = 5;

constexpr std::string_view to_string(HookResult result) {
  switch (result) {
    case HookResult::success: return "success";
    case HookResult::failure: return "failure";
    case HookResult::timeout: return "timeout";
    case HookResult::not_run: return "not_run";
    case HookResult::dropped: return "dropped";
  }
  return "unknown";
}

struct HookCounters {
  std::array<std::uint64_t, kHookResults> ended{};   // by HookResult
  health::Histogram durations{health::kLongBounds};  // of those that ran

  void count(HookResult result) { ++ended.at(static_cast<std::size_t>(result)); }
};

}  // namespace hooks
