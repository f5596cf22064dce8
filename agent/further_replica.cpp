// See further_replica.hpp.
#include "agent/further_replica.hpp"

#include <algorithm>
#include <utility>

#include "agent/rejoin.hpp"

namespace agent {

using health::Health;

namespace {
// A full resync, a restart or a moment of silence is no alarm.
constexpr Duration kAlarmDelay = std::chrono::seconds(3);
// Whoever points it elsewhere again and again is not answered faster and faster: each time may
// cost a full resync, and it may be an old leader that does not know yet.
constexpr Duration kFirstPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::minutes(1);
}  // namespace

ReplicaEffects FurtherReplica::step(TimePoint now, const ReplicaInput& input) {
  std::visit([&](const auto& one) { on(now, one); }, input);
  settle(now);
  return std::exchange(effects_, {});
}

std::optional<TimePoint> FurtherReplica::next_deadline() const {
  std::optional<TimePoint> next;
  const bool waits = leader_facts_ && answers() && facts_ && !follows() && !pointing_ && !frozen_;
  if (waits && not_before_) next = not_before_;
  const bool silent = wrong_since_ && alarm_.empty() && !is_being_looked_at();
  if (silent && (!next || *wrong_since_ + kAlarmDelay < *next)) next = *wrong_since_ + kAlarmDelay;
  return next;
}

void FurtherReplica::on(TimePoint /*now*/, const LeaderSeen& seen) {
  if (seen.facts) {
    leader_facts_ = seen.facts;
    frozen_ = seen.frozen;
    return;
  }
  // Another term begins with nothing known.
  const bool talked = !alarm_.empty();
  if (talked) effects_.emplace_back(ReplicaSays{false, "alarm is over: " + alarm_});
  *this = FurtherReplica(std::move(replica_), std::move(leader_));
}

void FurtherReplica::on(TimePoint /*now*/, const ReplicaHealth& health) {
  health_ = health.health;
  detail_ = health.detail;
  // What it was before it was away says nothing about what it is when it comes back.
  if (!answers()) facts_.reset();
}

void FurtherReplica::on(TimePoint /*now*/, const ReplicaFacts& facts) {
  facts_ = facts.facts;
  restarted_ = restarted_ || facts.restarted;
}

void FurtherReplica::on(TimePoint now, const Pointed& pointed) {
  pointing_ = false;
  pointed_at_ = now;
  facts_.reset();  // the next INFO shows what came of it
  problem_ = pointed.done ? "" : pointed.why;
  if (pointed.done) return;
  pause_ = std::clamp<Duration>(2 * pause_, kFirstPause, kLongestPause);
  not_before_ = now + pause_;
}

// INFO is answered also by a server that cannot save, or that hides old data (-MASTERDOWN).
bool FurtherReplica::answers() const {
  return health_ == Health::up || health_ == Health::degraded;
}

bool FurtherReplica::follows() const {
  return facts_->role == health::Role::replica && facts_->master == leader_;
}

bool FurtherReplica::shares_history() const {
  const std::string& id = facts_->replid;
  return !id.empty() && (id == leader_facts_->replid || id == leader_facts_->replid2);
}

void FurtherReplica::settle(TimePoint now) {
  if (!leader_facts_) return;
  if (not_before_ && now >= *not_before_) not_before_.reset();
  if (answers() && facts_ && !pointing_) {
    if (follows()) {
      followed_ = true;
      restarted_ = false;
      problem_.clear();
      if (pointed_at_ && now >= *pointed_at_ + kLongestPause) pause_ = {};
    } else if (!frozen_ && !facts_->loading && !kept_back()) {
      point(now);
    }
  }
  judge_alarm(now);
}

std::string FurtherReplica::found() const {
  if (facts_->role == health::Role::master) return "a master";
  return "a replica of " + facts_->master.to_string();
}

// Why it is not pointed at the leader, though it follows somebody else; nullopt: it is.
std::optional<std::string> FurtherReplica::kept_back() const {
  const bool master = facts_->role == health::Role::master;
  // Past the fork, which does not move, it has what the leader never had. Within the leader's own
  // lineage an offset is only newer than what the leader said a moment before.
  const std::int64_t past = facts_->offset - leader_facts_->second_offset + 1;
  if (!master && facts_->replid == leader_facts_->replid2 && past > 0) {
    return found() + ", and " + std::to_string(past) + " bytes ahead of the leader's fork";
  }
  if (!master && shares_history()) return std::nullopt;
  const RejoinVerdict verdict = judge_rejoin(*facts_, *leader_facts_, std::nullopt);
  if (verdict.rejoin == Rejoin::leader_empty) {
    return found() + " with " + std::to_string(facts_->keys.value_or(0)) +
           " keys while the leader's server is empty";
  }
  if (!verdict.loses_data()) return std::nullopt;
  if (master) return "a writable master, and " + verdict.words;
  // What it copied from a master that is there is there; an append-only file names no lineage.
  if (facts_->link_up || facts_->offset == 0) return std::nullopt;
  return found() + ", and " + verdict.words;
}

void FurtherReplica::point(TimePoint now) {
  if (not_before_) return;
  // Undone by somebody, not by a restart: once is answered at once.
  const bool undone = followed_ && !restarted_;
  if (undone) {
    const bool soon = pointed_at_ && now < *pointed_at_ + kLongestPause;
    pause_ = soon ? std::clamp<Duration>(2 * pause_, kFirstPause, kLongestPause) : Duration{};
    not_before_ = now + pause_;
    followed_ = false;
    effects_.emplace_back(ReplicaSays{true, "somebody made the replica " + replica_.to_string() +
                                                " " + found() +
                                                ": it is pointed back at this node" +
                                                (soon ? ", after a pause" : std::string())});
    if (soon) return;
  }
  std::string words = "the replica " + replica_.to_string() + " is pointed at this node: it is ";
  words += found();
  effects_.emplace_back(ReplicaSays{false, std::move(words)});
  pointing_ = true;
  restarted_ = false;
  PointAtLeader order;
  if (facts_->role == health::Role::master) order.unless_changed = facts_;
  effects_.emplace_back(std::move(order));
}

// Empty: all is well, or is being made well.
std::string FurtherReplica::trouble() const {
  const std::string name = "the replica " + replica_.to_string() + " ";
  const std::string detail = detail_.empty() ? "" : ": " + detail_;
  if (health_ == Health::unknown) return {};
  if (health_ == Health::denied) {
    const bool foreign = detail_.starts_with(health::kNotForAPair);
    return name + (foreign ? "is " : "refuses this agent: ") + detail_;
  }
  if (health_ != Health::up) return name + "is " + std::string(health::to_string(health_)) + detail;
  if (!problem_.empty()) return name + "cannot be pointed at this node: " + problem_;
  if (!facts_ || pointing_) return {};
  if (!follows()) {
    const auto why = kept_back();
    if (!why) return {};
    return name + "is " + *why +
           ": it is left alone. Save what is needed of it, then: redis-cli -h " + replica_.host +
           " -p " + std::to_string(replica_.port) + " REPLICAOF " + leader_.host + " " +
           std::to_string(leader_.port);
  }
  if (facts_->link_up || facts_->sync_in_progress) return {};
  return name +
         "follows this node, but its link is down: look at masterauth, masteruser and "
         "TLS in its configuration, and at its log";
}

// Nothing is known before the next INFO.
bool FurtherReplica::is_being_looked_at() const {
  return answers() && !facts_ && problem_.empty();
}

// What does not answer may be on its way back; what it says itself is said at once.
void FurtherReplica::judge_alarm(TimePoint now) {
  if (is_being_looked_at()) return;
  std::string words = trouble();
  const bool left_alone = problem_.empty() && facts_ && answers() && !follows();
  if (words.empty()) {
    wrong_since_.reset();
  } else if (!wrong_since_) {
    wrong_since_ = now;
  }
  if (wrong_since_ && alarm_.empty() && !left_alone && now < *wrong_since_ + kAlarmDelay) return;
  if (words == alarm_) return;
  if (!words.empty()) effects_.emplace_back(ReplicaSays{true, "alarm: " + words});
  if (words.empty()) effects_.emplace_back(ReplicaSays{false, "alarm is over: " + alarm_});
  alarm_ = std::move(words);
}

}  // namespace agent
