// What the rulebook sees and what follows from it; the ways up and down are in files of their own.
#include "agent/pair.hpp"

#include <algorithm>
#include <utility>

#include "agent/newest.hpp"

namespace agent {

using health::Health;
using hooks::Target;

namespace {

constexpr auto kFollowRetry = std::chrono::seconds(1);
constexpr auto kSaveRetry = std::chrono::seconds(5);  // as Redis itself waits after a failed one
constexpr auto kPeerFollowBudget = std::chrono::seconds(2);

hooks::NotifyState notify_state(PairState state) {
  switch (state) {
    case PairState::leading: return hooks::NotifyState::master;
    case PairState::fault: return hooks::NotifyState::fault;
    case PairState::stopped: return hooks::NotifyState::stop;
    default: return hooks::NotifyState::backup;
  }
}

}  // namespace

PairEffects Pair::step(TimePoint now, const PairInput& input) {
  std::visit([&](const auto& one) { on(now, one); }, input);
  settle(now);
  return std::exchange(effects_, {});
}

std::optional<TimePoint> Pair::next_deadline() const {
  std::optional<TimePoint> next;
  const auto consider = [&](std::optional<TimePoint> then) {
    if (then && (!next || *then < *next)) next = then;
  };
  consider(step_deadline_);
  consider(follow_retry_);
  consider(look_again_);
  consider(keep_retry());
  consider(persist_due());
  if (unprotected_since_ && !alarms_.contains(kUnprotected)) {
    consider(*unprotected_since_ + kAlarmDelay);
  }
  if (ineligible_since_ && !alarms_.contains(kNotEligible)) {
    consider(*ineligible_since_ + kAlarmDelay);
  }
  consider(link_alarm_due());
  consider(announcing_.due);
  if (held_since_ && told_.holds) consider(*held_since_ + kEpochPatience);
  consider(recovery_.wake);
  consider(failback_due());
  consider(maintenance_due());
  consider(veto_.ask_again);
  if (!std::holds_alternative<End>(state_)) consider(fence_.wake);
  if (idle() || std::holds_alternative<Starting>(state_)) consider(candidacy_.recheck);
  if (!std::holds_alternative<End>(state_)) consider(contact_deadline_);
  return next;
}

// ---- what was seen -----------------------------------------------------------------------------

void Pair::on(TimePoint now, const Begin& begin) {
  sight_.record = begin.record;
  rejected_record_ = begin.rejected;
  sight_.started = now;
  told_scripts_ = begin.told;
  notified_ = begin.told.has_value();
  begun_at_ = begin.unix_time;
  if (begin.record && !begin.record->intent.empty()) {
    emit(Say{Weight::warning, "the agent ended in the middle of a " + begin.record->intent +
                                  ": it is finished or taken back by what the servers say now"});
    sight_.record->intent.clear();
  }
  since_ = now;
  state_ = Starting{begin.vips_present};
  // A VIP left by a dead agent dies with its lease; until then it may belong to us again.
  if (begin.vips_present) step_deadline_ = now + 2 * rules_.candidacy.vip_lease;
}

void Pair::on(TimePoint now, const HealthSeen& seen) {
  ServerSight& server = seen.server == Target::local ? sight_.local : sight_.peer;
  const Health before = std::exchange(server.health, seen.health);
  server.detail = seen.detail;
  if (seen.server == Target::peer && seen.health != Health::up) {
    standby_in_sync_ = false;
    peer_acts_again();
  }
  if (seen.server == Target::peer && seen.health == Health::up) peer_is_back(now, before);
  // It wakes up with what clients had queued; the fence stands in the same queue.
  const bool leads = std::holds_alternative<Leading>(state_);
  if (seen.server == Target::local && seen.health == Health::hung && leads) emit(PostFence{});
  const bool ended = seen.server == Target::local && seen.health != Health::up;
  if (ended && sight_.local.facts) note_last_offset(*sight_.local.facts);
  successor_seen(now);
}

void Pair::on(TimePoint now, const FactsSeen& seen) {
  const bool local = seen.server == Target::local;
  ServerSight& server = local ? sight_.local : sight_.peer;
  const ServerSight before = server;
  server.facts = seen.facts;
  if (!local && before.is_master() && server.is_replica()) rival_gave_way(now);
  server.last_answer = now;
  server.facts_at = now;
  if (local && before.facts && sight_.record) {
    if (auto renamed = renaming(*before.facts, seen.facts)) {
      renamed->time = unix_time(now);
      sight_.record->renamed = std::move(renamed);
      emit(Persist{*sight_.record, false});
    }
  }
  if (local) recall(sight_.record, *server.facts);
  if (local) note_taken(before);
  if (local) settle_claim(seen.facts);
  if (local) name_foreign_role(seen.restarted ? ServerSight{} : before);
  // What an earlier run of the server had is not what this one has.
  if (seen.restarted) server.link_up_since.reset();
  if (seen.restarted && local) {
    sight_.in_sync_at.reset();
    end_rejoining();  // the fence has gone with the process, and what was judged may be more now
  }
  if (seen.restarted && !local) peer_acts_again();
  if (local && !seen.restarted) note_stream(now, before);
  if (local) save_again(now);
  if (local && seen.restarted && before.facts) note_last_offset(*before.facts);
  note_link(now, server);
  note_marks(now, before, server);
  note_sync(now);
  if (!local && server.is_master()) sight_.leader_seen_at = now;
  if (local && seen.restarted && std::holds_alternative<Leading>(state_) && !maintained()) {
    leave(now, "the local server was restarted");
  }
  successor_seen(now);
  if (local) hold_at_once(now);
}

// With stop-writes-on-bgsave-error, which is the default, a server refuses writes until a save
// succeeds, and tries one only when its save points say so: minutes after there is room again.
void Pair::save_again(TimePoint now) {
  const health::ServerFacts& local = *sight_.local.facts;
  if (local.last_bgsave_ok) {
    save_retry_.reset();
    return;
  }
  const bool acts = idle() || std::holds_alternative<Leading>(state_);
  if (!acts || maintained() || (save_retry_ && now < *save_retry_)) return;
  if (!save_retry_) {
    emit(Say{Weight::info,
             "the last BGSAVE of the local server failed; it is asked for another until one "
             "succeeds, for it refuses writes meanwhile"});
  }
  save_retry_ = now + kSaveRetry;
  emit(SaveAgain{});
}

void Pair::on(TimePoint now, const WorkDone& work) {
  if (work_ != work.id) return;
  work_.reset();
  own_act_at_ = now;
  hold_done(work);
  if (is_read_only_work(work)) return;
  if (std::holds_alternative<Promoting>(state_)) return promotion_work_done(now, work);
  if (std::holds_alternative<Leaving>(state_)) return leaving_work_done(now, work);
  if (guarding_) return guard_work_done(now, work);
  if (auto* leading = std::get_if<Leading>(&state_)) {
    leading->peer_must_follow = leading->peer_must_follow && !work.done;
    emit(RefreshFacts{Target::peer});
  } else if (rejoining_ && rejoining_->step == Rejoining::Step::fence && work.done) {
    return writes_ended(now);
  } else {
    emit(RefreshFacts{Target::local});
  }
  if (rejoining_ && rejoining_->step == Rejoining::Step::fence) rejoining_.reset();
  follow_problem_ = work.done ? "" : "the local server could not be changed: " + work.why;
  follow_retry_ = now + kFollowRetry;
}

void Pair::on(TimePoint now, const Persisted& persisted) {
  persist_problem_ = persisted.problem;
  persist_retry_ = now + kSaveRetry;
  if (claim_ahead_) claim_ahead_ = true;
  if (!persisted.problem.empty()) withdraw_claim_ahead();
  if (std::holds_alternative<Promoting>(state_)) promotion_recorded(now);
}

void Pair::on(TimePoint now, const VipProbed& probed) {
  probe_running_ = false;
  if (sight_.leader_silent_since) sight_.vip_probe = Sight::VipProbe{probed.held, now};
}

void Pair::on(TimePoint /*now*/, const PromoteRequested& /*requested*/) {
  opened_by_operator_ = std::holds_alternative<Leading>(state_) && guarded();
  // Who leads is not overruled; the caller has said so already.
  if (sight_.leader_advertises || std::holds_alternative<Leading>(state_)) return;
  sight_.accept_data_loss = true;
  sight_.hold.reset();
}

void Pair::on(TimePoint now, const StopRequested& /*requested*/) {
  if (auto* leaving = std::get_if<Leaving>(&state_)) {
    leaving->stopping = true;
  } else if (!std::holds_alternative<End>(state_) && !ask_before_stop(now)) {
    leave(now, "the agent is stopping", Leave::stopping);
  }
}

void Pair::on(TimePoint now, const TimePassed& /*passed*/) {
  if (!step_deadline_ || now < *step_deadline_) return;
  step_deadline_.reset();
  if (std::holds_alternative<Promoting>(state_)) {
    on(now, Persisted{"the record is not on disk in time"});
  } else if (std::holds_alternative<Leaving>(state_)) {
    leaving_step(now);
  } else if (auto* starting = std::get_if<Starting>(&state_)) {
    starting->vips_present = false;
    emit(WithdrawVips{});
  }
}

// ---- what follows from it ----------------------------------------------------------------------

void Pair::settle(TimePoint now) {
  if (std::holds_alternative<End>(state_)) return;
  if (follow_retry_ && now >= *follow_retry_) follow_retry_.reset();
  if (keep_retry() && now >= *keep_retry()) rejoining_->since = TimePoint::min();
  note_contact(now);
  settle_maintenance(now);
  note_silence(now);
  if (std::holds_alternative<Starting>(state_)) settle_start(now);
  if (std::holds_alternative<Leading>(state_)) settle_leading(now);
  if (idle()) settle_idle(now);
  settle_announcement(now);
  settle_recovery(now);
  settle_veto(now);
  judge(now);
  settle_claim_ahead(now);
  settle_fence(now);
  remember(now);
  persist_again(now);
  watch_the_link(now);
  settle_failback(now);
  update_alarms(now);
}

// What is not on disk: there may be room again. Who moves writes by itself.
std::optional<TimePoint> Pair::persist_due() const {
  const bool settled = idle() || std::holds_alternative<Leading>(state_);
  if (!settled || !sight_.record || persist_problem_.empty()) return std::nullopt;
  return persist_retry_;
}

void Pair::persist_again(TimePoint now) {
  const auto due = persist_due();
  if (!due || now < *due) return;
  persist_retry_ = now + kSaveRetry;
  emit(Persist{*sight_.record, true});
}

void Pair::settle_start(TimePoint now) {
  const auto& starting = std::get<Starting>(state_);
  const ServerSight& local = sight_.local;
  if (local.health == Health::unknown) return;
  if (local.health == Health::up && !local.facts) return;
  const bool adoptable = starting.vips_present && local.health == Health::up && local.is_master() &&
                         !sight_.leader_advertises && !tracked_fault();
  if (adoptable) return;
  if (starting.vips_present) emit(WithdrawVips{});
  step_deadline_.reset();
  enter_idle(now, "the agent started");
}

void Pair::settle_idle(TimePoint now) {
  const bool faulty = fault().has_value();
  if (faulty != std::holds_alternative<Fault>(state_)) {
    enter_idle(now, fault_is_tracked_ ? "what is tracked is in order again"
                                      : "server and interface are usable again");
  }
  follow_the_leader(now);
}

void Pair::settle_leading(TimePoint now) {
  if (const auto reason = reason_to_leave()) return leave(now, *reason);
  if (const auto reason = newer_leader(now)) return leave(now, *reason);
  outlive_the_peers_epoch(now);
  if (standby_in_sync()) {
    unprotected_since_.reset();
  } else if (!unprotected_since_) {
    unprotected_since_ = now;
  }
  if (maintained()) return;
  guard_writes(now);
  if (!std::get<Leading>(state_).peer_must_follow || work_ || follow_retry_) return;
  if (sight_.peer.health != Health::up || !sight_.peer.is_master()) return;
  start_work(now, FollowWork{Target::peer, rules_.replication}, kPeerFollowBudget);
}

// What the router may do, and whether the network must be asked first.
void Pair::judge(TimePoint now) {
  const Candidacy fit = unless_foreign_data(judge_candidacy(sight_, rules_.candidacy, now));
  candidacy_ = unless_maintained(unless_restarting(now, unless_flapping(now, fit)));
  const bool up =
      std::holds_alternative<Promoting>(state_) || std::holds_alternative<Leading>(state_);
  const bool down = std::holds_alternative<Leaving>(state_) || std::holds_alternative<End>(state_);
  const bool may_lead = up || (!down && candidacy_.may_lead);
  const SetEligibility eligibility{may_lead, !up && candidacy_.may_preempt, holds(now)};
  if (eligibility != told_ && !down) {
    told_ = eligibility;
    emit(eligibility);
  }
  const bool leaderless = sight_.router_up && !sight_.leader_advertises && !candidacy_.may_lead;
  const bool stuck = idle() && (candidacy_.needs_operator || leaderless);
  if (!stuck) ineligible_since_.reset();
  if (stuck && !ineligible_since_) ineligible_since_ = now;
  if (up || down) return;
  if (candidacy_.probe_vip && !probe_running_) {
    probe_running_ = true;
    emit(ProbeVip{});
  }
  if (candidacy_.probe_gateway && gateway_asked_for_ != sight_.out_of_touch_since) {
    gateway_asked_for_ = sight_.out_of_touch_since;
    emit(ProbeGateway{});
  }
}

std::optional<std::string> Pair::fault() const {
  if (!server_usable()) {
    const std::string health(health::to_string(sight_.local.health));
    const std::string detail = sight_.local.detail.empty() ? "" : ": " + sight_.local.detail;
    return "the local server is " + health + detail;
  }
  if (!sight_.router_up) return "the interface is down or has no address";
  return tracked_fault();
}

void Pair::enter_idle(TimePoint now, const std::string& reason) {
  const auto trouble = fault();
  if (trouble) {
    state_ = Fault{};
  } else {
    state_ = Standby{};
  }
  fault_is_tracked_ = trouble && server_usable() && sight_.router_up;
  // What the peer's server was while this node led or was out of order says nothing any more.
  sight_.idle_since = now;
  emit(RefreshFacts{Target::peer});
  enter(now, trouble ? PairState::fault : PairState::standby, trouble.value_or(reason));
}

void Pair::enter(TimePoint now, PairState state, const std::string& reason) {
  const bool transient = state == PairState::promoting || state == PairState::leaving;
  const auto took = name_ == settled_ ? std::nullopt : std::optional<Duration>(now - since_);
  name_ = state;
  reason_ = reason;
  since_ = now;
  if (transient) return;
  emit(Moved{settled_, state, reason, took});
  // A promotion that failed leaves no trace for hooks: they never heard MASTER.
  if (state == settled_) return;
  settled_ = state;
  const auto word = notify_state(state);
  const bool heard = std::exchange(told_scripts_, std::nullopt) == word;
  if (!heard) emit(Notify{word, reason, !notified_});
  notified_ = true;
}

void Pair::start_work(TimePoint /*now*/, Work work, Duration budget) {
  work_ = ++last_work_;
  emit(StartWork{*work_, std::move(work), budget});
}

}  // namespace agent
