// A move of the role that an operator asks for (rule 7): what must be so before it begins, and how
// everything is put back while it can be. The steps are those of pair_leave.cpp: hold the writes,
// drain, fence, drain what came in between, resign, address away, and follow the new master. Before
// them the standby's record claims the promotion to come: held writes wait for no disk.
#include <utility>

#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {

constexpr auto kSuccessorsWord = std::chrono::milliseconds(250);

// Why the standby cannot take the role any more, as a clause.
std::optional<std::string> no_successor(const Sight& sight, bool needs_its_agent) {
  const ServerSight& peer = sight.peer;
  if (peer.health != Health::up) {
    return "the standby's server is " + std::string(health::to_string(peer.health)) +
           (peer.detail.empty() ? "" : ": " + peer.detail);
  }
  const auto& agent = sight.peer_agent;
  if (!needs_its_agent) return std::nullopt;
  if (agent.down_since) {
    return "the standby's agent cannot be reached over the peer link any more (" + agent.why_not +
           ")";
  }
  const bool out_of_order = agent.said && (agent.said->state == to_string(PairState::fault) ||
                                           agent.said->state == to_string(PairState::stopped));
  if (!out_of_order) return std::nullopt;
  return "the standby's agent says that it is " + agent.said->state + ": " + agent.said->why;
}

}  // namespace

std::string_view to_string(SwitchoverReport::Outcome outcome) {
  switch (outcome) {
    case SwitchoverReport::Outcome::none: return "none";
    case SwitchoverReport::Outcome::running: return "running";
    case SwitchoverReport::Outcome::done: return "done";
    case SwitchoverReport::Outcome::given_up: return "given up";
  }
  return "unknown";
}

std::vector<std::string> Pair::switchover_problems(bool standby_asks) const {
  std::vector<std::string> problems;
  const auto* leaving = std::get_if<Leaving>(&state_);
  if (leaving != nullptr && leaving->switchover) {
    return {"a switchover is under way already; tandem status shows its end"};
  }
  if (!std::holds_alternative<Leading>(state_)) {
    problems.push_back("this node is " + std::string(to_string(name_)) +
                       ", not leading: run it on the node that leads");
    return problems;
  }
  if (veto_.demotion) return {"pre_demote is being asked already; tandem status shows its end"};
  const ServerSight& peer = sight_.peer;
  if (foreign_.cannot_follow) {
    problems.emplace_back(
        "the local server's masterauth is not the password of the standby's server: "
        "it could not follow afterwards; see tandem doctor");
  }
  if (sight_.local.health != Health::up) {
    problems.push_back("the local server is " +
                       std::string(health::to_string(sight_.local.health)) + ": " +
                       sight_.local.detail);
  }
  if (peer.health != Health::up) {
    problems.push_back("the standby's server is " + std::string(health::to_string(peer.health)) +
                       (peer.detail.empty() ? "" : ": " + peer.detail));
  } else if (peer.is_replica() && (peer.facts->sync_in_progress || peer.facts->loading)) {
    problems.emplace_back("the standby is being synchronised; wait for its end");
  } else if (!peer.is_replica() || !peer.facts->link_up) {
    problems.emplace_back("the standby's server is not a replica with a link to this node's");
  } else if (!standby_in_sync()) {
    problems.emplace_back("the standby has not acknowledged what this node's server streams");
  }
  if (peer.facts && (!peer.facts->last_bgsave_ok || !peer.facts->last_aof_write_ok)) {
    problems.emplace_back("the standby's server cannot write its data to disk");
  }
  const auto& agent = sight_.peer_agent;
  if (standby_asks) return problems;
  if (agent.down_since) {
    problems.push_back("the standby's agent cannot be reached over the peer link (" +
                       agent.why_not + "): nobody would take over");
  } else if (agent.said && agent.said->state != to_string(PairState::standby)) {
    problems.push_back("the standby's agent says that it is " + agent.said->state + ": " +
                       agent.said->why);
  } else if (agent.said && !agent.said->unfit.empty()) {
    problems.push_back("the standby's agent says: " + agent.said->unfit);
  }
  return problems;
}

