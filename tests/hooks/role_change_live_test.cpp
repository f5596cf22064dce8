// The procedures against two real redis-servers, as an ACL user with no more than their rights.
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

void write_keys(const LiveServer& server, int count) {
  Client client = server.connect();
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(client.ask({"SET", "key:" + std::to_string(i), "value"}).is_ok());
  }
}

std::string min_replicas(const LiveServer& server) {
  return server.ask({"CONFIG", "GET", "min-replicas-to-write"}).elements.at(1).text;
}

TEST(RoleChangeLive, SwapsTheRolesWithoutAFullResync) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  write_keys(a, 100);

  ASSERT_EQ(perform(a, b, make_fence(Target::local, 10s)).why, "");
  ASSERT_EQ(perform(a, b, make_drain(Target::local, Target::peer)).why, "");
  ASSERT_EQ(perform(b, a, make_promotion({})).why, "");
  ASSERT_EQ(perform(b, a, make_follow(Target::peer, b.endpoint())).why, "");
  ASSERT_TRUE(eventually([&] { return a.facts().link_up; }));

  EXPECT_EQ(b.info_number("sync_full"), 0);
  EXPECT_EQ(b.info_number("sync_partial_ok"), 1);
  EXPECT_EQ(b.facts().role, Role::master);
  EXPECT_EQ(a.facts().master, b.endpoint());
  EXPECT_EQ(b.facts().keys, 100);
  EXPECT_TRUE(b.ask({"SET", "key", "value"}).is_ok());
  EXPECT_EQ(a.ask({"SET", "key", "value"}).error_code(), "READONLY");
  EXPECT_EQ(min_replicas(a), "0");
}

TEST(RoleChangeLive, FollowingTwiceDoesNotDisturbTheLink) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  EXPECT_EQ(perform(a, b, make_follow(Target::peer, a.endpoint())).why, "");
  EXPECT_TRUE(b.facts().link_up);
  EXPECT_EQ(a.info_number("sync_full") + a.info_number("sync_partial_ok"), 1);
}

TEST(RoleChangeLive, PromotesTheReplicaOfAKilledMaster) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  write_keys(a, 10);
  ASSERT_TRUE(eventually([&] { return b.facts().keys == 10; }));
  a.kill();
  EXPECT_EQ(perform(b, b, make_promotion({})).why, "");
  EXPECT_EQ(b.facts().role, Role::master);
  EXPECT_TRUE(b.ask({"SET", "key", "value"}).is_ok());
}

// The link of a hung master stays up for a minute.
TEST(RoleChangeLive, PromotesTheReplicaOfAHungMaster) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  a.hang();
  ASSERT_TRUE(b.facts().link_up);
  EXPECT_EQ(perform(b, b, make_promotion({})).why, "");
  EXPECT_EQ(b.facts().role, Role::master);
}

TEST(RoleChangeLive, OpensAFencedMasterByPromotion) {
  LiveServer a;
  ASSERT_EQ(perform(a, a, make_fence(Target::local, 60s)).why, "");
  EXPECT_EQ(perform(a, a, make_promotion({})).why, "");
  EXPECT_TRUE(a.ask({"SET", "key", "value"}).is_ok());
}

TEST(RoleChangeLive, RefusesToPromoteInTheMiddleOfASync) {
  LiveServer a;
  LiveServer b;
  write_keys(a, 500);
  ASSERT_TRUE(
      a.ask({"CONFIG", "SET", "rdb-key-save-delay", "100000"}).is_ok());  // microseconds each
  ASSERT_EQ(perform(b, a, make_follow(Target::local, a.endpoint())).why, "");
  ASSERT_TRUE(eventually([&] { return b.facts().sync_in_progress; }));

  const auto result = perform(b, a, make_promotion({}));
  EXPECT_TRUE(result.refused);
  EXPECT_EQ(result.why, "the local server is in the middle of a sync and has no whole data set");
  EXPECT_EQ(b.facts().role, Role::replica);
}

TEST(RoleChangeLive, FenceRefusesWritesAndNothingElse) {
  LiveServer a;
  ASSERT_TRUE(a.ask({"CONFIG", "SET", "min-replicas-max-lag", "0"}).is_ok());
  ASSERT_TRUE(a.ask({"SET", "key", "value"}).is_ok());

  ASSERT_EQ(perform(a, a, make_fence(Target::local, std::nullopt)).why, "");
  EXPECT_EQ(a.ask({"SET", "key", "other"}).error_code(), "NOREPLICAS");
  EXPECT_EQ(a.ask({"PING"}).text, "PONG");
  EXPECT_EQ(a.ask({"GET", "key"}).text, "value");

  ASSERT_EQ(perform(a, a, make_unfence(Target::local)).why, "");
  EXPECT_TRUE(a.ask({"SET", "key", "other"}).is_ok());
}

