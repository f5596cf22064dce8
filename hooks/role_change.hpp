// The procedures that change what a server is. Order and checks are the rulebook's (rules 2, 4, 7);
// the commands are REPLICAOF (SLAVEOF before Redis 5), ROLE, INFO, CONFIG SET, CLIENT PAUSE,
// CLIENT UNPAUSE and CLIENT KILL.
//
// Tandem owns min-replicas-to-write at run time: kFenceReplicas refuses every write at once, keeps
// reads and PING, and survives a crash of the agent; 0 opens the server.
#pragma once

#include <memory>
#include <optional>

#include "hooks/procedure.hpp"

namespace hooks {

inline constexpr int kFenceReplicas = 99;

struct PromotionRules {
  // The old master is gone or has let go: wait until the replica has read its stream to the end
  // (its link is down, or its offset stands still) for at most this long.
  Duration drain_budget = std::chrono::milliseconds(50);
  // Operator's word: skip the refusals below.
  bool accept_data_loss = false;
};

// replica -> verified, writable master. Refuses while loading or a sync is in progress, and when
// the replica's own disk is failing (it would refuse writes). On a master: only opens and verifies.
// INFO, REPLICAOF NO ONE, CONFIG SET min-replicas-to-write 0, CLIENT UNPAUSE, ROLE.
std::unique_ptr<Procedure> make_promotion(PromotionRules rules);

// Anything -> replica of `master`, then the fence is lifted (a replica refuses writes by itself).
// Already following it: only verified, so that a partial resync is never disturbed.
std::unique_ptr<Procedure> make_follow(Target server, health::Endpoint master);

// CONFIG SET min-replicas-to-write 99, with min-replicas-max-lag made non-zero first when it is 0
// (0 switches the option off). `pause`: CLIENT PAUSE WRITE for that long before it, so that
// writers wait instead of failing; skipped on servers before 6.2.
std::unique_ptr<Procedure> make_fence(Target server, std::optional<Duration> pause);

// Takes a fence back: min-replicas-to-write 0 and CLIENT UNPAUSE.
std::unique_ptr<Procedure> make_unfence(Target server);

// Waits until `to` has everything that `from` has (offsets read from both, `from` last), polling
// each millisecond. Done when equal; Failed when `to` is not linked to `from`. Fence `from` first.
std::unique_ptr<Procedure> make_drain(Target from, Target to);

// Closes client connections that came in through `vip` (CLIENT KILL LADDR ip:port, Redis 6.2+;
// before: CLIENT KILL TYPE normal and pubsub, SKIPME yes).
std::unique_ptr<Procedure> make_kill_clients(std::vector<std::string> vips, std::uint16_t port);

}  // namespace hooks
