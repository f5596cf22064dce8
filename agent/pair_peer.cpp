// What the other node's agent says over the peer link: whether somebody leads whom adverts do not
// show (rule 5), the epochs of the pair, and who stays when two lead (rule 13). Without a link
// nothing of this is known, and the rulebook goes by the rest.
#include <algorithm>

#include "agent/newest.hpp"
#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {
constexpr auto kLongestRestart = std::chrono::seconds(10);
}  // namespace

PeerWord Pair::word(TimePoint now) const {
  const PairSnapshot pair = snapshot();
  PeerWord word;
  word.state = to_string(pair.state);
  word.epoch = pair.epoch;
  word.record = sight_.record;
  if (word.record) {  // what the other node does not ask for
    word.record->lineage.clear();
    word.record->renamed.reset();
    word.record->peer.reset();
    word.record->intent.clear();
    word.record->superseded = word.record->claimed = 0;
    word.record->behind = false;
    word.record->maintenance.reset();
    word.record->moved_away = false;
    word.record->takeovers.clear();
  }
  word.health = health::to_string(sight_.local.health);
  if (const auto& facts = sight_.local.facts) {
    word.role = health::to_string(facts->role);
    word.replid = facts->replid;
    word.offset = facts->offset;
    const auto& said = sight_.peer_agent.said;
    word.data_epoch = data_epoch(sight_.record, *facts, said ? said->record : std::nullopt);
  }
  word.may_lead = pair.candidacy.may_lead;
  word.why = pair.candidacy.why;
  word.by_operator = pair.by_operator;
  word.alarms = static_cast<int>(pair.alarms.size());
  word.maintenance = maintained();
  word.claims = claim_ahead_.value_or(false);
  const auto* leaving = std::get_if<Leaving>(&state_);
  word.drained = leaving != nullptr && leaving->drained;
  if (pair.state == PairState::standby) {
    const auto problems = takeover_problems(now);
    if (!problems.empty()) word.unfit = problems.front();
  }
  return word;
}

void Pair::on(TimePoint now, const PeerSaid& said) {
  auto& agent = sight_.peer_agent;
  if (said.word.leads()) sight_.leader_seen_at = now;
  const bool led = agent.said && agent.said->leads();
  peer_acts_again();
  agent.said = said.word;
  agent.said_at = now;
  if (said.word.state != to_string(PairState::starting)) agent.back_by.reset();
  if (said.word.leads() && said.word.restarting_ms > 0) {
    const std::chrono::milliseconds length(said.word.restarting_ms);
    agent.back_by = now + std::min<Duration>(length, kLongestRestart);
  }
  sight_.peer_epoch = std::max(sight_.peer_epoch, said.word.epoch);
  // What it announced while it led is still in the network's tables.
  if (led && !said.word.leads()) {
    announce_now(now, "the other node led too and has stepped down: announced again");
  }
  successor_seen(now);
}

// Rule 14: its silence was announced, and its server and VIP are at work meanwhile. A server that
// dies in this moment is not waited for.
Candidacy Pair::unless_restarting(TimePoint now, Candidacy answer) const {
  const auto& back_by = sight_.peer_agent.back_by;
  const bool away = back_by && now < *back_by && sight_.peer.health != Health::dead;
  if (!away || !idle() || !answer.may_lead) return answer;
  Candidacy refused;
  refused.why = "the leader's agent executes its program anew";
  refused.recheck = *back_by;
  return refused;
}

void Pair::on(TimePoint now, const PeerAnswered& /*answered*/) {
  sight_.peer.last_answer = now;
  if (sight_.peer.is_master()) sight_.leader_seen_at = now;
}

void Pair::on(TimePoint now, const PeerVouched& /*vouched*/) {
  auto& agent = sight_.peer_agent;
  if (!agent.said) return;
  agent.said_at = now;
  if (agent.said->leads()) sight_.leader_seen_at = now;
}

