// What somebody asks for with a switchover, and what becomes of it: the same words in the JSON of
// the control socket and of the peer link.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <variant>

#include "agent/peer_message.hpp"
#include "agent/tracking.hpp"

namespace agent::io {

inline constexpr Duration kLongestSwitchover = std::chrono::seconds(60);

struct SwitchoverWish {
  Duration budget{};             // for holding the writes until the standby has them
  bool dry_run = false;          // only look what is in the way
  bool server_failover = false;  // by the servers' own FAILOVER
  bool failback = false;         // the other node asks for itself: it is preferred (rule 6)
  bool ignore_veto = false;      // pre_demote is not asked
  bool from_peer = false;        // the other node asks, for whom ever
};

// Once it has ended, or could not begin.
struct SwitchoverAnswer {
  bool done = false;
  std::string words;  // done: clauses. Otherwise sentences, without the final stop
};
using SwitchoverAnswered = std::function<void(const SwitchoverAnswer&)>;

boost::json::object arguments_of(const SwitchoverWish& wish);
// The wish, or a sentence why it is none.
std::variant<SwitchoverWish, std::string> wish_of(const boost::json::object& arguments);

PeerAnswer peer_answer(const SwitchoverAnswer& answer);
// `node` gave it, if any came: its problems are named as its own.
SwitchoverAnswer answer_of(const PeerAnswer& answer, const std::string& node);

}  // namespace agent::io
