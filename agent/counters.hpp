// What is counted of a pair since the agent started, beside what its parts count themselves. Pure.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "agent/event.hpp"
#include "agent/pair_words.hpp"
#include "agent/transition_cause.hpp"
#include "health/histogram.hpp"
#include "hooks/hook_counters.hpp"

namespace agent {

struct TransitionKind {
  PairState from = PairState::starting;
  PairState to = PairState::starting;
  TransitionCause cause = TransitionCause::other;
  auto operator<=>(const TransitionKind&) const = default;  // NOLINT(modernize-use-nullptr)
};

// What is told.
struct StoryCounters {
  std::map<TransitionKind, std::uint64_t> transitions;
  std::map<std::pair<EventKind, Severity>, std::uint64_t> events;
};

struct PairCounters {
  StoryCounters story;
  std::uint64_t switchovers_done = 0;
  std::uint64_t switchovers_given_up = 0;
  std::array<std::uint64_t, 3> recoveries{};  // by hooks::RecoveryOutcome
  std::uint64_t diverged_copies = 0;
  std::optional<std::chrono::system_clock::time_point> diverged_at;  // the last one
  bool record_problem = false;        // the record could not be written at the last attempt
  health::Histogram advert_lateness;  // of the leader's advert timer
  hooks::HookCounters hooks;
};

}  // namespace agent
