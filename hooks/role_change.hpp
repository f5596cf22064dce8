// The procedures that change what a server is. Order and checks are the rulebook's; the commands
// are INFO, ROLE, REPLICAOF (SLAVEOF before Redis 5), CONFIG GET and SET of min-replicas-to-write
// and min-replicas-max-lag (min-slaves-* before Redis 5), CLIENT PAUSE, UNPAUSE and KILL. Whether a
// server should change its role is decided elsewhere: no VRRP, epoch or peer is known here.
//
// Tandem owns min-replicas-to-write at run time: kFenceReplicas refuses every write at once, keeps
// reads and PING, and survives a crash of the agent; 0 opens the server. CONFIG REWRITE is never
// sent, so the file on disk keeps what the operator wrote.
//
// All of them fail alike: with a clause naming the server and the command when its connection ends
// or it answers with an error, and with "ACL: user may not run COMMAND on the local server" on
// -NOPERM. Each may be run again after a failure: what is already so is found and kept. None has a
// time limit of its own but the drain of a promotion; hooks/io/procedure_runner.hpp has.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hooks/procedure.hpp"

namespace hooks {

// More replicas than a pair can ever have.
inline constexpr int kFenceReplicas = 99;

struct PromotionRules {
  // The old master is gone or has let go: wait until the replica has read its stream to the end
  // (its link is down, or its offset stands still) for at most this long, then go on. 0: no wait.
  Duration drain_budget = std::chrono::milliseconds(50);
  // Operator's word: promote also in the middle of a sync (it then serves the old data set, or a
  // part of the new one) and with a failing disk (it may refuse writes with -MISCONF).
  bool accept_data_loss = false;
  // The leader's offset at last sight, in the replica's own lineage; nullopt: not known. A replica
  // that is more than max_lag bytes behind it after the drain is not promoted.
  std::optional<std::int64_t> leader_offset{};
  std::int64_t max_lag = 0;
};

// Local replica -> verified master, open for writes. Refuses, server untouched, while it loads
// (accept_data_loss or not: the server refuses REPLICAOF then), while a sync is in progress, and
// when its last RDB save or AOF write failed, and when it lags too far behind. Whether it ever was
// in sync is the rulebook's question. On a master: only opens and verifies. INFO, [INFO replication
// each 1 ms], REPLICAOF NO ONE, CONFIG SET min-replicas-to-write 0, CLIENT UNPAUSE, ROLE. A failure
// after REPLICAOF NO ONE leaves a master behind.
std::unique_ptr<Procedure> make_promotion(PromotionRules rules);

// Anything -> replica of `master`, then the fence is lifted (a replica refuses writes by itself).
// Already following it: no REPLICAOF is sent, so that a partial resync is never disturbed. Done
// says that the server follows, not that its link is up. `master` is a real address of the other
// host, never the VIP, written as it shall appear in ROLE. Fails while the server loads: try later.
std::unique_ptr<Procedure> make_follow(Target server, health::Endpoint master);

// The same for a master that was judged from `judged` to hold nothing that is worth keeping: its
// writers are held (CLIENT PAUSE WRITE, 1 s, Redis 6.2) while INFO is asked once more. Refuses, and
// lets them go on, when lineage, offset or number of keys are others by now.
std::unique_ptr<Procedure> make_follow_if_unchanged(Target server, health::Endpoint master,
                                                    health::ServerFacts judged);

// CONFIG SET min-replicas-to-write 99, with min-replicas-max-lag set to 10 s first when it is 0
// (0 switches the option off). Done: no client's write is accepted from here on, each gets
// -NOREPLICAS at once. `pause` (whole milliseconds, rounded up): CLIENT PAUSE WRITE for that long
// before it, which also stops what the fence lets through, expired keys and PUBLISH, so that the
// offset stands still. It does not make writers wait, for Redis looks at the fence before the
// pause; only those caught between the two do. Skipped on servers before 6.2. When the fence fails
// half way the pause lapses by itself; make_unfence ends it now.
std::unique_ptr<Procedure> make_fence(Target server, std::optional<Duration> pause);

// CLIENT PAUSE WRITE (Redis 6.2 and newer; done at once on older servers): from here on writers
// wait until make_unfence, a kill of their connections, or the end of `length` (whole milliseconds,
// rounded up). Do not set the fence before their last write has been drained: under it they would
// get -NOREPLICAS instead of waiting.
std::unique_ptr<Procedure> make_pause(Target server, Duration length);

// The fence, then REPLICAOF NO ONE: a master for itself that takes no write. What a replica without
// a link to its master holds can only be read from it in this way (it answers PSYNC with
// -NOMASTERLINK). Its lineage stays known as master_replid2.
std::unique_ptr<Procedure> make_detach(Target server);

// min-replicas-to-write `replicas`, counting replicas that acknowledged within `max_lag` (whole
// seconds, rounded up, at least 1).
std::unique_ptr<Procedure> make_guard(Target server, int replicas, Duration max_lag);

// Takes a fence back: min-replicas-to-write 0, then CLIENT UNPAUSE, so that waiting writers find
// the server open.
std::unique_ptr<Procedure> make_unfence(Target server);

// replica-read-only yes.
std::unique_ptr<Procedure> make_read_only(Target server);

// Waits until replica `to` has everything that master `from` has (INFO replication of both, `from`
// last), polling each millisecond. Done when to's offset has reached from's. Fails when `from` is
// no master, or `to` is no replica, has no link, or is of another lineage (master_replid): its
// offset then says nothing. Fence `from` first, or it may never end.
std::unique_ptr<Procedure> make_drain(Target from, Target to);

struct FailoverRules {
  health::Endpoint replica;  // which one, when the local server has several
  Duration catch_up{};       // how long its writes may wait for the replica
  Duration takeover{};       // how long the replica may take to begin to lead
};

// The local master and its replica change roles by the servers' own FAILOVER (Redis 6.2). Done: the
// peer server is a master, the local one its replica. Refuses, server as it was: no master, no
// FAILOVER, no online replica, a FAILOVER of somebody else, a replica that does not catch up (the
// server ends that by itself). A replica that hangs or cannot be logged in to leaves both servers
// replicas for ever: after `takeover` the fence is set (make_unfence takes it back), then ABORT
// makes the local server a master again; whether the replica leads by then its own INFO says.
// Writers wait meanwhile and get -READONLY from a server that has become a replica. Needs a budget
// above both times and a second.
std::unique_ptr<Procedure> make_failover(FailoverRules rules);

// Closes the connections to the local server that came in through one of `vips` (an address, a
// prefix length is ignored) and `port`: CLIENT KILL LADDR ip:port for each. Before Redis 6.2, where
// the address a client came in by is not known: all normal and pubsub clients (CLIENT KILL TYPE).
// Our own connection and, before 6.2, replicas are spared. Run it while the VIP is still local:
// what is closed later never reaches the client. No VIPs: done at once.
std::unique_ptr<Procedure> make_kill_clients(std::vector<std::string> vips, std::uint16_t port);

}  // namespace hooks
