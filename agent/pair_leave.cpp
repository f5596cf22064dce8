// The way down (rule 2): the standby claims the epoch -> fence writes -> priority 0 when leaving by
// choice -> VIP to `lo` -> close client connections there -> VIP gone -> follow the successor,
// which lifts the fence -> notify. Which steps are taken depends on what is left to take them with.
#include <algorithm>
#include <tuple>
#include <utility>

#include "agent/pair.hpp"

namespace agent {

using health::Health;
using hooks::Target;

namespace {
constexpr auto kFenceBudget = std::chrono::milliseconds(100);
constexpr auto kKillBudget = std::chrono::milliseconds(100);
constexpr auto kFailoverMargin =
    std::chrono::seconds(3);  // the server's own lateness, and an abort
constexpr auto kClaimPatience = std::chrono::milliseconds(50);
constexpr auto kSuccessorPoll = std::chrono::milliseconds(2);
constexpr auto kAnnouncementPatience = std::chrono::milliseconds(200);
}  // namespace

std::optional<std::string> Pair::reason_to_leave() const {
  if (maintained()) return std::nullopt;
  const ServerSight& local = sight_.local;
  const std::string detail = local.detail.empty() ? "" : ": " + local.detail;
  switch (local.health) {
    case Health::dead:
    case Health::hung:
    case Health::unreachable:
    case Health::loading:
      return "the local server is " + std::string(health::to_string(local.health)) + detail;
    case Health::degraded:
      if (standby_in_sync()) return "the local server is degraded" + detail;
      break;
    default: break;
  }
  if (local.is_replica()) {
    std::string words = "somebody made the local server a replica of ";
    words += local.facts->master.to_string();
    if (local.facts->master != rules_.candidacy.peer) return words;
    return words + ", the peer's (REPLICAOF, FAILOVER)";
  }
  return tracked_fault();
}

void Pair::leave(TimePoint now, const std::string& reason, Leave how) {
  const bool stopping = how == Leave::stopping;
  const bool up =
      std::holds_alternative<Promoting>(state_) || std::holds_alternative<Leading>(state_);
  count_takeover(now);
  const auto* promoting = std::get_if<Promoting>(&state_);
  const bool begun = promoting != nullptr && promoting->step != Promoting::Step::ask;
  const bool peer_fenced = begun && promoting->gentle;
  // It has not led, so the epoch is nobody's.
  if (begun && std::exchange(sight_.record->claimed, 0) != 0) {
    emit(Persist{*sight_.record, false});
  }
  const bool serves = server_usable() && sight_.local.is_master();

  const bool to_stop = drop_questions();
  Leaving leaving{.reason = reason, .stopping = stopping || to_stop};
  leaving.guarded = guarded();
  auto& steps = leaving.steps;
  if (replicates_unasked()) steps.push_back(LeaveStep::hold);
  if (peer_fenced) steps.push_back(LeaveStep::unfence_peer);
  const bool planned = how != Leave::forced;
  const bool by_choice =
      planned || sight_.local.health == Health::degraded || tracked_fault().has_value();
  const bool hand_over = by_choice && up && serves && standby_in_sync();
  // Stopping with nobody to hand over to: the server stays as it is, only the address goes. No
  // priority 0 either: the standby is not to seize what still lives.
  const bool abandon = stopping && up && serves && !hand_over;
  const bool by_servers = hand_over && how == Leave::server_failover;
  if (hand_over && planned) steps.push_back(LeaveStep::await_claim);
  if (by_servers) steps.push_back(LeaveStep::failover);
  // Writers of a planned move wait; those of a forced one must fail now and come back elsewhere.
  if (hand_over && planned && !by_servers) {
    steps.insert(steps.end(), {LeaveStep::pause, LeaveStep::drain_paused});
  }
  if (up && serves && !abandon && !by_servers) steps.push_back(LeaveStep::fence);
  if (hand_over && !by_servers) steps.push_back(LeaveStep::drain);
  if (up && !abandon) steps.push_back(LeaveStep::resign);
  const bool addressed = std::holds_alternative<Leading>(state_) ||
                         (promoting != nullptr && promoting->step == Promoting::Step::install);
  if (addressed) {
    steps.push_back(LeaveStep::park);
    const bool awaited = promoting == nullptr && !abandon && succession_awaited();
    if (awaited) steps.push_back(LeaveStep::await_announcement);
    if (server_usable()) steps.push_back(LeaveStep::kill_clients);
    steps.push_back(LeaveStep::withdraw);
  }
  if (hand_over && planned) steps.push_back(LeaveStep::await_successor);
  if (up && serves && !abandon) steps.push_back(LeaveStep::follow);
  steps.push_back(LeaveStep::finish);

  work_.reset();
  step_deadline_.reset();
  follow_retry_.reset();
  held_since_.reset();
  announcing_.due.reset();
  guard_.reset();
  guarding_.reset();
  opened_by_operator_ = stopped_for_a_rival_ = false;
  unprotected_since_.reset();
  state_ = std::move(leaving);
  if (up) enter(now, PairState::leaving, reason);
  if (how == Leave::forced || how == Leave::stopping) leaving_step(now);
}

// Priority 0 calls a successor, or there is one; after a stall of this agent perhaps nobody. A
// server that hangs may wake and acknowledge what clients had queued: not while it has an address.
bool Pair::succession_awaited() const {
  const bool called = router_leads_ || sight_.leader_advertises;
  const bool quiet = server_usable() || sight_.local.health == Health::dead;
  return called && quiet && sight_.peer.health == Health::up;
}

// Takes the steps that need no answer at once, and starts the first that does.
void Pair::leaving_step(TimePoint now) {
  while (auto* leaving = std::get_if<Leaving>(&state_)) {
    const LeaveStep step = leaving->steps.front();
    if (start_leaving_step(now, step)) return;
    if (auto* still = std::get_if<Leaving>(&state_)) still->steps.pop_front();
  }
}

// true: an answer is awaited.
bool Pair::start_leaving_step(TimePoint now, LeaveStep step) {
  auto& leaving = std::get<Leaving>(state_);
  switch (step) {
    case LeaveStep::await_claim: return await_claim(now, leaving);
    case LeaveStep::failover:
      writes_held_since_ = now;
      start_work(now, FailoverWork{hold_budget(leaving), rules_.promote_budget},
                 hold_budget(leaving) + rules_.promote_budget + kFailoverMargin);
      return true;
    case LeaveStep::hold: hold_what_was_led(now); return work_.has_value();
    case LeaveStep::pause:
      writes_held_since_ = now;
      start_work(now, PauseWork{Target::local, hold_budget(leaving)}, kFenceBudget);
      return true;
    case LeaveStep::fence:
      start_work(now, FenceWork{Target::local, std::nullopt}, kFenceBudget);
      return true;
    case LeaveStep::drain_paused:
    case LeaveStep::drain:
      start_work(now, DrainWork{Target::local, Target::peer}, hold_budget(leaving));
      successor_seen(now);  // what was seen of it in the step before
      return true;
    case LeaveStep::resign:
      told_ = {};
      emit(told_);
      return false;
    case LeaveStep::park: emit(ParkVips{}); return false;
    case LeaveStep::await_announcement: return await_announcement(now, leaving);
    case LeaveStep::kill_clients: start_work(now, KillClientsWork{}, kKillBudget); return true;
    case LeaveStep::withdraw: emit(WithdrawVips{}); return false;
    case LeaveStep::await_successor: return await_successor(now, leaving);
    case LeaveStep::follow:
      // Without a leader yet, standing by follows it when it appears; the fence holds until then.
      // A master with older data is no leader: it has stepped down and has not followed yet.
      if (!sight_.peer.is_master()) return false;
      // As a replica one that cannot save would end with the first write that it takes.
      if (sight_.local.health != Health::up) return false;
      if (!sight_.leader_advertises && has_newer_data()) return false;
      if (would_wipe_the_last_copy()) return false;
      // Standing by looks first at what only this server holds.
      if (!leaving.drained) return false;
      start_following(now);
      return true;
    case LeaveStep::unfence: start_work(now, UnfenceWork{Target::local}, kFenceBudget); return true;
    case LeaveStep::unfence_peer:
      start_work(now, UnfenceWork{Target::peer}, kFenceBudget);
      return true;
    case LeaveStep::resume: resume_leading(now); return true;
    case LeaveStep::finish: finish_leaving(now); return true;
  }
  return false;
}

// While the successor writes the claim of its promotion nobody has to wait for its disk yet. One
// that is slower than this patience holds the writers for the rest. true: it is waited for.
bool Pair::await_claim(TimePoint now, Leaving& leaving) {
  step_deadline_.reset();
  if (!leaving.claim_due) leaving.claim_due = now + kClaimPatience;
  const auto& said = sight_.peer_agent.said;
  const bool will = said && said->state == to_string(PairState::standby) && !said->claims;
  if (!will || now >= *leaving.claim_due) return false;
  step_deadline_ = leaving.claim_due;
  return true;
}

// A client that is sent away before the network knows the way to the successor calls this host
// again: nothing answers there, and its TCP tries once more a second later. On `lo` the VIP refuses
// or holds such calls for these few milliseconds. true: it is waited for.
bool Pair::await_announcement(TimePoint now, Leaving& leaving) {
  if (!leaving.announcement_due) leaving.announcement_due = now + kAnnouncementPatience;
  const bool over = successor_fell_back(leaving) || now >= *leaving.announcement_due;
  if (over || successor_announced(now)) return false;
  step_deadline_ = leaving.announcement_due;
  if (sight_.peer_agent.said) return true;  // it will say so
  emit(RefreshFacts{Target::peer});
  step_deadline_ = std::min<TimePoint>(*step_deadline_, now + kSuccessorPoll);
  return true;
}

// true: it is waited for.
bool Pair::await_successor(TimePoint now, Leaving& leaving) {
  if (successor_leads(now, leaving)) {
    if (writes_held_since_) switchover_.writes_held = now - *writes_held_since_;
    report_switchover(SwitchoverReport::Outcome::done,
                      "the role moved to " + rules_.candidacy.peer.to_string());
    return false;
  }
  // Who advertises is on its way to be a master, within its own budget; who does not will not
  // be one any more.
  if (!leaving.successor_due) leaving.successor_due = now + rules_.handover_budget;
  if (successor_fell_back(leaving) || now >= *leaving.successor_due + successors_time()) {
    emit(Say{Weight::warning, "nobody took over in time: the local server stays as it is"});
    report_switchover(SwitchoverReport::Outcome::given_up, "the standby did not take over");
    if (leaving.switchover) leaving.reason = "the standby did not take over";
    leaving.steps = {LeaveStep::await_successor, LeaveStep::unfence, LeaveStep::finish};
    leaving.drained = false;
    return false;
  }
  emit(RefreshFacts{Target::peer});
  step_deadline_ = now + kSuccessorPoll;
  return true;
}

// Who advertises asks its pre_promote first, which is configured as here. Without a link it waits
// before that whether this node advertises on.
Duration Pair::successors_time() const {
  const bool linked = sight_.peer_agent.said.has_value();
  if (!sight_.leader_advertises) return linked ? Duration{} : 3 * rules_.candidacy.advert_interval;
  return rules_.promote_budget + (rules_.veto.promotion ? rules_.veto.timeout : Duration{});
}

bool Pair::has_newer_data() const {
  const auto& [local, peer] = std::tie(sight_.local.facts, sight_.peer.facts);
  return local && peer && compare_data(*local, *peer) == Fresher::local;
}

void Pair::leaving_work_done(TimePoint now, const WorkDone& work) {
  auto& leaving = std::get<Leaving>(state_);
  const LeaveStep step = leaving.steps.front();
  if (!work.done) {
    emit(Say{Weight::warning, "leaving: " + std::string(to_string(step)) + " failed: " + work.why});
  }
  const bool holding = step == LeaveStep::failover || step == LeaveStep::pause ||
                       step == LeaveStep::drain_paused || step == LeaveStep::fence ||
                       step == LeaveStep::drain;
  if (holding && !work.done && leaving.switchover) return give_up_switchover(now, work.why);
  const bool drains = step == LeaveStep::drain || step == LeaveStep::drain_paused;
  if (drains && !work.done && leaving.stopping) {
    // The standby lacks writes: it must not seize, and nobody follows it.
    leaving.steps = {step,
                     LeaveStep::unfence,
                     LeaveStep::park,
                     LeaveStep::kill_clients,
                     LeaveStep::withdraw,
                     LeaveStep::finish};
  }
  if (step == LeaveStep::fence) leaving.fenced = work.done;
  if (step == LeaveStep::drain) leaving.drained = work.done && leaving.fenced;
  if (step == LeaveStep::failover) leaving.drained = work.done;
  const bool follows = step == LeaveStep::follow || step == LeaveStep::failover;
  if (follows && work.done && sight_.local.facts) {
    sight_.local.facts->role = health::Role::replica;
    sight_.local.facts->master = rules_.candidacy.peer;
  }
  leaving.steps.pop_front();
  leaving_step(now);
}

void Pair::finish_leaving(TimePoint now) {
  const Leaving leaving = std::get<Leaving>(state_);
  step_deadline_.reset();
  if (sight_.record && !sight_.record->intent.empty()) {
    sight_.record->intent.clear();
    emit(Persist{*sight_.record, false});
  }
  if (!leaving.stopping) {
    if (!leaving.switchover) hold_down(now);
    emit(RefreshFacts{Target::local});
    return enter_idle(now, leaving.reason);
  }
  remember(now);
  state_ = End{};
  enter(now, PairState::stopped, leaving.reason);
  emit(Stopped{});
}

}  // namespace agent
