// The way up (rule 2): advertise -> [gentle: fence and drain the old master] -> promote and verify,
// and beside it the record with the new epoch -> VIP -> announce -> notify. A failure at any step
// takes everything back.
#include <algorithm>
#include <utility>

#include "agent/pair.hpp"

namespace agent {

using hooks::Target;

namespace {
constexpr auto kPersistPatience = std::chrono::milliseconds(50);
constexpr auto kFenceBudget = std::chrono::milliseconds(500);
constexpr auto kHoldAfterFailure = std::chrono::seconds(5);

// The old leader's writes have ended, and all of them are known to be here: by this node's own
// look, or by the word of who resigned.
bool drained(const Promoting& promoting, const PeerWord* word) {
  if (promoting.gentle) return !promoting.accepts_loss;
  return word != nullptr && word->state == to_string(PairState::leaving) && word->drained;
}
}  // namespace

void Pair::begin_promotion(TimePoint now, vrrp::Change why) {
  // The clause behind the last judgement is what made the router lead.
  Promoting promoting{.gentle = candidacy_.gentle, .reason = candidacy_.why};
  if (why == vrrp::Change::leader_resigned) promoting.reason = "the leader resigned";
  if (why == vrrp::Change::preempted) {
    promoting.gentle = true;
    promoting.reason = "this node's priority is higher than the leader's";
    told_ = {.may_lead = true};
  }

  promoting.accepts_loss = sight_.accept_data_loss;
  // Without a link its adverts were waited for, and the router leads for another reason.
  promoting.given =
      why == vrrp::Change::leader_resigned || (sight_.leader_resigned && !sight_.accept_data_loss);
  promoting.asked_for = sight_.accept_data_loss || sight_.local.is_master() ||
                        (promoting.given && given_by_an_operator());
  const Record record = sight_.record.value_or(Record{});
  promoting.adopts =
      record.role == RecordRole::leader && record.epoch > 0 && sight_.local.is_master();
  // What a standby was doing (following) is no longer wanted.
  work_.reset();
  end_rejoining();
  const bool ask = asks_before_promotion(promoting.adopts);
  if (ask) promoting.step = Promoting::Step::ask;
  state_ = promoting;
  enter(now, PairState::promoting, promoting.reason);
  if (!ask) return record_promotion(now);
  ask_script(hooks::Question::promote, promoting.reason);
}

// The way begins: the new epoch, and the first step.
void Pair::record_promotion(TimePoint now) {
  veto_.said.clear();
  auto& promoting = std::get<Promoting>(state_);
  Record record = sight_.record.value_or(Record{});
  if (!sight_.record && sight_.local.facts) record.run_id = sight_.local.facts->run_id;
  const bool newer = std::max(sight_.peer_epoch, record.superseded) > record.epoch;
  const bool ahead = claim_ahead_ && record.claimed + 1 == next_epoch(record);
  promoting.recorded = ahead && *claim_ahead_;
  if (ahead) {
    promoting.epoch = record.claimed;
  } else {
    promoting.epoch = !promoting.adopts || newer ? next_epoch(record) : record.epoch;
  }
  // Whoever dies or fails on the way has not led: the rest of the record stays what it was.
  if (promoting.epoch > record.epoch) record.claimed = promoting.epoch;
  heard_another_leader_ = false;
  sight_.record = record;
  claim_ahead_.reset();
  if (!ahead) emit(Persist{record, true});
  if (!promoting.recorded) step_deadline_ = now + kPersistPatience;
  promotion_step(now, promoting.gentle ? Promoting::Step::fence_peer : Promoting::Step::promote);
}

void Pair::promotion_step(TimePoint now, Promoting::Step step) {
  auto& promoting = std::get<Promoting>(state_);
  promoting.step = step;
  switch (step) {
    case Promoting::Step::ask: break;
    case Promoting::Step::fence_peer:
      start_work(now, FenceWork{Target::peer, rules_.handover_budget}, kFenceBudget);
      break;
    case Promoting::Step::drain_peer:
      start_work(now, DrainWork{Target::peer, Target::local}, rules_.handover_budget);
      break;
    case Promoting::Step::promote: {
      PromoteWork work{sight_.accept_data_loss, std::nullopt,
                       drained(promoting, fresh_word(sight_, rules_.candidacy, now))};
      const bool comparable = sight_.local.is_replica() && sight_.peer.is_master() &&
                              sight_.local.facts->replid == sight_.peer.facts->replid;
      if (comparable) work.leader_offset = sight_.peer.facts->offset;
      start_work(now, work, rules_.promote_budget);
      break;
    }
    case Promoting::Step::record:
      if (promoting.recorded) promotion_step(now, Promoting::Step::install);
      break;
    case Promoting::Step::install: emit(InstallVips{}); break;
  }
}

void Pair::promotion_work_done(TimePoint now, const WorkDone& work) {
  const auto& promoting = std::get<Promoting>(state_);
  const bool fenced = promoting.step == Promoting::Step::fence_peer;
  if (fenced && promoting.accepts_loss) return promotion_step(now, Promoting::Step::promote);
  if (!work.done) return promotion_failed(now, work.why);
  switch (promoting.step) {
    case Promoting::Step::fence_peer: return promotion_step(now, Promoting::Step::drain_peer);
    case Promoting::Step::drain_peer: return promotion_step(now, Promoting::Step::promote);
    case Promoting::Step::promote:
      // Known from the verified reply; the next INFO brings the rest.
      if (sight_.local.facts) sight_.local.facts->role = health::Role::master;
      sight_.accept_data_loss = false;
      return promotion_step(now, Promoting::Step::record);
    case Promoting::Step::ask:
    case Promoting::Step::record:
    case Promoting::Step::install: return;
  }
}

// On disk, or not in time: a slow disk must not hold a failover, the record follows when it can.
void Pair::promotion_recorded(TimePoint now) {
  auto& promoting = std::get<Promoting>(state_);
  step_deadline_.reset();
  promoting.recorded = true;
  if (promoting.step == Promoting::Step::record) promotion_step(now, Promoting::Step::install);
}

void Pair::on(TimePoint now, const VipsInstalled& installed) {
  const auto* promoting = std::get_if<Promoting>(&state_);
  if (promoting == nullptr || promoting->step != Promoting::Step::install) return;
  if (!installed.complete) return promotion_failed(now, "a VIP could not be put on the interface");
  count_takeover(now);
  const Promoting done = *promoting;
  now_leading(done);
  // What was not drained has to be looked at before it is replaced: its own agent does that.
  state_ = Leading{done.gentle && !done.accepts_loss};
  step_deadline_.reset();
  emit(Announce{});
  if (done.gentle) outlast_the_old_vip(now);
  emit(RefreshFacts{Target::local});
  emit(RefreshFacts{Target::peer});
  enter(now, PairState::leading, done.reason);
}

void Pair::now_leading(const Promoting& done) {
  Record& record = *sight_.record;
  record.epoch = done.epoch;
  record.role = RecordRole::leader;
  // Nobody has what comes from here on.
  if (!done.adopts) record.in_sync = false;
  record.superseded = record.claimed = 0;
  record.moved_away = record.behind = false;
  record.run_id = sight_.local.facts ? sight_.local.facts->run_id : "";
  sight_.local.followed.clear();
  taken_unsynced_ = false;
  emit(Persist{record, false});
}

// The leader is about to give the role away: it holds the writers when the claim of the promotion
// that is to follow is on disk here.
void Pair::settle_claim_ahead(TimePoint now) {
  if (std::holds_alternative<Promoting>(state_)) return;
  const auto& said = sight_.peer_agent.said;
  if (!said || said->state != to_string(PairState::leaving)) return withdraw_claim_ahead();
  const auto& record = sight_.record;
  const bool fit = std::holds_alternative<Standby>(state_) && record &&
                   record->role == RecordRole::standby && record->in_sync &&
                   (candidacy_.may_lead || takeover_problems(now).empty());
  if (!fit || claim_ahead_ || !persist_problem_.empty()) return;
  claim_ahead_ = false;
  sight_.record->claimed = next_epoch(*record);
  emit(Persist{*sight_.record, true});
}

// Nothing came of it. A claim that stayed would be believed after the next end of this agent.
void Pair::withdraw_claim_ahead() {
  if (!claim_ahead_) return;
  claim_ahead_.reset();
  if (!sight_.record || std::exchange(sight_.record->claimed, 0) == 0) return;
  emit(Persist{*sight_.record, false});
}

// The agent died on the way up. Its server is a master now, and has perhaps served: while the VIP's
// lease lasted.
void Pair::settle_claim(const health::ServerFacts& local) {
  if (!sight_.record || sight_.record->claimed <= sight_.record->epoch ||
      !sight_.local.is_master()) {
    return;
  }
  if (claim_ahead_ || (!idle() && !std::holds_alternative<Starting>(state_))) return;
  const std::string& known = sight_.record->replid;
  const bool promoted = known.empty() || local.replid == known || local.replid2 == known;
  if (!promoted || local.run_id != sight_.record->run_id) return;
  emit(Say{Weight::info, "the agent ended in the middle of a promotion that came about"});
  Promoting done;
  done.epoch = sight_.record->claimed;
  now_leading(done);
}

// What this node is does not change.
void Pair::promotion_failed(TimePoint now, const std::string& why) {
  sight_.hold = Sight::Hold{now + kHoldAfterFailure, "the last promotion failed: " + why};
  sight_.accept_data_loss = false;
  count_takeover(now);
  emit(Say{Weight::warning, "promotion failed: " + why});
  leave(now, "the promotion failed: " + why);
}

}  // namespace agent
