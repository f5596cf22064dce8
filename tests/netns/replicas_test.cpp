// A third server without an agent follows whoever leads: after a failover, after a switchover and
// without a full resync, after a foreign REPLICAOF, and when it was away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

SceneOptions with_replica() {
  SceneOptions options;
  for (PairOptions* const pair : {&options.pair_a, &options.pair_b}) {
    pair->pair_lines = "replicas = [\"10.77.0.3:6379\"]\n";
  }
  return options;
}

// It boots as the replica of A, as its configuration says.
RedisOptions third_server() {
  RedisOptions options;
  options.replica_of = "10.77.0.1";
  return options;
}

class Replicas : public testing::Test {
 protected:
  Replicas() : scene(with_replica()), third(scene.lan.client(), third_server()) {}

  void begin() {
    ASSERT_TRUE(scene.start());
    third.start_and_wait();
    ASSERT_TRUE(follows("10.77.0.1"));
    for (RedisServer* const server : {&scene.a.redis, &scene.b.redis, &third}) {
      server->command({"CONFIG", "RESETSTAT"});
    }
  }
  testing::AssertionResult follows(const std::string& leader) {
    return eventually(
        "the third server follows " + leader, kSoon,
        equals([this] { return third.role(); }, "replica of " + leader + ", in sync"));
  }
  std::string shown(PairScene::Side& side) {
    return side.agent.fields({"/replicas/0/watched", "/replicas/0/role", "/replicas/0/master",
                              "/replicas/0/link_up", "/replicas/0/lag_bytes",
                              "/replicas/0/problem"});
  }
  std::string full_resyncs(RedisServer& server) { return server.info("stats")["sync_full"]; }

  PairScene scene;
  RedisServer third;
};

TEST_F(Replicas, FollowASwitchoverWithoutAFullResync) {
  begin();
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    ASSERT_TRUE(PairScene::protects(scene.a.agent));
    ASSERT_EQ(scene.a.agent.command({"switchover"}).exit_code, 0);
    ASSERT_TRUE(scene.reaches(kBLeads));
    ASSERT_TRUE(follows("10.77.0.2"));
    ASSERT_TRUE(writer.goes_on());
    ASSERT_TRUE(PairScene::protects(scene.b.agent));
    ASSERT_EQ(scene.b.agent.command({"switchover"}).exit_code, 0);
    ASSERT_TRUE(scene.reaches(kALeads));
    ASSERT_TRUE(follows("10.77.0.1"));
  }
  writer.stop();
  EXPECT_EQ(full_resyncs(scene.a.redis), "0");
  EXPECT_EQ(full_resyncs(scene.b.redis), "0");
  EXPECT_TRUE(
      eventually("it is shown in sync", kSoon,
                 equals([this] { return shown(scene.a); }, "true replica 10.77.0.1:6379 true 0 ")));
  EXPECT_EQ(shown(scene.b), "false unknown  false null ");
  EXPECT_TRUE(writer.finds_all_on(third));
}

TEST_F(Replicas, FollowAFailover) {
  begin();
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  writer.at_quiet_point([this] {
    // The third one's word is not B's.
    EXPECT_TRUE(eventually("B has all", kSoon, [this] {
      const std::string at_a = scene.a.redis.info("replication")["master_repl_offset"];
      const std::string at_b = scene.b.redis.info("replication")["slave_repl_offset"];
      return Seen{at_a == at_b, at_a + " " + at_b};
    }));
    scene.a.redis.kill();
  });
  ASSERT_TRUE(scene.led_by("B"));
  ASSERT_TRUE(follows("10.77.0.2"));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(third));
}

TEST_F(Replicas, AreTakenBackFromAStranger) {
  begin();
  third.command({"REPLICAOF", "10.77.0.2", "6379"});
  EXPECT_TRUE(follows("10.77.0.1"));
  EXPECT_TRUE(eventually("the log says it", kSoon, [this] {
    const std::string log = read_file(scene.a.agent.log());
    // Which of the two it says depends on whether it had seen it following before.
    const std::string sentence = "a replica of 10.77.0.2:6379";
    return Seen{log.find(sentence) != std::string::npos, "not: " + sentence};
  }));
}

TEST_F(Replicas, ComeBackAfterTheyWereAway) {
  begin();
  third.kill();
  EXPECT_TRUE(eventually("that is an alarm", kSoon, [this] {
    const std::string seen = scene.a.agent.field("/alarms");
    return Seen{seen.find("the replica 10.77.0.3:6379 is dead") != std::string::npos, seen};
  }));
  ASSERT_EQ(scene.a.agent.command({"switchover"}).exit_code, 0);
  ASSERT_TRUE(scene.reaches(kBLeads));
  // Its configuration still names A.
  third.start_and_wait();
  EXPECT_TRUE(follows("10.77.0.2"));
  EXPECT_TRUE(eventually("the alarm is over", kSoon,
                         equals([this] { return scene.b.agent.field("/alarms"); }, "[]")));
}

TEST_F(Replicas, WithDataOfTheirOwnAreLeftAlone) {
  begin();
  third.command({"REPLICAOF", "NO", "ONE"});
  third.command({"SET", "own", "1"});
  // Too quick for it: with nothing of its own it would have been taken back.
  if (third.role() != "master") GTEST_SKIP() << "it was taken back before the write";
  EXPECT_TRUE(eventually("that is an alarm", kSoon, [this] {
    const std::string seen = scene.a.agent.field("/alarms");
    return Seen{
        seen.find("redis-cli -h 10.77.0.3 -p 6379 REPLICAOF 10.77.0.1 6379") != std::string::npos,
        seen};
  }));
  EXPECT_TRUE(stays("it is a master", Millis(2500),
                    equals([this] { return third.role(); }, std::string("master"))));
  EXPECT_EQ(third.command({"GET", "own"}).text, "1");
  third.command({"REPLICAOF", "10.77.0.1", "6379"});
  EXPECT_TRUE(follows("10.77.0.1"));
}

}  // namespace
}  // namespace support
