// Foreign acts (rule 17): what somebody else does to the local server is noticed, named in one
// sentence, and put right where that loses nothing. Roles are put right by following and by leaving
// the role; here they get their names. Settings are put right here.
#include <algorithm>
#include <utility>

#include "agent/pair.hpp"
#include "hooks/role_change.hpp"

namespace agent {

namespace {
constexpr auto kSettingBudget = std::chrono::milliseconds(500);
}  // namespace

// What was asked before the end of an own act, or while one is under way, may show its middle.
void Pair::on(TimePoint now, const SettingsSeen& seen) {
  const bool leads = std::holds_alternative<Leading>(state_);
  if (seen.can_follow) foreign_.cannot_follow = !*seen.can_follow;
  if (work_ || rejoining_ || maintained() || (!leads && !idle())) return;
  if (seen.asked_at <= std::max(own_act_at_, since_)) return;
  if (!leads && seen.min_replicas == hooks::kFenceReplicas && !follow_retry_ &&
      sight_.leader_advertises && follows_the_peer() && sight_.local.facts->link_up) {
    emit(Say{Weight::info,
             "the local server follows the leader, and the fence of a way down that was "
             "interrupted still stands: it is lifted"});
    return start_work(now, UnfenceWork{hooks::Target::local}, kSettingBudget);
  }
  const int wanted = guard_.value_or(0);
  std::string said;
  if (leads && seen.min_replicas && *seen.min_replicas != wanted) {
    said = "somebody set min-replicas-to-write of the local server to ";
    said += std::to_string(*seen.min_replicas) + ": it is set back to " + std::to_string(wanted);
  } else if (seen.read_only == false) {
    said = "somebody set replica-read-only of the local server to no: it is set back to yes";
    foreign_.written_to = foreign_.written_to || sight_.local.is_replica();
  }
  if (said.empty()) foreign_.problem.clear();
  if (said != std::exchange(foreign_.setting_said, said) && !said.empty()) {
    emit(Say{Weight::warning, said});
  }
  if (said.empty() || follow_retry_) return;
  if (leads && seen.min_replicas && *seen.min_replicas != wanted) return set_guard(now, wanted);
  start_work(now, ReadOnlyWork{}, kSettingBudget);
  foreign_.read_only_work = work_;
}

bool Pair::is_read_only_work(const WorkDone& work) {
  if (std::exchange(foreign_.read_only_work, {}) != work.id) return false;
  foreign_.problem = work.done ? "" : work.why;
  return true;
}

void Pair::add_foreign_alarms(std::map<std::string, std::string>& out) const {
  if (!foreign_.problem.empty()) {
    out["foreign"] = "what somebody set on the local server could not be put right: ";
    out["foreign"] += foreign_.problem;
  }
  if (foreign_.cannot_follow) {
    out["masterauth"] =
        "the local server's masterauth is not the password of the peer's server: it cannot follow; "
        "see tandem doctor";
  }
  if (foreign_.written_to) {
    out["written to"] =
        "clients could write to the local server while it was a replica "
        "(replica-read-only no): what they wrote is on no other server. Look, then "
        "say: tandem acknowledge ";
    out["written to"] += rules_.name;
  }
}

// Only what changed under our eyes and not by our hands is somebody's act: a server that boots as
// it likes is nobody's. FAILOVER of our own is announced by the leader.
void Pair::name_foreign_role(const ServerSight& before) {
  const ServerSight& local = sight_.local;
  const health::ServerFacts& facts = *local.facts;
  const bool strange = local.is_replica() && facts.link_up && !follows_the_peer();
  if (strange && is_unknown_lineage(facts.replid)) {
    foreign_.data_of = facts.master.to_string();
  } else if (!before.facts || follows_the_peer() || !is_unknown_lineage(facts.replid)) {
    foreign_.data_of.clear();
  }
  const bool ours = work_ || rejoining_ || !before.facts || *before.facts_at <= own_act_at_;
  if (ours || maintained() || !idle() || !before.is_replica()) return;
  if (before.facts->master != rules_.candidacy.peer || follows_the_peer()) return;
  const auto& said = sight_.peer_agent.said;
  if (said && said->state == to_string(PairState::leaving)) return;
  std::string words = "somebody made the local server ";
  words += local.is_master() ? "a master (REPLICAOF NO ONE, FAILOVER)"
                             : "a replica of " + facts.master.to_string();
  emit(Say{Weight::warning, std::move(words)});
}

// Neither what this node remembers of its own server, nor what the peer's has.
bool Pair::is_unknown_lineage(const std::string& replid) const {
  if (!sight_.record || sight_.record->replid.empty() || replid == sight_.record->replid) {
    return false;
  }
  const auto& lineage = sight_.record->lineage;
  const bool remembered = std::any_of(lineage.begin(), lineage.end(),
                                      [&](const auto& one) { return one.replid == replid; });
  const auto& peer = sight_.peer.facts;
  return !remembered && (!peer || (replid != peer->replid && replid != peer->replid2));
}

// Whoever made it the replica of a stranger has replaced what the pair knew.
Candidacy Pair::unless_foreign_data(Candidacy answer) const {
  if (foreign_.data_of.empty() || !idle() || sight_.accept_data_loss) return answer;
  if (!answer.may_lead) return answer;
  Candidacy refused;
  refused.needs_operator = true;
  refused.why = "the local server has taken the data of " + foreign_.data_of +
                ", which is not of this pair; to lead with them: tandem promote " + rules_.name +
                " --accept-data-loss";
  return refused;
}

}  // namespace agent
