// What one node's agent says of a pair to the other node's agent over the peer link: its role, its
// data and its intentions as values. Texts are the other side's and already fit for a log line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/record.hpp"

namespace agent {

struct PeerWord {
  std::string pair;
  // to_string(PairState). A word that is not known here is that of a later version.
  std::string state;
  std::uint64_t epoch = 0;
  std::optional<Record> record;
  // Its own server, as it sees it.
  std::string health;
  std::string role;
  std::string replid;
  std::int64_t offset = 0;
  std::uint64_t data_epoch = 0;  // the promotion that its data come from; 0: its record cannot tell
  int priority = 0;              // effective
  int configured = 0;            // priority of its configuration
  bool may_lead = false;
  std::string why;  // the clause behind may_lead
  int alarms = 0;   // how many
  bool maintenance = false;
  // Its agent executes its program anew and says nothing for that long at most; 0: it does not.
  int restarting_ms = 0;
  bool by_operator = false;  // it leaves the role, or has, because an operator said so
  std::string unfit;         // a standby: why it could not take over if it were asked to
  bool claims = false;       // a standby: the claim of the promotion to come is on its disk
  bool drained = false;      // a leader that leaves: it takes no writes, its standby has them all
  bool operator==(const PeerWord&) const = default;

  bool leads() const { return state == "leading"; }
};

// Whether what a decision may rest on is the same; offsets move with every write.
bool says_the_same(PeerWord one, const PeerWord& other);

}  // namespace agent