std::vector<std::string> Pair::takeover_problems(TimePoint now) const {
  if (!std::holds_alternative<Standby>(state_)) {
    return {"this node is " + std::string(to_string(name_)) + ": " + reason_};
  }
  std::vector<std::string> problems;
  const ServerSight& local = sight_.local;
  if (local.health != Health::up) {
    problems.push_back("the local server is " + std::string(health::to_string(local.health)) +
                       (local.detail.empty() ? "" : ": " + local.detail));
  } else if (local.is_replica() && local.facts->sync_in_progress) {
    problems.emplace_back("the local server is being synchronised; wait for its end");
  } else if (!local.is_replica() || !local.facts->link_up) {
    problems.emplace_back("the local server is not a replica with a link to the leader's");
  } else if (!sight_.in_sync_at) {
    problems.emplace_back("the local server has not been in sync with the leader's yet");
  }
  if (local.facts && (!local.facts->last_bgsave_ok || !local.facts->last_aof_write_ok)) {
    problems.emplace_back("the local server cannot write its data to disk");
  }
  if (!sight_.leader_advertises) problems.emplace_back("no adverts of a leader arrive here");
  if (sight_.hold && now < sight_.hold->until) problems.push_back(sight_.hold->why);
  if (!sight_.tracking.pending.empty()) problems.push_back(sight_.tracking.pending);
  return problems;
}

void Pair::on(TimePoint now, const SwitchoverRequested& requested) {
  // The one that is under way keeps its number and its report.
  if (switchover_.outcome == SwitchoverReport::Outcome::running) return;
  ++switchover_.number;
  switchover_.writes_held = {};
  auto problems = switchover_problems();
  if (problems.empty() && requested.server_failover) problems = failover_problems();
  if (!problems.empty()) {
    return report_switchover(SwitchoverReport::Outcome::given_up, problems.front());
  }
  report_switchover(SwitchoverReport::Outcome::running, "");
  if (!ask_before_switchover(requested)) begin_switchover(now, requested);
}

void Pair::begin_switchover(TimePoint now, const SwitchoverRequested& requested) {
  if (sight_.record) {
    sight_.record->intent = "switchover";
    sight_.record->moved_away = requested.by_operator;
    emit(Persist{*sight_.record, false});
  }
  leave(now, requested.reason,
        requested.server_failover ? Leave::server_failover : Leave::switchover);
  auto& leaving = std::get<Leaving>(state_);
  leaving.switchover = requested.budget;
  leaving.by_operator = requested.by_operator;
  leaving.server_failover = requested.server_failover;
  leaving_step(now);
}

// The new master exists before its agent has been told to lead: only over the link does that agent
// know that it is not to take it for a stranger's doing.
std::vector<std::string> Pair::failover_problems() const {
  std::vector<std::string> problems;
  if (!sight_.peer_agent.linked) {
    problems.emplace_back("the servers' own FAILOVER needs the peer link, which is not up");
  }
  for (const auto* server : {&sight_.local, &sight_.peer}) {
    const std::string version = server->facts ? server->facts->redis_version : "";
    const bool old = version.starts_with("6.0") || (version.size() > 1 && version[1] == '.' &&
                                                    version[0] >= '2' && version[0] <= '5');
    if (!old) continue;
    problems.push_back(std::string(server == &sight_.local ? "the local" : "the standby's") +
                       " server is Redis " + version + ", FAILOVER came with 6.2");
  }
  return problems;
}

Duration Pair::hold_budget(const Leaving& leaving) const {
  return leaving.switchover.value_or(rules_.handover_budget);
}

// A server that FAILOVER made a master leads only when its agent has taken the role too; and one
// that its agent promotes may still be refused the rest of it. The agent's own word tells, for
// which is waited a moment: the link may have been cut since.
bool Pair::successor_leads(TimePoint now, const Leaving& leaving) const {
  const auto& agent = sight_.peer_agent;
  if (!sight_.peer.is_master()) return false;
  if (leaving.server_failover && !sight_.leader_advertises) return false;
  if (!agent.linked || !agent.said || agent.said->leads()) return true;
  return !successor_fell_back(leaving) &&
         now >= leaving.promoted_at.value_or(now) + kSuccessorsWord;
}

