// Rule 12: the fence script proves that the silent peer's host is down, or makes it so. It is asked
// only when nothing at all is heard of the peer and a proof would help; what it proves holds until
// something is heard again.
#include <algorithm>

#include "agent/pair.hpp"

namespace agent {

namespace {
// A hiccup of the network costs nobody his host; and where both can ask, the leader asks first.
constexpr auto kLeadersPatience = std::chrono::seconds(1);
constexpr auto kStandbysPatience = std::chrono::seconds(2);
constexpr auto kAskAgain = std::chrono::seconds(10);
}  // namespace

void Pair::note_silence(TimePoint now) {
  fence_.wake.reset();
  if (!rules_.fence) return;
  const auto until = in_touch_until(sight_, rules_.candidacy, now);
  if (!until) {
    if (!fence_.silent_since) fence_.silent_since = now;
    return;
  }
  sight_.peer_fenced = false;
  fence_.silent_since.reset();
  fence_.retry_at.reset();
  fence_.problem.clear();
  if (*until != TimePoint::max()) fence_.wake = until;
}

bool Pair::wants_a_proof() const {
  if (maintained()) return false;
  if (std::holds_alternative<Leading>(state_)) return guarded() && !standby_in_sync();
  return idle() && candidacy_.fence;
}

void Pair::settle_fence(TimePoint now) {
  if (!fence_.silent_since || fence_.running || sight_.peer_fenced || !wants_a_proof()) return;
  const bool leads = std::holds_alternative<Leading>(state_);
  TimePoint due = *fence_.silent_since + (leads ? kLeadersPatience : kStandbysPatience);
  if (fence_.retry_at) due = std::max(due, *fence_.retry_at);
  if (now < due) {
    fence_.wake = due;
    return;
  }
  fence_.running = ++last_work_;
  fence_.asked_in = fence_.silent_since;
  emit(Say{Weight::warning, "nothing is heard of the peer: the fence script is asked"});
  emit(FenceHost{*fence_.running});
}

void Pair::on(TimePoint now, const HostFenced& fenced) {
  if (fence_.running != fenced.id) return;
  fence_.running.reset();
  // The peer was heard meanwhile: this is about a silence that is over.
  if (fence_.asked_in != fence_.silent_since) return;
  fence_.problem = fenced.down ? "" : fenced.why;
  sight_.peer_fenced = fenced.down;
  if (fenced.down) {
    emit(Say{Weight::warning, "the fence script says that the peer's host is down"});
  } else {
    fence_.retry_at = now + kAskAgain;
  }
}

// Mode "safe", the standby is out of touch, and somebody advertises who took the role from us: it
// becomes a master within milliseconds, later than this stops the writes. The VIP is left to it.
void Pair::stop_for_a_rival() {
  if (!guarded() || standby_in_sync() || !std::holds_alternative<Leading>(state_)) return;
  if (stopped_for_a_rival_ || maintained()) return;
  stopped_for_a_rival_ = true;
  emit(PostFence{});
  emit(Say{Weight::warning,
           "somebody else leads while no standby acknowledges: the writes are stopped"});
}

}  // namespace agent
