// The few classes of what transitions happen for: the reason of one is a sentence for people, and
// too many sentences for the label of a metric. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace agent {

enum class TransitionCause : std::uint8_t {
  start,            // the agent began
  stop,             // the agent was told to end
  election,         // nobody led: whose data are the newer, or who is alone
  leader_resigned,  // the other node gave the role away
  leader_lost,      // it fell silent, and its server with it
  switchover,       // asked for by an operator
  switchover_failed,
  failback,       // the preferred node takes the role back
  operator_word,  // tandem promote --accept-data-loss
  priority,       // VRRP alone decided between two nodes
  newer_epoch,    // the other node leads, and later than this one
  promotion_failed,
  server_failed,  // the local server is not usable
  server_restarted,
  server_changed,  // somebody made the local server a replica
  network,         // the interface, or the way to peer and gateway
  tracked,         // track_script, track_file, track_interfaces, track_gateway
  held_up,         // this agent did not get to run in time
  recovered,       // what had failed is in order again
  other
};
std::string_view to_string(TransitionCause cause);

TransitionCause cause_of(std::string_view reason);

// How the sentences begin by which a cause is known; a test looks for them in the rulebook.
struct CausePhrase {
  std::string_view begins;
  TransitionCause cause;
};
std::span<const CausePhrase> cause_phrases();

}  // namespace agent
