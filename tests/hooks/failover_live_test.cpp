// The servers' own FAILOVER between two real redis-servers, and what it leaves behind when the
// replica hangs, refuses, lags or is not there.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tests/hooks/live_servers.hpp"

namespace hooks {
namespace {

using health::Role;
using namespace std::chrono_literals;

std::unique_ptr<Procedure> failover_to(const LiveServer& replica, Duration catch_up = 5s,
                                       Duration takeover = 2s) {
  return make_failover({replica.endpoint(), catch_up, takeover});
}

std::string min_replicas(const LiveServer& server) {
  return server.ask({"CONFIG", "GET", "min-replicas-to-write"}).elements.at(1).text;
}

TEST(FailoverLive, ChangesTheRolesUnderLoadAndLosesNothing) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  std::atomic<int> acknowledged = 0;
  std::string refusal;
  std::thread writer([&] {
    Client client = a.connect();
    while (true) {
      const auto reply = client.ask({"SET", "key:" + std::to_string(acknowledged), "value"});
      if (!reply.is_ok()) {
        refusal = reply.error_code();
        return;
      }
      ++acknowledged;
    }
  });
  const bool busy = eventually([&] { return acknowledged > 1000; });
  const auto result = perform(a, b, failover_to(b));
  if (!result.done) a.kill();
  writer.join();

  EXPECT_TRUE(busy);
  EXPECT_EQ(result.why, "");
  EXPECT_EQ(refusal, "READONLY");
  EXPECT_EQ(b.facts().role, Role::master);
  EXPECT_EQ(b.facts().keys, acknowledged);
  EXPECT_EQ(a.facts().master, b.endpoint());
  ASSERT_TRUE(eventually([&] { return a.facts().link_up; }));
  EXPECT_EQ(b.info_number("sync_full"), 0);
  RecordProperty("took_ms", static_cast<int>(result.took / 1ms));
  RecordProperty("acknowledged", acknowledged);
}

TEST(FailoverLive, BackAgain) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  ASSERT_EQ(perform(a, b, failover_to(b)).why, "");
  ASSERT_TRUE(eventually([&] {
    const auto replicas = b.facts().replicas;
    return a.facts().link_up && !replicas.empty() && replicas[0].online;
  }));
  ASSERT_EQ(perform(b, a, failover_to(a)).why, "");
  EXPECT_EQ(a.facts().role, Role::master);
  EXPECT_EQ(b.facts().role, Role::replica);
}

// The address in INFO is another one than the configured.
TEST(FailoverLive, FindsItsOnlyReplicaByWhateverNameItHas) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  EXPECT_EQ(perform(a, b, make_failover({{"10.9.9.9", 6379}, 5s, 2s})).why, "");
  EXPECT_EQ(b.facts().role, Role::master);
}

TEST(FailoverLive, IsRefusedWithoutAReplica) {
  LiveServer a;
  LiveServer b;
  const auto result = perform(a, b, failover_to(b));
  EXPECT_TRUE(result.refused);
  EXPECT_EQ(result.why, "no replica of the local server is online");
  EXPECT_TRUE(a.ask({"SET", "key", "value"}).is_ok());
}

TEST(FailoverLive, IsRefusedOnAReplicaAndWhileAnotherOneRuns) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  EXPECT_EQ(perform(b, a, failover_to(a)).why, "the local server is not a master");
  b.hang();
  ASSERT_TRUE(a.ask({"SET", "key", "value"}).is_ok());
  ASSERT_TRUE(a.ask({"FAILOVER"}).is_ok());
  EXPECT_EQ(perform(a, a, failover_to(b)).why,
            "the local server is in a FAILOVER already (waiting-for-sync)");
}

// The server gives up by itself, and its writers were only late.
TEST(FailoverLive, AReplicaThatDoesNotCatchUpChangesNothing) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  b.hang();
  ASSERT_TRUE(a.ask({"SET", "key", "value"}).is_ok());
  const auto result = perform(a, a, failover_to(b, 200ms));
  EXPECT_TRUE(result.refused);
  EXPECT_EQ(result.why, "the peer server did not catch up within 200 ms");
  EXPECT_EQ(a.facts().role, Role::master);
  EXPECT_TRUE(a.ask({"SET", "key", "other"}).is_ok());
}

// Nothing was written since its last acknowledgement, so that the master does not see it hang
// before it has become its replica.
TEST(FailoverLive, AReplicaThatHangsIsAborted) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  ASSERT_TRUE(eventually([&] {
    const auto facts = a.facts();
    return !facts.replicas.empty() && facts.replicas[0].offset == facts.offset;
  }));
  b.hang();
  const auto result = perform(a, a, failover_to(b, 5s, 300ms));
  EXPECT_FALSE(result.refused);
  EXPECT_EQ(result.why,
            "the peer server did not take over within 300 ms: aborted, the local server is a "
            "master again, with its writes fenced");
  EXPECT_EQ(a.facts().role, Role::master);
  EXPECT_EQ(min_replicas(a), "99");
  EXPECT_EQ(perform(a, a, make_unfence(Target::local)).why, "");
  EXPECT_TRUE(a.ask({"SET", "key", "value"}).is_ok());
}

// The master would log in to its replica with a password that is wrong there.
TEST(FailoverLive, AReplicaThatRefusesTheMastersPasswordIsAborted) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  ASSERT_TRUE(a.ask({"CONFIG", "SET", "masterauth", "wrong"}).is_ok());
  const auto result = perform(a, b, failover_to(b, 5s, 300ms));
  EXPECT_EQ(result.why,
            "the peer server did not take over within 300 ms: aborted, the local server is a "
            "master again, with its writes fenced");
  EXPECT_EQ(b.facts().role, Role::replica);
  EXPECT_EQ(perform(a, b, make_unfence(Target::local)).why, "");
  ASSERT_TRUE(eventually([&] { return b.facts().link_up; }));
  EXPECT_TRUE(a.ask({"SET", "key", "value"}).is_ok());
  ASSERT_TRUE(eventually([&] { return b.facts().keys == 1; }));
  EXPECT_EQ(a.info_number("sync_full"), 1) << "only the first sync was a full one";
}

TEST(FailoverLive, NamesTheRightThatTheUserLacks) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  ASSERT_TRUE(a.ask({"ACL", "SETUSER", "tandem", "-failover"}).is_ok());
  EXPECT_EQ(perform(a, b, failover_to(b)).why,
            "ACL: user may not run FAILOVER on the local server");
}

}  // namespace
}  // namespace hooks