// GET of an expired key deletes it, and the DEL goes to the replica, unless there is a pause.
TEST(RoleChangeLive, APauseKeepsTheOffsetStillUnderTheFence) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  ASSERT_TRUE(a.ask({"SET", "key", "value", "PX", "500"}).is_ok());
  ASSERT_EQ(perform(a, b, make_fence(Target::local, 60s)).why, "");
  const std::int64_t offset = a.facts().offset;
  ASSERT_TRUE(eventually([&] { return a.ask({"GET", "key"}).type == health::Reply::Type::nil; }));
  EXPECT_EQ(a.facts().offset, offset);
  EXPECT_EQ(a.ask({"SET", "key", "other"}).error_code(), "NOREPLICAS");

  ASSERT_EQ(perform(a, b, make_unfence(Target::local)).why, "");
  EXPECT_TRUE(a.ask({"SET", "key", "other"}).is_ok());
  EXPECT_GT(a.facts().offset, offset);
}

TEST(RoleChangeLive, DrainsTheWritesThatWereAccepted) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  std::atomic<int> accepted = 0;
  std::thread writer([&] {
    Client client = a.connect();
    while (client.ask({"SET", "key:" + std::to_string(accepted), std::string(1000, 'x')}).is_ok()) {
      ++accepted;
    }
  });
  const bool busy = eventually([&] { return accepted > 1000; });
  const auto fence = perform(a, b, make_fence(Target::local, std::nullopt));
  const auto drain = perform(a, b, make_drain(Target::local, Target::peer));
  const auto from = a.facts();
  const auto to = b.facts();
  if (!fence.done) a.kill();
  writer.join();

  EXPECT_TRUE(busy);
  EXPECT_EQ(fence.why, "");
  EXPECT_EQ(drain.why, "");
  EXPECT_EQ(to.offset, from.offset);
  EXPECT_EQ(to.keys, accepted);
}

TEST(RoleChangeLive, DoesNotDrainIntoAStranger) {
  LiveServer a;
  LiveServer b;
  LiveServer c;
  link_up(a, b);
  const auto result = perform(c, b, make_drain(Target::local, Target::peer));
  EXPECT_EQ(result.why, "the peer server follows " + a.endpoint().to_string() +
                            ", which has another replication id than the local server");
}

TEST(RoleChangeLive, KillsTheClientsOfTheVipAndNoOthers) {
  LiveServer a;
  LiveServer b;
  link_up(a, b);
  Client of_vip = a.connect(LiveServer::kVip);
  Client of_host = a.connect(LiveServer::kHost);
  of_vip.send({"BLPOP", "queue", "0"});
  of_host.send({"BLPOP", "queue", "0"});
  ASSERT_TRUE(eventually([&] { return a.info_number("blocked_clients") == 2; }));

  ASSERT_EQ(perform(a, b, make_kill_clients({"127.0.0.2/8"}, a.endpoint().port)).why, "");
  EXPECT_EQ(of_vip.receive().text, "closed");
  a.ask({"LPUSH", "queue", "element"});
  EXPECT_EQ(of_host.receive().elements.at(1).text, "element");
  EXPECT_TRUE(b.facts().link_up);
}

TEST(RoleChangeLive, NamesTheRightThatTheUserLacks) {
  LiveServer a;
  LiveServer b;
  ASSERT_TRUE(b.ask({"ACL", "SETUSER", "tandem", "-replicaof"}).is_ok());
  EXPECT_EQ(perform(b, a, make_follow(Target::local, a.endpoint())).why,
            "ACL: user may not run REPLICAOF on the local server");
  EXPECT_EQ(b.facts().role, Role::master);
}

TEST(RoleChangeLive, NamesTheServerThatIsGone) {
  LiveServer a;
  a.kill();
  EXPECT_EQ(perform(a, a, make_unfence(Target::local)).why,
            "the connection to the local server ended before it answered CONFIG SET "
            "min-replicas-to-write 0");
}

}  // namespace
}  // namespace hooks
