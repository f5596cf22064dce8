// Keeping the network's tables true: who leads announces again whenever somebody else may have
// announced the address meanwhile.
#include <utility>

#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {
constexpr auto kAnnounceSpacing = std::chrono::seconds(1);
constexpr auto kCallSpacing = std::chrono::milliseconds(200);
constexpr auto kLeadersSaid = std::chrono::minutes(1);  // for five of them
}  // namespace

// Rule 13. Until the epochs have been compared neither of two leaders knows whether it is the one
// that stays, and an announcement of the one that leaves takes clients, and what they write, with
// it. So the other agent is called first; without an answer of it priorities decide, and soon.
void Pair::announce_again(TimePoint now, const std::string& why) {
  if (!rival_may_be_newer()) return announce_now(now, why);
  call_the_peer(now);
  if (!announcing_.due) announcing_.due = now + kEpochPatience;
  announcing_.why = why;
  settle_announcement(now);
}

void Pair::announce_now(TimePoint now, std::string why) {
  announcing_.due.reset();
  if (!std::holds_alternative<Leading>(state_)) return;
  if (announcing_.allowed && now < *announcing_.allowed) return;
  announcing_.allowed = now + kAnnounceSpacing;
  emit(Say{Weight::warning, std::move(why)});
  emit(Announce{});
}

void Pair::settle_announcement(TimePoint now) {
  if (!announcing_.due) return;
  if (now < *announcing_.due && rival_may_be_newer()) return;
  announce_now(now, announcing_.why);
}

// What its agent said before it was heard as a leader does not count: the link may be dead already.
bool Pair::rival_may_be_newer() const {
  const auto& agent = sight_.peer_agent;
  if (!agent.linked && !agent.down_since) return false;  // no link is configured
  if (!agent.said) return true;
  const std::uint64_t own = sight_.record ? sight_.record->epoch : 0;
  if (agent.said->leads()) return agent.said->epoch > own;
  return announcing_.rival_heard && agent.said_at < *announcing_.rival_heard;
}

void Pair::call_the_peer(TimePoint now) {
  if (sight_.peer_agent.linked || !sight_.peer_agent.down_since) return;
  if (announcing_.call_allowed && now < *announcing_.call_allowed) return;
  announcing_.call_allowed = now + kCallSpacing;
  emit(CallPeer{});
}

// A dead agent's host still has the VIP for the rest of its lease, and answers who asks for it: the
// network hears of us again when it is over.
void Pair::outlast_the_old_vip(TimePoint now) {
  if (!sight_.peer_agent.refused) return;
  announcing_.due = now + rules_.candidacy.vip_lease / 2;
  announcing_.why = "the dead agent's VIP has gone with its lease: the VIP is announced again";
}

// While it was out of reach it may have led and announced the address. When the network heals it
// may hear us first and fall silent before we hear it, so its adverts cannot be waited for.
void Pair::peer_is_back(TimePoint now, Health before) {
  if (before != Health::unreachable && before != Health::hung) return;
  call_the_peer(now);
  announce_again(now, "the peer is reachable again: the VIP is announced again");
}

// What was drained in a gentle takeover may hold more by now: making it follow is for its own
// agent, which looks first at what only it holds.
void Pair::peer_acts_again() {
  if (auto* leading = std::get_if<Leading>(&state_)) leading->peer_must_follow = false;
}

// The last announcement must be ours, whenever its own was. An old master that follows us right
// after a takeover has announced nothing since.
void Pair::rival_gave_way(TimePoint now) {
  if (now < since_ + kAnnounceSpacing) return;
  announcing_.allowed.reset();
  announce_now(now, "the peer's server is a master no more: the VIP is announced again");
}

// Whoever can send adverts could fill the log with two voices that take turns, and push out of the
// history what it is kept for.
void Pair::say_who_leads(TimePoint now, const vrrp::Report& report) {
  std::string leader =
      report.source.to_string() + " leads, with priority " + std::to_string(report.priority.value);
  if (leader == leader_said_) return;
  auto& fifth_last = leader_said_at_.at(leaders_said_ % leader_said_at_.size());
  if (fifth_last && now < *fifth_last + kLeadersSaid) return;
  fifth_last = now;
  ++leaders_said_;
  leader_said_ = std::move(leader);
  emit(Say{Weight::info, leader_said_});
}

}  // namespace agent
