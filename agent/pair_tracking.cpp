// What is tracked beside the servers: whose failure is a fault of the pair, and whether this node
// is cut off from the peer and from the gateway (rule 15).
#include "agent/pair.hpp"

namespace agent {

using health::Health;

void Pair::on(TimePoint /*now*/, const TrackingSeen& seen) {
  sight_.tracking = seen;
}

void Pair::on(TimePoint now, const GatewayAnswered& /*answered*/) {
  sight_.gateway_answered_at = now;
}

// Rule 15. A gateway that is away alone is no fault, nor is the peer alone.
void Pair::note_contact(TimePoint now) {
  contact_deadline_.reset();
  isolated_ = false;
  auto& since = sight_.out_of_touch_since;
  if (sight_.tracking.gateway == GatewaySight::untracked) return since.reset();
  if (const auto until = in_touch_until(sight_, rules_.candidacy, now)) {
    since.reset();
    if (*until != TimePoint::max()) contact_deadline_ = until;
    return;
  }
  if (!since) since = now;
  const TimePoint then = *since + rules_.isolation_patience;
  if (now < then) contact_deadline_ = then;
  isolated_ = now >= then && sight_.tracking.gateway == GatewaySight::lost;
}

std::optional<std::string> Pair::tracked_fault() const {
  std::string all;
  for (const std::string& fault : sight_.tracking.faults) all += (all.empty() ? "" : "; ") + fault;
  if (all.empty() && isolated_) all = isolation_words(sight_);
  return all.empty() ? std::nullopt : std::optional(all);
}

// A tracked fault keeps a node from leading, not its server from following.
bool Pair::server_usable() const {
  switch (sight_.local.health) {
    case Health::unknown:
    case Health::hung:
    case Health::dead:
    case Health::unreachable: return false;
    default: return true;
  }
}

bool Pair::stands_by() const {
  return idle() && server_usable() && sight_.router_up;
}

}  // namespace agent
