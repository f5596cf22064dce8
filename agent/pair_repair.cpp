// Keeping the network's tables true: who leads announces again whenever somebody else may have
// announced the address meanwhile.
#include <utility>

#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {
constexpr auto kAnnounceSpacing = std::chrono::seconds(1);
}  // namespace

void Pair::announce_again(TimePoint now, std::string why) {
  if (!std::holds_alternative<Leading>(state_)) return;
  if (announce_allowed_ && now < *announce_allowed_) return;
  announce_allowed_ = now + kAnnounceSpacing;
  emit(Say{Weight::warning, std::move(why)});
  emit(Announce{});
}

// While it was out of reach it may have led and announced the address. When the network heals it
// may hear us first and fall silent before we hear it, so its adverts cannot be waited for.
void Pair::peer_is_back(TimePoint now, Health before) {
  if (before != Health::unreachable && before != Health::hung) return;
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
  announce_allowed_.reset();
  announce_again(now, "the peer's server is a master no more: the VIP is announced again");
}

void Pair::say_who_leads(const vrrp::Report& report) {
  std::string leader =
      report.source.to_string() + " leads, with priority " + std::to_string(report.priority.value);
  if (leader == leader_said_) return;
  leader_said_ = std::move(leader);
  emit(Say{Weight::info, leader_said_});
}

}  // namespace agent