// It says that it leads when it has announced the VIP.
bool Pair::successor_announced(TimePoint now) const {
  const auto& said = sight_.peer_agent.said;
  if (said) return said->leads() && peer_says_it_leads(sight_, rules_.candidacy, now);
  return sight_.leader_advertises && sight_.peer.is_master();
}

// It began to promote, and stands by again.
bool Pair::successor_fell_back(const Leaving& leaving) const {
  const auto& said = sight_.peer_agent.said;
  return leaving.successor_began && said && !said->leads() &&
         said->state != to_string(PairState::promoting);
}

// Writes that are held for a standby which cannot take the role are held for nothing: its health
// ends that, not the budget of the move.
void Pair::successor_seen(TimePoint now) {
  auto* leaving = std::get_if<Leaving>(&state_);
  if (leaving == nullptr) return;
  const auto& said = sight_.peer_agent.said;
  if (said && said->state == to_string(PairState::promoting)) leaving->successor_began = true;
  if (!leaving->promoted_at && sight_.peer.is_master()) leaving->promoted_at = now;
  const LeaveStep step = leaving->steps.front();
  const bool drains = step == LeaveStep::drain || step == LeaveStep::drain_paused;
  const bool holds = drains || step == LeaveStep::pause || step == LeaveStep::fence;
  if (work_ && (drains || (holds && leaving->switchover))) {
    const auto lost = no_successor(sight_, leaving->switchover.has_value());
    if (!lost) return;
    work_.reset();
    own_act_at_ = now;
    return leaving_work_done(now, WorkDone{0, false, *lost});
  }
  if (step == LeaveStep::await_claim) return leaving_step(now);
  const bool announcement = step == LeaveStep::await_announcement;
  if (!announcement && step != LeaveStep::await_successor) return;
  const bool seen = announcement ? successor_announced(now) : successor_leads(now, *leaving);
  if (!seen && !successor_fell_back(*leaving)) return;
  step_deadline_.reset();
  leaving_step(now);
}

// Nothing has been given away yet: the standby was not told to lead, the address is here.
void Pair::give_up_switchover(TimePoint now, const std::string& why) {
  report_switchover(SwitchoverReport::Outcome::given_up, why);
  auto& leaving = std::get<Leaving>(state_);
  leaving.steps = {LeaveStep::unfence, LeaveStep::resume};
  leaving_step(now);
}

void Pair::resume_leading(TimePoint now) {
  const bool stopping = std::get<Leaving>(state_).stopping;
  const bool guarded = std::get<Leaving>(state_).guarded;
  step_deadline_.reset();
  state_ = Leading{};
  // What INFO said in the middle of a FAILOVER that was aborted is not so any more.
  if (sight_.local.facts) sight_.local.facts->role = health::Role::master;
  emit(RefreshFacts{hooks::Target::local});
  enter(now, PairState::leading, "the switchover was given up: " + switchover_.words);
  if (sight_.record) {
    sight_.record->intent.clear();
    sight_.record->moved_away = false;
    emit(Persist{*sight_.record, false});
  }
  if (stopping) return leave(now, "the agent is stopping", Leave::stopping);
  if (!router_leads_) return leave(now, "the router stepped down");
  // The standby fell silent in the middle, perhaps: what was there before is there again.
  if (guarded) set_guard(now, 1 + further_acknowledgements());
}

void Pair::report_switchover(SwitchoverReport::Outcome outcome, std::string words) {
  const bool ends = switchover_.outcome == SwitchoverReport::Outcome::running;
  const bool begins = outcome == SwitchoverReport::Outcome::running;
  // The way down ends in the same steps when nobody asked for it.
  if (!ends && !begins && outcome == SwitchoverReport::Outcome::done) return;
  switchover_.outcome = outcome;
  switchover_.words = std::move(words);
  if (outcome != SwitchoverReport::Outcome::done) return;
  const auto held =
      std::chrono::duration_cast<std::chrono::milliseconds>(switchover_.writes_held).count();
  emit(Say{Weight::info, "switchover: " + switchover_.words + ", writes were held for " +
                             std::to_string(held) + " ms"});
}

}  // namespace agent