void Pair::on(TimePoint now, const PeerLinkChanged& link) {
  auto& agent = sight_.peer_agent;
  if (link.up) agent.down_since.reset();
  if (!link.up && !agent.down_since) agent.down_since = now;
  agent.linked = link.up;
  agent.refused = link.refused;
  agent.why_not = link.why;
  if (link.up) return;
  agent.said.reset();
  agent.differences.clear();
  successor_seen(now);
}

void Pair::on(TimePoint /*now*/, const PeerCompared& compared) {
  sight_.peer_agent.differences = compared.differences;
}

// Epochs are the pair's: a promotion is newer than all that either node knows of.
std::uint64_t Pair::next_epoch(const Record& record) const {
  return std::max({record.epoch, record.claimed, record.superseded, sight_.peer_epoch}) + 1;
}

void Pair::held_against(TimePoint now, const vrrp::Report& report) {
  announcing_.rival_heard = now;
  call_the_peer(now);
  // Heard again after a pause: a new meeting.
  if (!held_since_ || now >= last_held_ + kEpochPatience) {
    held_since_ = now;
    emit(Say{Weight::warning, "a second leader " + report.source.to_string() +
                                  " advertises with higher priority: the epochs decide who stays"});
  }
  last_held_ = now;
}

// Rule 13: priorities and addresses say nothing about data. Without the other agent's word they
// have to do, after a while: it may be a router without Redis.
bool Pair::holds(TimePoint now) const {
  const auto& agent = sight_.peer_agent;
  if (!std::holds_alternative<Leading>(state_)) return false;
  if (!agent.linked && !agent.down_since) return false;  // no link is configured
  if (agent.said && peer_says_it_leads(sight_, rules_.candidacy, now)) {
    return agent.said->epoch < (sight_.record ? sight_.record->epoch : 0);
  }
  return !held_since_ || now < *held_since_ + kEpochPatience;
}

// Rule 13. With equal epochs the election of the routers settles it.
std::optional<std::string> Pair::newer_leader(TimePoint now) const {
  const auto& said = sight_.peer_agent.said;
  const std::uint64_t own = sight_.record ? sight_.record->epoch : 0;
  if (!said || !said->leads() || said->epoch <= own) return std::nullopt;
  if (!peer_says_it_leads(sight_, rules_.candidacy, now)) return std::nullopt;
  return "the other node leads with the newer epoch " + std::to_string(said->epoch);
}

// The other node led with a newer epoch while the two were apart, and does not any more: what is
// taken here from now on is the newer all the same, and its server will follow.
void Pair::outlive_the_peers_epoch(TimePoint now) {
  const auto& said = sight_.peer_agent.said;
  if (!said || !sight_.record || said->epoch <= sight_.record->epoch) return;
  const bool stands_by =
      said->state == to_string(PairState::standby) || said->state == to_string(PairState::fault);
  if (!stands_by || peer_says_it_leads(sight_, rules_.candidacy, now)) return;
  sight_.record->epoch = next_epoch(*sight_.record);
  emit(Persist{*sight_.record, false});
  emit(Say{Weight::warning, "the other node has led with epoch " + std::to_string(said->epoch) +
                                " and leads no more: this node goes on with epoch " +
                                std::to_string(sight_.record->epoch)});
}

std::optional<TimePoint> Pair::link_alarm_due() const {
  const auto& down = sight_.peer_agent.down_since;
  const bool over = std::holds_alternative<End>(state_);
  if (!down || over || alarms_.contains(kPeerLink)) return std::nullopt;
  return *down + kAlarmDelay;
}

void Pair::add_peer_alarms(TimePoint now, std::map<std::string, std::string>& out) const {
  const auto& agent = sight_.peer_agent;
  if (agent.down_since && now >= *agent.down_since + kAlarmDelay) {
    out[kPeerLink] = "the peer link is down: " + agent.why_not;
  }
  std::string all;
  for (const auto& difference : agent.differences) all += (all.empty() ? "" : "; ") + difference;
  if (!all.empty()) out["configuration"] = "the peer's configuration differs: " + all;
}

}  // namespace agent
