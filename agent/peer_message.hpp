// The messages of the peer link: one JSON object in a frame, {"v":1,"type":"state",...}. Pure:
// value to bytes and back. Nothing of a message is trusted: sizes, types and texts are checked
// here.
//
//   caller                               listener
//   hello                          ->
//                                  <-    hello, or refusal and the end
//   heartbeat, state, request, answer in both directions
//
// The form of hello and refusal is the same in all versions to come, so that two versions can tell
// each other why they do not go together.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/peer_word.hpp"

namespace agent {

inline constexpr int kPeerProtocol = 1;
inline constexpr std::size_t kPeerFrameHeader = 4;  // the length of what follows, big endian
inline constexpr std::size_t kLargestPeerMessage = 512UL * 1024;

// A pair as its node's configuration has it: what must agree, by name ("vips"), and what differs.
struct PeerPair {
  std::string name;
  int priority = 0;
  std::map<std::string, std::string> settings;
  bool operator==(const PeerPair&) const = default;
};
struct PeerHello {
  std::string node;
  std::string run;              // of this process: another one after a restart
  std::string software;         // version of the agent
  std::vector<int> versions;    // of the protocol, all that it speaks
  std::string listen;           // where its agent is called, "192.168.1.113:7112"
  std::vector<PeerPair> pairs;  // those whose other node is the one addressed
  bool operator==(const PeerHello&) const = default;
};
// Times in microseconds of the sender's own clock; `echo` is the last `sent` of the other side and
// `held` how long ago it came. 0: none came yet.
struct PeerHeartbeat {
  std::int64_t sent = 0;
  std::int64_t echo = 0;
  std::int64_t held = 0;
  bool operator==(const PeerHeartbeat&) const = default;
};
struct PeerState {
  std::uint64_t number = 0;  // rises with each state that an agent sends
  PeerWord word;
  bool operator==(const PeerState&) const = default;
};
struct PeerRequest {
  std::uint64_t id = 0;  // the asking side's own
  std::string pair;
  std::string command;
  boost::json::object arguments;
  bool operator==(const PeerRequest&) const = default;
};
struct PeerAnswer {
  std::uint64_t id = 0;
  bool ok = false;
  std::string text;  // for people
  boost::json::object result{};
  bool operator==(const PeerAnswer&) const = default;
};
// The last message before the end.
struct PeerRefusal {
  std::string why;  // clause
  bool operator==(const PeerRefusal&) const = default;
};
using PeerMessage =
    std::variant<PeerHello, PeerHeartbeat, PeerState, PeerRequest, PeerAnswer, PeerRefusal>;

// A whole frame. nullopt: it would be larger than a message may be.
std::optional<std::string> encode_peer_message(const PeerMessage& message);

// The length in a frame's header. nullopt: 0, or more than a message may have.
std::optional<std::size_t> peer_frame_length(std::string_view header);

// What is in a frame; a clause when it is no message.
std::variant<PeerMessage, std::string> parse_peer_message(std::string_view text);

}  // namespace agent
