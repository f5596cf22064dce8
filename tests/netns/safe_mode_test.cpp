// mode = "safe": never two servers that take writes, rather none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

SceneOptions safe() {
  SceneOptions options;
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->secret = "a-shared-secret-of-the-two-agents";
    pair->pair_lines = "mode = \"safe\"\nmax_lag_time = \"1s\"\n";
  }
  return options;
}

testing::AssertionResult guarded(PairScene::Side& side) {
  return eventually("writes need the standby", kSoon, [&] {
    const std::string value = side.redis.command({"CONFIG", "GET", "min-replicas-to-write"}).text;
    return Seen{value.find("\n1") != std::string::npos, value};
  });
}

// The isolated leader stops before the standby begins; from then on no write on its side is taken.
TEST(SafeMode, APartitionNeverHasTwoServersThatTakeWrites) {
  PairScene scene(safe());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(guarded(scene.a));
  scene.lan.drop(scene.lan.a(), scene.lan.b());
  scene.lan.drop(scene.lan.b(), scene.lan.a());
  ASSERT_TRUE(eventually("A stops or B leads", Millis(15000), [&] {
    const Answer answer = scene.a.redis.command({"SET", "on-a", "x"});
    EXPECT_FALSE(answer.ok() && scene.b.redis.role() == "master") << "both take writes";
    return Seen{!answer.ok(), answer.text};
  }));
  ASSERT_TRUE(eventually("B leads", Millis(15000),
                         equals([&] { return scene.b.agent.state(); }, "leading")));
  EXPECT_THAT(scene.a.redis.command({"SET", "on-a", "y"}).text, HasSubstr("NOREPLICAS"));
  EXPECT_EQ(scene.b.redis.command({"SET", "on-b", "y"}).text, "OK");
  EXPECT_THAT(scene.a.agent.field("/alarms"), HasSubstr("the server refuses writes"));
  scene.lan.drop_nothing();
  ASSERT_TRUE(scene.reaches(kBLeads));
  EXPECT_EQ(scene.b.redis.command({"GET", "on-b"}).text, "y");
  EXPECT_EQ(scene.data(), kDataIntact);
}

// A standby whose server is down is no reason to refuse writes, and neither is its return.
TEST(SafeMode, TheLeaderGoesOnBesideAStandbyThatIsDown) {
  PairScene scene(safe());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(guarded(scene.a));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.b.redis.kill();
  ASSERT_TRUE(eventually("A goes on alone", kSoon, [&] {
    const Answer answer = scene.a.redis.command({"SET", "alone", "x"});
    return Seen{answer.ok(), answer.text};
  }));
  scene.b.redis.start_and_wait();
  ASSERT_TRUE(guarded(scene.a));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

// The standby's host is gone and nothing proves what became of it: an operator opens the leader.
TEST(SafeMode, AnOperatorOpensTheLeader) {
  PairScene scene(safe());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(guarded(scene.a));
  scene.lan.power_off(scene.lan.b());
  ASSERT_TRUE(eventually("A refuses", Millis(15000), [&] {
    const std::string alarms = scene.a.agent.field("/alarms");
    return Seen{alarms.find("refuses writes") != std::string::npos, alarms};
  }));
  EXPECT_EQ(scene.a.agent.command({"promote", "redis", "--accept-data-loss"}).exit_code, 0);
  ASSERT_TRUE(eventually("A is open", kSoon, [&] {
    const Answer answer = scene.a.redis.command({"SET", "alone", "x"});
    return Seen{answer.ok(), answer.text};
  }));
}

}  // namespace
}  // namespace support
