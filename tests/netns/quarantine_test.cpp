// Servers that boot as replicas of a port where nobody listens, as the systemd drop-in makes them:
// they keep what they have until an agent says who is the master.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kWaits = "replica of 127.0.0.1";

SceneOptions quarantined() {
  SceneOptions options;
  options.quarantine = true;
  options.server_a.save = options.server_b.save = true;
  return options;
}

// A has the role and the data, B follows it; both as if an agent had done so.
testing::AssertionResult make_pair(PairScene& scene) {
  scene.a.redis.start_and_wait();
  scene.b.redis.start_and_wait();
  scene.a.redis.command({"REPLICAOF", "NO", "ONE"});
  scene.b.redis.command({"REPLICAOF", scene.a.host.ip, "6379"});
  const auto follows = eventually(
      "B follows A", kSoon,
      equals([&] { return scene.b.redis.role(); }, "replica of " + scene.a.host.ip + ", in sync"));
  if (!follows) return follows;
  scene.a.redis.fill(1000);
  return eventually("B has what A has", kSoon,
                    equals([&] { return std::to_string(scene.b.redis.keys()); }, "1000"));
}

TEST(Quarantine, ServersKeepTheirDataUntilTheAgentPromotesOne) {
  PairScene scene(quarantined());
  ASSERT_TRUE(make_pair(scene));
  for (RedisServer* const server : {&scene.a.redis, &scene.b.redis}) server->command({"SAVE"});
  const std::string lineage = scene.a.redis.info("replication")["master_replid"];
  for (RedisServer* const server : {&scene.a.redis, &scene.b.redis}) {
    server->kill();
    server->start_and_wait();
    EXPECT_EQ(server->role(), kWaits);
    EXPECT_EQ(server->keys(), 1000);
    EXPECT_EQ(server->info("replication")["master_replid"], lineage);
    EXPECT_NE(server->info("replication")["slave_repl_offset"], "0");
    EXPECT_THAT(server->command({"SET", "x", "1"}).text, StartsWith("READONLY"));
    EXPECT_THAT(server->command({"PSYNC", "?", "-1"}).text, StartsWith("NOMASTERLINK"));
  }
  scene.a.agent.start();
  scene.b.agent.start();
  // Both hold the same: which one does not matter.
  ASSERT_TRUE(eventually("one leads, the other is in sync", kSoon, [&] {
    const std::string picture = scene.picture();
    return Seen{picture == kALeads || picture == kBLeads, picture};
  }));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(Quarantine, AKilledMasterComesBackAsTheReplicaOfItsSuccessor) {
  PairScene scene(quarantined());
  ASSERT_TRUE(make_pair(scene));
  scene.a.agent.start();
  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  scene.a.redis.supervise(Millis(100));
  scene.a.redis.kill();
  ASSERT_TRUE(scene.reaches(kBLeads));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_EQ(scene.a.agent.field("/alarms").find("by itself"), std::string::npos);
}

TEST(Quarantine, AServerThatBootsAsAMasterIsAnAlarm) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  scene.a.redis.start_and_wait();
  EXPECT_TRUE(eventually("the alarm", kSoon, [&] {
    const std::string alarms = scene.a.agent.field("/alarms");
    return Seen{alarms.find("booted as a master by itself") != std::string::npos, alarms};
  }));
  ASSERT_TRUE(scene.reaches(kBLeads));
}

}  // namespace
}  // namespace support
