// Which of a master's replicas is the other node's server. Further ones acknowledge too, and what
// only they hold is on no server that could lead.
#include <algorithm>

#include "agent/pair.hpp"

namespace agent {

// By address and port, else by address alone; nullptr: behind an address translation or with
// replica-announce-ip it goes by another name.
const health::ConnectedReplica* Pair::named_replica(const health::ServerFacts& master,
                                                    const health::Endpoint& wanted) const {
  const auto find = [&](auto matches) -> const health::ConnectedReplica* {
    const auto found = std::find_if(master.replicas.begin(), master.replicas.end(), matches);
    return found == master.replicas.end() ? nullptr : &*found;
  };
  if (const auto* exact = find([&](const auto& one) { return one.endpoint == wanted; })) {
    return exact;
  }
  return find([&](const health::ConnectedReplica& one) {
    return one.endpoint.host == wanted.host && !is_further_replica(one.endpoint);
  });
}

bool Pair::is_further_replica(const health::Endpoint& endpoint) const {
  return std::find(rules_.replicas.begin(), rules_.replicas.end(), endpoint) !=
         rules_.replicas.end();
}

// How many beside the standby's count for the leader's min-replicas-to-write, listed in the
// configuration or not. When the standby is in sync and none goes by its name, nobody knows which
// one it is: all but one are counted, also those whose acknowledgement is overdue, for that may be
// its own.
int Pair::further_acknowledgements() const {
  if (!sight_.local.facts) return 0;
  const health::ServerFacts& local = *sight_.local.facts;
  const auto* standby = named_replica(local, rules_.candidacy.peer);
  const auto max_lag =
      std::chrono::ceil<std::chrono::seconds>(rules_.candidacy.max_lag_time).count();
  int others = 0;
  for (const health::ConnectedReplica& one : local.replicas) {
    if (&one == standby || !one.online) continue;
    if (standby == nullptr || one.lag <= max_lag) ++others;
  }
  return standby == nullptr && standby_in_sync() ? std::max(0, others - 1) : others;
}

}  // namespace agent
