// A further replica of a pair, as a value: a server without an agent that replicates from whoever
// leads. The leader's agent watches it, points it at its own server when it follows anybody else,
// and says what is wrong with it. It is never a candidate, and a writable master that holds what
// the leader may lack is left alone.
//
// One door in, step(); one list out. It reads no clock and talks to nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "health/facts.hpp"
#include "health/monitor.hpp"

namespace agent {

using health::Duration;
using health::TimePoint;

// ---- inputs ------------------------------------------------------------------------------------

// What the leading node's server said of itself, after it was promoted; nullopt: this node does not
// lead, and the replica is the other one's matter. `frozen`: maintenance, nothing is pointed.
struct LeaderSeen {
  std::optional<health::ServerFacts> facts;
  bool frozen = false;
};
struct ReplicaHealth {
  health::Health health = health::Health::unknown;
  std::string detail;
};
struct ReplicaFacts {
  health::ServerFacts facts;
  bool restarted = false;
};
// The end of what PointAtLeader began.
struct Pointed {
  bool done = false;
  std::string why;  // clause, when not done
};
struct ReplicaTime {};
using ReplicaInput = std::variant<LeaderSeen, ReplicaHealth, ReplicaFacts, Pointed, ReplicaTime>;

// ---- effects -----------------------------------------------------------------------------------

// REPLICAOF. `unless_changed`: it is a master; only while it still holds exactly what was judged.
struct PointAtLeader {
  std::optional<health::ServerFacts> unless_changed;
  bool operator==(const PointAtLeader&) const = default;
};
struct ReplicaSays {
  bool warning = false;
  std::string text;
  bool operator==(const ReplicaSays&) const = default;
};
using ReplicaEffect = std::variant<PointAtLeader, ReplicaSays>;
using ReplicaEffects = std::vector<ReplicaEffect>;

class FurtherReplica {
 public:
  // `leader`: this node's server, as the replica is to name it.
  FurtherReplica(health::Endpoint replica, health::Endpoint leader)
      : replica_(std::move(replica)), leader_(std::move(leader)) {}

  ReplicaEffects step(TimePoint now, const ReplicaInput& input);
  std::optional<TimePoint> next_deadline() const;
  // What is wrong with it, a sentence; empty: nothing, or nothing for long enough yet.
  const std::string& alarm() const { return alarm_; }

 private:
  void on(TimePoint now, const LeaderSeen& seen);
  void on(TimePoint now, const ReplicaHealth& health);
  void on(TimePoint now, const ReplicaFacts& facts);
  void on(TimePoint now, const Pointed& pointed);
  void on(TimePoint /*now*/, const ReplicaTime& /*time*/) {}

  void settle(TimePoint now);
  bool answers() const;
  bool follows() const;
  bool shares_history() const;
  std::string found() const;
  std::optional<std::string> kept_back() const;
  void point(TimePoint now);
  bool is_being_looked_at() const;
  void judge_alarm(TimePoint now);
  std::string trouble() const;

  health::Endpoint replica_;
  health::Endpoint leader_;
  std::optional<health::ServerFacts> leader_facts_;
  health::Health health_ = health::Health::unknown;
  std::string detail_;
  std::optional<health::ServerFacts> facts_;  // read since this node leads, or since it was pointed
  bool restarted_ = false;                    // since it was last seen to follow
  bool frozen_ = false;
  bool pointing_ = false;
  bool followed_ = false;  // since this node leads
  std::string problem_;    // of the last attempt
  std::optional<TimePoint> pointed_at_;
  Duration pause_{};                     // before it is pointed again
  std::optional<TimePoint> not_before_;  // after an attempt that failed or was undone
  std::optional<TimePoint> wrong_since_;
  std::string alarm_;
  ReplicaEffects effects_;
};

}  // namespace agent
