// What somebody else does to the servers of a pair is noticed, named and put right (rule 17).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

testing::AssertionResult says(const PairScene::Side& side, const std::string& words) {
  return eventually("the agent says: " + words, kSoon, [&] {
    return Seen{read_file(side.agent.log()).find(words) != std::string::npos, "it does not"};
  });
}

std::string setting(RedisServer& server, const std::string& name) {
  return server.command({"CONFIG", "GET", name}).text;
}

testing::AssertionResult is_set(RedisServer& server, const std::string& name,
                                const std::string& value) {
  return eventually(name + " " + value, kSoon,
                    equals([&] { return setting(server, name); }, name + "\n" + value + "\n"));
}

TEST(Foreign, ConfigSetOnTheLeaderIsSetBack) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  ASSERT_TRUE(scene.a.redis.command({"CONFIG", "SET", "min-replicas-to-write", "5"}).ok());
  EXPECT_TRUE(is_set(scene.a.redis, "min-replicas-to-write", "0"));
  EXPECT_TRUE(says(scene.a,
                   "somebody set min-replicas-to-write of the local server to 5: it is "
                   "set back to 0"));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
}

TEST(Foreign, WritableStandbyIsMadeReadOnlyAndThatStaysAnAlarm) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(scene.b.redis.command({"CONFIG", "SET", "replica-read-only", "no"}).ok());
  EXPECT_TRUE(is_set(scene.b.redis, "replica-read-only", "yes"));
  const auto alarmed = [&] {
    const std::string alarms = scene.b.agent.field("/alarms");
    return Seen{alarms.find("tandem acknowledge redis") != std::string::npos, alarms};
  };
  EXPECT_TRUE(eventually("it is an alarm", kSoon, alarmed));
  EXPECT_EQ(scene.b.agent.command({"acknowledge", "redis"}).exit_code, 0);
  EXPECT_EQ(scene.b.agent.field("/alarms"), "[]");
}

// The stranger's data would go on to the standby a second later.
TEST(Foreign, ReplicaofAStrangerOnTheLeaderLosesNothing) {
  PairScene scene;
  RedisServer stranger(scene.lan.client(), {});
  stranger.start_and_wait();
  stranger.command({"SET", "strange", "1"});
  // Redis's default: nobody is faster than a stranger who sends at once.
  stranger.command({"CONFIG", "SET", "repl-diskless-sync-delay", "5"});
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  writer.at_quiet_point([&] { scene.a.redis.command({"REPLICAOF", "10.77.0.3", "6379"}); });
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_EQ(scene.b.redis.command({"EXISTS", "strange"}).text, "0");
  EXPECT_THAT(read_file(scene.a.agent.log()),
              HasSubstr("somebody made the local server a replica of 10.77.0.3:6379"));
}

TEST(Foreign, ReplicaofAStrangerOnTheStandbyIsTakenBack) {
  PairScene scene;
  RedisServer stranger(scene.lan.client(), {});
  stranger.start_and_wait();
  stranger.command({"SET", "strange", "1"});
  ASSERT_TRUE(scene.start());
  scene.b.redis.command({"REPLICAOF", "10.77.0.3", "6379"});
  EXPECT_TRUE(says(scene.b, "somebody made the local server a replica of 10.77.0.3:6379"));
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_EQ(scene.b.redis.command({"EXISTS", "strange"}).text, "0");
}

// Nobody stands by, and the server takes other data: they are not served as the pair's.
TEST(Foreign, LoneLeaderWithAStrangersDataDoesNotLead) {
  PairScene scene;
  RedisServer stranger(scene.lan.client(), {});
  stranger.start_and_wait();
  stranger.command({"SET", "strange", "1"});
  ASSERT_TRUE(scene.start());
  scene.b.agent.kill();
  scene.b.redis.kill();
  scene.a.redis.command({"REPLICAOF", "10.77.0.3", "6379"});
  ASSERT_TRUE(eventually("A does not lead", kSoon, [&] {
    const std::string state = scene.a.picture();
    return Seen{state.find("no VIP") != std::string::npos || scene.a.redis.keys() == 1000, state};
  }));
  // Either it was undone in time, with all data, or nobody leads before an operator says so.
  EXPECT_TRUE(eventually("one or the other", kSoon, [&] {
    const std::string alarms = scene.a.agent.field("/alarms");
    const bool undone = scene.a.picture() == "leading, VIP, master";
    const bool waits = alarms.find("which is not of this pair") != std::string::npos;
    return Seen{undone || waits, alarms};
  }));
  if (scene.a.picture() == "leading, VIP, master") {
    EXPECT_EQ(scene.a.redis.missing(1000), 0);
  }
}

TEST(Foreign, FailoverOfTheServersMovesTheRole) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  ASSERT_TRUE(scene.a.redis.command({"FAILOVER"}).ok());
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_TRUE(says(scene.a,
                   "somebody made the local server a replica of 10.77.0.2:6379, the "
                   "peer's (REPLICAOF, FAILOVER)"));
}

TEST(Foreign, MasterMadeOfTheStandbyFollowsAgain) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  scene.b.redis.command({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(
      says(scene.b, "somebody made the local server a master (REPLICAOF NO ONE, FAILOVER)"));
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// A clean end is an end: the standby has all that the leaving server had.
TEST(Foreign, ShutdownOfTheLeadersServerIsAFailover) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.a.redis.command({"SHUTDOWN", "NOSAVE"});
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_TRUE(says(scene.a, "the local server is dead"));
}

TEST(Foreign, DebugSleepOnTheLeadersServerIsAHungServer) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const std::jthread sleeping([&] { scene.a.redis.command({"DEBUG", "SLEEP", "4"}); });
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(says(scene.a, "the local server is hung"));
  EXPECT_TRUE(scene.reaches(kBLeads));
}

}  // namespace
}  // namespace support
