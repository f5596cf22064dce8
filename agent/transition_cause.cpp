// See transition_cause.hpp.
#include "agent/transition_cause.hpp"

#include <array>

namespace agent {
namespace {

using enum TransitionCause;

// The first that fits.
constexpr auto kPhrases = std::to_array<CausePhrase>({
    {"the agent started", start},
    {"the agent is stopping", stop},
    {"a switchover was asked for", switchover},
    {"the switchover was given up", switchover_failed},
    {"the standby did not take over", switchover_failed},
    {"the operator said so", operator_word},
    {"the leader resigned", leader_resigned},
    {"the leader's agent is gone", leader_lost},
    {"the leader is silent", leader_lost},
    {"the peer is silent", leader_lost},
    {"this node's priority is higher", priority},
    {"a leader with higher priority", priority},
    {"a leader with equal priority", priority},
    {"the other node leads with the newer epoch", newer_epoch},
    {"the promotion failed", promotion_failed},
    {"pre_promote vetoes", promotion_failed},
    {"the local server was restarted", server_restarted},
    {"the local server is the master", election},
    {"the local server is ", server_failed},
    {"somebody made the local server a replica", server_changed},
    {"the interface is down", network},
    {"it reaches neither the peer nor track_gateway", network},
    {"track_", tracked},
    {"interface ", tracked},
    {"this agent was held up", held_up},
    {"server and interface are usable again", recovered},
    {"what is tracked is in order again", recovered},
    {"the peer did not come back within", election},
    {"it led ", election},
    {"this node led last", election},
    {"both servers hold the same data", election},
    {"the local data is ", election},
    {"the peer's server came back with ", election},
    {"what the peer's server followed goes on here", election},
    {"the peer is not there", election},
});

constexpr std::string_view kPreferred = "which is preferred, takes the role back";

}  // namespace

std::string_view to_string(TransitionCause cause) {
  switch (cause) {
    case start: return "start";
    case stop: return "stop";
    case election: return "election";
    case leader_resigned: return "leader_resigned";
    case leader_lost: return "leader_lost";
    case switchover: return "switchover";
    case switchover_failed: return "switchover_failed";
    case failback: return "failback";
    case operator_word: return "operator";
    case priority: return "priority";
    case newer_epoch: return "newer_epoch";
    case promotion_failed: return "promotion_failed";
    case server_failed: return "server_failed";
    case server_restarted: return "server_restarted";
    case server_changed: return "server_changed";
    case network: return "network";
    case tracked: return "tracked";
    case held_up: return "held_up";
    case recovered: return "recovered";
    case other: break;
  }
  return "other";
}

TransitionCause cause_of(std::string_view reason) {
  for (const CausePhrase& phrase : kPhrases) {
    if (reason.starts_with(phrase.begins)) return phrase.cause;
  }
  return reason.ends_with(kPreferred) ? failback : other;
}

std::span<const CausePhrase> cause_phrases() {
  return kPhrases;
}

}  // namespace agent
