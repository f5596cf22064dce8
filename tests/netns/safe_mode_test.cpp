// mode = "safe": never two servers that take writes, rather none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <optional>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

SceneOptions safe() {
  SceneOptions options = linked();
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
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

// Who acknowledged a write last on A and first on B, from the cut on.
struct Acknowledged {
  std::optional<Millis> last_on_a;
  std::optional<Millis> first_on_b;
};

Acknowledged watch_writes(PairScene& scene, Millis time) {
  using Clock = std::chrono::steady_clock;
  const auto cut = Clock::now();
  const auto passed = [&] { return std::chrono::duration_cast<Millis>(Clock::now() - cut); };
  Acknowledged seen;
  while (passed() < time) {
    if (scene.a.redis.command({"SET", "on-a", "x"}).ok()) seen.last_on_a = passed();
    const Millis before = passed();
    const bool on_b = scene.b.redis.command({"SET", "on-b", "x"}).ok();
    if (on_b && !seen.first_on_b) seen.first_on_b = before;
  }
  return seen;
}

SceneOptions safe_and_quick() {
  SceneOptions options = safe();
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->server_lines = "fall = 1\nping_interval = \"300ms\"\n";
  }
  return options;
}

// B hears nothing of A, whose server still gets what B's has on its way, its acknowledgements too.
TEST(SafeMode, FramesLostOnTheWayToTheStandbyAloneNeverMakeTwo) {
  PairScene scene(safe_and_quick());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(guarded(scene.a));
  scene.lan.drop(scene.lan.a(), scene.lan.b());
  const Acknowledged seen = watch_writes(scene, Millis(12000));
  ASSERT_TRUE(seen.last_on_a && seen.first_on_b) << scene.picture();
  EXPECT_LT(*seen.last_on_a, *seen.first_on_b);
  std::cout << "A stopped after " << seen.last_on_a->count() << " ms, B began after "
            << seen.first_on_b->count() << " ms\n";
  scene.lan.drop_nothing();
  ASSERT_TRUE(scene.reaches(kBLeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// A hears nothing of B, which hears A lead: A stops, and nobody takes its place.
TEST(SafeMode, FramesLostOnTheWayToTheLeaderAloneNeverMakeTwo) {
  PairScene scene(safe_and_quick());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(guarded(scene.a));
  scene.lan.drop(scene.lan.b(), scene.lan.a());
  const Acknowledged seen = watch_writes(scene, Millis(10000));
  ASSERT_TRUE(seen.last_on_a) << scene.picture();
  EXPECT_LT(*seen.last_on_a, Millis(6000));
  EXPECT_FALSE(seen.first_on_b);
  std::cout << "A stopped after " << seen.last_on_a->count() << " ms\n";
  scene.lan.drop_nothing();
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(eventually("A takes writes again", kSoon, [&] {
    const Answer answer = scene.a.redis.command({"SET", "again", "x"});
    return Seen{answer.ok(), answer.text};
  }));
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
