// How a server comes back to the leader (rules 8 and 10): writes end -> what it holds beside the
// leader is judged from facts that are newer than that -> what the leader lacks is kept -> it
// follows. Nothing is replaced that was not judged or kept, unless an operator says so.
#include <algorithm>
#include <utility>

#include "agent/pair.hpp"
#include "agent/rejoin.hpp"

namespace agent {

using hooks::Target;

namespace {
constexpr auto kFenceBudget = std::chrono::milliseconds(500);
constexpr auto kFollowBudget = std::chrono::seconds(2);
constexpr auto kKeepRetry = std::chrono::seconds(30);
const health::Endpoint kNobody{"127.0.0.1", 1};  // as in the quarantine of the unit file
}  // namespace

// This node led, and its server restarted and is a replica although nobody here said so: its
// configuration names a master.
bool Pair::returned_as_a_replica() const {
  const auto& record = sight_.record;
  if (!record || record->role != RecordRole::leader || !sight_.local.is_replica()) return false;
  const health::ServerFacts& facts = *sight_.local.facts;
  return facts.run_id != record->run_id && facts.run_id != directed_run_ && facts.master != kNobody;
}

// Likewise, or somebody gave the order while the peer lacked what it holds; and nothing has arrived
// yet.
bool Pair::replicates_unasked() const {
  if (!taken_unsynced_ && !returned_as_a_replica()) return false;
  if (!sight_.local.is_replica()) return false;
  const health::ServerFacts& facts = *sight_.local.facts;
  return !facts.link_up && !facts.loading && facts.master != kNobody;
}

// A sync that replaces what the standby lacks is not what somebody had in mind who gave the order.
// A standby that was promoted out of all of it (FAILOVER) lacks nothing.
void Pair::note_taken(const ServerSight& before) {
  if (!before.is_master() || !sight_.local.is_replica()) return;
  if (!std::holds_alternative<Leading>(state_) || maintained()) return;
  const ServerSight& peer = sight_.peer;
  const std::int64_t held = std::max(before.facts->offset, sight_.local.facts->offset);
  const bool heir = peer.is_master() && peer.facts->replid2 == before.facts->replid &&
                    held < peer.facts->second_offset;
  taken_unsynced_ = !standby_in_sync() && !heir;
}

// Redis connects at once, and what arrives, some time later (repl-diskless-sync-delay, the
// transfer), replaces what this node led with before anybody has looked at it. As a replica of
// nobody the server keeps its lineage and stands still. There is no race where it boots in
// quarantine.
void Pair::hold_what_was_led(TimePoint now) {
  const health::ServerFacts& facts = *sight_.local.facts;
  if (facts.keys.value_or(0) == 0) {
    directed_run_ = facts.run_id;
    taken_unsynced_ = false;
    return;
  }
  const std::string master = facts.master.to_string();
  const bool said = !follow_problem_.empty();
  if (!said && taken_unsynced_) {
    emit(Say{Weight::warning, "somebody made the local server a replica of " + master +
                                  ", which lacked what it holds: it follows nobody until the two "
                                  "have been compared"});
  } else if (!said) {
    emit(Say{Weight::warning, "the local server came back as a replica of " + master +
                                  ", which its configuration names: it follows nobody until its "
                                  "data have been compared; take the line replicaof out of its "
                                  "configuration"});
  }
  start_work(now, FollowWork{Target::local, kNobody}, kFollowBudget);
  holding_ = work_;
}

// What was not done is still to be done when the next INFO says so.
void Pair::hold_done(const WorkDone& work) {
  if (!holding_ || *holding_ != work.id) return;
  holding_.reset();
  if (!work.done || !sight_.local.facts) return;
  directed_run_ = sight_.local.facts->run_id;
  taken_unsynced_ = false;
  sight_.local.facts->master = kNobody;  // the next INFO says the same
}

// As soon as it is known, for each millisecond counts.
void Pair::hold_at_once(TimePoint now) {
  if (maintained()) return;
  if (returned_as_a_replica() && sight_.local.facts->link_up) {
    directed_run_ = sight_.local.facts->run_id;
    emit(Say{Weight::warning, "the local server came back as a replica of " +
                                  sight_.local.facts->master.to_string() +
                                  " and has copied it already: what it alone held, if anything, is "
                                  "gone; take the line replicaof out of its configuration"});
  }
  if (idle() && !work_ && !follow_retry_ && replicates_unasked()) hold_what_was_led(now);
}

void Pair::rejoin(TimePoint now) {
  if (!rejoining_ && sight_.local.is_master()) {
    rejoining_ = Rejoining{};
    return start_work(now, FenceWork{Target::local, std::nullopt}, kFenceBudget);
  }
  if (!rejoining_) rejoining_ = Rejoining{.step = Rejoining::Step::look, .since = TimePoint::min()};
  switch (rejoining_->step) {
    case Rejoining::Step::fence:
    case Rejoining::Step::keep: return;
    case Rejoining::Step::look:
      if (*sight_.local.facts_at <= rejoining_->since) return;
      if (*sight_.peer.facts_at <= rejoining_->since) return;
      return judge_and_rejoin(now);
    case Rejoining::Step::failed:
      if (now < rejoining_->since && !rejoin_ordered_) return;
      return judge_and_rejoin(now);
    case Rejoining::Step::ask:
      if (!rejoin_ordered_) return;
      return start_following(now);
    case Rejoining::Step::follow: return start_following(now);
  }
}

// Once it is over, the next input that finds a leader takes it up; a deadline that has passed would
// keep the loop spinning until then.
std::optional<TimePoint> Pair::keep_retry() const {
  const bool failed = rejoining_ && rejoining_->step == Rejoining::Step::failed;
  if (!failed || rejoining_->since == TimePoint::min()) return std::nullopt;
  return rejoining_->since;
}

void Pair::judge_and_rejoin(TimePoint now) {
  auto verdict = judge_rejoin(*sight_.local.facts, *sight_.peer.facts, sight_.record);
  // Detached since, it does not show any more what it was.
  if (rejoining_->precaution && verdict.rejoin == Rejoin::unrelated) {
    verdict.precaution = true;
    verdict.words = rejoining_->words;
  }
  rejoining_->precaution = verdict.precaution;
  rejoining_->words = verdict.words;
  if (!verdict.loses_data()) return start_following(now);
  // What the leader was asked before may be less than what was copied from it since (rule 9).
  if (verdict.rejoin == Rejoin::ahead && !rejoining_->looked) return writes_ended(now);
  if (rejoin_ordered_ && rejoin_ordered_->accept_data_loss) {
    emit(
        Say{Weight::warning,
            "an operator accepts that what only the local server holds is lost: " + verdict.words});
    return start_following(now);
  }
  // A replica without a link to its master gives its data to nobody (-NOMASTERLINK).
  if (!sight_.local.is_master()) {
    rejoining_->step = Rejoining::Step::fence;
    return start_work(now, DetachWork{Target::local}, kFenceBudget);
  }
  Preserve preserve;
  preserve.id = rejoining_->id = ++last_work_;
  preserve.epoch = sight_.record ? sight_.record->epoch : 0;
  preserve.why = verdict.words;
  preserve.replid = sight_.local.facts->replid;
  preserve.lost = verdict.lost;
  if (!verdict.lost) preserve.commands_missing = "it has no common history with the leader's";
  preserve.precaution = verdict.precaution;
  preserve.keys = sight_.local.facts->keys;
  rejoining_->step = Rejoining::Step::keep;
  if (rejoining_->problem.empty()) {
    emit(Say{Weight::warning, "the local server holds what the leader's may lack: " +
                                  verdict.words + "; it is kept before it is replaced"});
  }
  emit(std::move(preserve));
}

// What the server holds stands still from here on.
void Pair::writes_ended(TimePoint now) {
  rejoining_->step = Rejoining::Step::look;
  rejoining_->looked = true;
  rejoining_->since = now;
  follow_retry_.reset();
  emit(RefreshFacts{Target::local});
  emit(RefreshFacts{Target::peer});
}

void Pair::on(TimePoint now, const Preserved& preserved) {
  if (!rejoining_ || rejoining_->step != Rejoining::Step::keep) return;
  if (rejoining_->id != preserved.id) return;
  rejoining_->problem = preserved.problem;
  rejoining_->path = preserved.path;
  if (!preserved.problem.empty()) {
    rejoining_->step = Rejoining::Step::failed;
    rejoining_->since = now + kKeepRetry;
    rejoin_ordered_.reset();
    return;
  }
  if (preserved.nothing_lost) {
    emit(Say{Weight::info, "what the local server is ahead holds no command of a client"});
    rejoining_->step = Rejoining::Step::follow;
    return;
  }
  std::string words = rejoining_->precaution ? "a copy of what the local server held is kept in "
                                             : "what only the local server held is kept in ";
  words += preserved.path;
  if (rejoining_->precaution) {
    words += ", as a precaution: unless somebody made it a master, the leader has all of it";
  }
  if (preserved.commands) words += ", with " + std::to_string(*preserved.commands) + " commands";
  emit(Say{Weight::warning, words});
  rejoining_->step = rules_.rejoin_alone ? Rejoining::Step::follow : Rejoining::Step::ask;
}

void Pair::on(TimePoint /*now*/, const RejoinRequested& requested) {
  if (rejoining_) rejoin_ordered_ = requested;
}

void Pair::start_following(TimePoint now) {
  if (sight_.local.facts) directed_run_ = sight_.local.facts->run_id;
  taken_unsynced_ = false;
  std::string words = "the local server is made a replica of the leader, ";
  emit(Say{Weight::info, words + rules_.candidacy.peer.to_string()});
  start_work(now, FollowWork{Target::local, rules_.candidacy.peer}, kFollowBudget);
}

// It follows, or it leads: either way nothing is to be judged any more.
void Pair::end_rejoining() {
  if (rejoining_ && rejoining_->step == Rejoining::Step::keep) emit(StopPreserving{});
  rejoining_.reset();
  rejoin_ordered_.reset();
}

std::vector<std::string> Pair::rejoin_problems() const {
  if (!rejoining_) return {"the local server does not wait to follow a leader"};
  const auto step = rejoining_->step;
  if (step == Rejoining::Step::ask || step == Rejoining::Step::failed) return {};
  return {"this is under way; see tandem status"};
}

std::string Pair::rejoin_alarm() const {
  if (!rejoining_) return {};
  std::string words = rejoining_->precaution ? "the local server holds what the leader's may lack ("
                                             : "the local server holds what the leader's lacks (";
  words += rejoining_->words + ")";
  if (!rejoining_->problem.empty()) {
    return words + " and no copy could be kept: " + rejoining_->problem +
           "; it does not follow. Mend that, or give the data up: tandem rejoin " + rules_.name +
           " --accept-data-loss";
  }
  if (rejoining_->step != Rejoining::Step::ask) return {};
  return words + ", kept in " + rejoining_->path +
         "; it does not follow before an operator says: tandem rejoin " + rules_.name;
}

}  // namespace agent
