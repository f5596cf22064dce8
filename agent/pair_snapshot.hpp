// What the rulebook shows of itself to operators and to the other node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/candidacy.hpp"
#include "agent/pair_words.hpp"

namespace agent {

// How the last switchover went, for who asked for it.
struct SwitchoverReport {
  enum class Outcome : std::uint8_t { none, running, done, given_up };
  std::uint64_t number = 0;  // counts the requests
  Outcome outcome = Outcome::none;
  std::string words;       // one clause, once it has ended
  Duration writes_held{};  // done: from the pause until the new master was seen
};
std::string_view to_string(SwitchoverReport::Outcome outcome);

// When this node, which the configuration prefers, takes the role back. Neither time nor words: it
// need not, or will not.
struct FailbackReport {
  std::optional<TimePoint> due;
  std::string words;  // why it waits, or what came of the last time: a clause
};

struct PairSnapshot {
  PairState state = PairState::starting;
  std::string reason;  // of the last transition
  TimePoint since{};
  std::uint64_t epoch = 0;
  Candidacy candidacy;
  bool leader_advertises = false;
  bool standby_in_sync = false;  // leading: the peer could take over now
  bool by_operator = false;      // leaving or stopped: an operator said so
  std::vector<std::string> alarms;
  SwitchoverReport switchover;
  FailbackReport failback;
  std::optional<Maintenance> maintenance;
};

}  // namespace agent
