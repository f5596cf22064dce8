// What the configuration says to the rulebook of a pair.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/candidacy.hpp"

namespace agent {

// When the local server is brought back (rule 9); how is hooks::Recovery's matter.
struct RecoveryPolicy {
  bool possible = false;   // there is a start command
  bool automatic = false;  // without being asked
  Duration delay = std::chrono::seconds(5);
};

// Which scripts are asked before the role is taken or given away, and what their silence means.
struct VetoRules {
  bool promotion = false;
  bool demotion = false;
  bool silence_is_veto = false;
  Duration timeout{};  // of an answer
};

struct PairRules {
  CandidacyRules candidacy;
  std::string name;                        // of the pair, for who reads an alarm
  health::Endpoint replication;            // where the peer's server would replicate from us
  std::vector<health::Endpoint> replicas;  // further ones, which are never candidates
  Duration promote_budget = std::chrono::seconds(3);
  Duration handover_budget = std::chrono::seconds(2);
  std::size_t max_takeovers = 10;  // automatic ones in an hour; 0: any number
  Duration hold_down{};            // after the role was lost, nobody having asked for it
  // A server whose data were kept follows the leader; otherwise it waits for an operator's word.
  bool rejoin_alone = true;
  Duration isolation_patience = std::chrono::seconds(3);  // out of touch with peer and gateway
  bool fence = false;                                     // there is a fence script (rule 12)
  RecoveryPolicy recovery;
  VetoRules veto;
  int priority = 0;       // of the configuration
  bool failback = false;  // take the role back from a node of lower priority (rule 6)
  Duration failback_delay = std::chrono::seconds(30);
};

// Re-announcements of the VIP, and what has to be known before one.
struct Announcing {
  std::optional<TimePoint> allowed;  // limits them
  std::optional<TimePoint> due;      // one waits for a comparison of the epochs, so long at most
  std::string why;                   // it
  std::optional<TimePoint> rival_heard;   // a second leader's advert
  std::optional<TimePoint> call_allowed;  // limits the calls of the peer's agent
};

}  // namespace agent
