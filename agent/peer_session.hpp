// One connection of the peer link, as a value: who may speak to whom, in which version, when to say
// something and when to give the other side up. Knows no socket, no TLS and no clock.
//
// Both sides of a connection are equal once it is open; the caller only speaks first.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/peer_message.hpp"
#include "agent/tracking.hpp"

namespace agent {

// Whether the two can speak to each other: the version of the protocol, or a clause why not.
std::variant<int, std::string> judge_hello(const PeerHello& own, const PeerHello& theirs);

// In words, what the two configurations of a pair disagree about. Settings that only one of them
// names belong to another version of the agent and are no disagreement.
std::vector<std::string> disagreements(const PeerPair& own, const PeerPair& theirs);

struct PeerSessionRules {
  Duration heartbeat = std::chrono::milliseconds(500);
  Duration states = std::chrono::milliseconds(500);    // all of them again; in between, changes
  Duration silence = std::chrono::milliseconds(1500);  // the other side is gone after it
  Duration patience = std::chrono::seconds(1);         // for the handshake, and for the hello
  int messages_per_second = 200;                       // of the other side
};

// ---- inputs ------------------------------------------------------------------------------------
struct SessionBegins {};
struct FrameArrived {
  std::string text;
};
struct SessionTime {};
using SessionInput = std::variant<SessionBegins, FrameArrived, SessionTime>;

// ---- effects -----------------------------------------------------------------------------------
struct SessionSends {
  PeerMessage message;
  bool operator==(const SessionSends&) const = default;
};
struct SessionOpened {
  PeerHello hello;
  bool operator==(const SessionOpened&) const = default;
};
// The states of all pairs are to be sent now: when a session opens, and as often as its rules say.
struct SessionWantsStates {
  bool operator==(const SessionWantsStates&) const = default;
};
// A heartbeat also says that all states which were sent before still hold.
struct SessionHeard {
  std::variant<PeerHeartbeat, PeerState, PeerRequest, PeerAnswer> what;
  bool operator==(const SessionHeard&) const = default;
};
// The end; what was sent before is still delivered. A clause.
struct SessionEnded {
  std::string why;
  bool operator==(const SessionEnded&) const = default;
};
using SessionEffect =
    std::variant<SessionSends, SessionOpened, SessionWantsStates, SessionHeard, SessionEnded>;
using SessionEffects = std::vector<SessionEffect>;

class PeerSession {
 public:
  enum class Side : std::uint8_t { caller, listener };

  // `own` has a hello for each agent that may be at the other side, with that agent's address: a
  // caller's has one. A listener answers with the one that the caller's own address asks for.
  struct Own {
    std::string agent;
    PeerHello hello;
  };
  PeerSession(Side side, std::vector<Own> own, PeerSessionRules rules)
      : side_(side), own_(std::move(own)), rules_(rules) {}

  SessionEffects step(TimePoint now, const SessionInput& input);
  std::optional<TimePoint> next_deadline() const;
  bool is_open() const { return state_ == State::open; }
  // nullopt: not measured yet.
  std::optional<Duration> round_trip() const { return round_trip_; }

 private:
  enum class State : std::uint8_t { waiting, open, ended };

  void on(TimePoint now, const SessionBegins& begins);
  void on(TimePoint now, const FrameArrived& frame);
  void on(TimePoint now, const SessionTime& time);
  void take(TimePoint now, const PeerHello& hello);
  void take(TimePoint now, const PeerHeartbeat& beat);
  void take(TimePoint now, const PeerRefusal& refusal);
  template <typename Message>
  void take(TimePoint /*now*/, const Message& message) {
    effects_.emplace_back(SessionHeard{message});
  }
  bool too_many(TimePoint now);
  void send_heartbeat(TimePoint now);
  void refuse(std::string why);
  void end(std::string why);

  Side side_;
  std::vector<Own> own_;
  PeerSessionRules rules_;
  State state_ = State::waiting;
  TimePoint began_{};
  TimePoint heard_{};      // the last message
  TimePoint next_beat_{};  // open
  TimePoint next_states_{};
  TimePoint second_began_{};
  int in_this_second_ = 0;
  std::int64_t last_sent_ = 0;  // of the other side's last heartbeat
  TimePoint last_beat_{};       // when it came
  std::optional<Duration> round_trip_;
  SessionEffects effects_;
};

}  // namespace agent
