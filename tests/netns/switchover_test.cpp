// A planned move of the role under a write load, and what it does when the standby cannot take it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"
#include "tests/support/redis_relay.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// `tandem switchover` on a node; the words it answered with.
std::string switch_over(PairScene::Side& side, const Argv& further = {}) {
  Argv words{"switchover"};
  words.insert(words.end(), further.begin(), further.end());
  const Outcome outcome = side.agent.command(words);
  return std::to_string(outcome.exit_code) + " " + outcome.output;
}

// Twenty times there and back: every acknowledged write is there in the end, and no writer was told
// -READONLY. -NOREPLICAS is for those who arrive between the fence and the end of their connection.
TEST(Switchover, TwentyTimesUnderLoadLosesNothing) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(round);
    ASSERT_TRUE(PairScene::protects(scene.a.agent));
    ASSERT_THAT(switch_over(scene.a), StartsWith("0 redis: the role moved to 10.77.0.2:6379, "));
    ASSERT_TRUE(scene.reaches(kBLeads));
    ASSERT_TRUE(writer.goes_on());
    ASSERT_TRUE(PairScene::protects(scene.b.agent));
    ASSERT_THAT(switch_over(scene.b), StartsWith("0 redis: the role moved to 10.77.0.1:6379, "));
    ASSERT_TRUE(scene.reaches(kALeads));
    ASSERT_TRUE(writer.goes_on());
  }
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_THAT(writer.refusals(), testing::Not(HasSubstr("READONLY")));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(Switchover, OnlyLooksWithDryRun) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  EXPECT_EQ(switch_over(scene.a, {"--dry-run"}),
            "0 redis: nothing is in the way of a switchover\n");
  EXPECT_EQ(
      switch_over(scene.b, {"--dry-run"}),
      "1 tandem: this node is standby, not leading, and no peer link is configured: run it on "
      "the node that leads\n");
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

// Rule 7: credentials both ways. Its server would be refused by the new master.
TEST(Switchover, IsRefusedWhileTheLeadersServerCouldNotFollow) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  scene.a.redis.command({"CONFIG", "SET", "masterauth", "another"});
  EXPECT_TRUE(eventually("an alarm says so", kSoon, [&] {
    const std::string alarms = scene.a.agent.field("/alarms");
    return Seen{alarms.find("masterauth") != std::string::npos, alarms};
  }));
  EXPECT_THAT(switch_over(scene.a), HasSubstr("it could not follow afterwards"));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
}

TEST(Switchover, IsRefusedWithoutAStandbyInSync) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  scene.b.redis.kill();
  ASSERT_TRUE(eventually("A knows", kSoon, [&] {
    const std::string word = switch_over(scene.a);
    return Seen{word.starts_with("1 tandem: the standby's server is dead"), word};
  }));
  EXPECT_EQ(scene.a.agent.state(), "leading");
}

// Its server hangs: the writes are held for the budget, then everything is as before.
TEST(Switchover, IsGivenUpWhenTheStandbyDoesNotCatchUp) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.b.redis.freeze();
  // Asked at once, before its silence is noticed.
  const std::string answer = switch_over(scene.a, {"--timeout", "100ms"});
  scene.b.redis.thaw();
  EXPECT_THAT(answer, StartsWith("1 tandem: "));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_EQ(scene.a.recorder.states(), "BACKUP MASTER");
}

// Writes wait for the standby until it is known to hang, and not for the minute that they could. It
// falls silent in the middle: when they are paused, and its offset is about to be compared.
TEST(Switchover, IsGivenUpAsSoonAsTheStandbyIsKnownToHang) {
  PairScene scene;
  RedisRelay relay(scene.a.host, 7001, "127.0.0.1");
  relay.redirect();
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  relay.set({{{"CLIENT", "PAUSE"}, {"INFO", "replication"}}, RedisRelay::Moment::before, [&] {
               scene.b.redis.freeze();
             }});
  std::string answer;
  {
    const std::jthread asking([&] { answer = switch_over(scene.a, {"--timeout", "60s"}); });
    ASSERT_TRUE(relay.wait_until_sprung(kSoon));
    relay.release();
  }
  EXPECT_THAT(answer, HasSubstr("the standby's server is hung: no answer to"));
  EXPECT_EQ(scene.a.agent.state(), "leading");
  ASSERT_TRUE(writer.goes_on());
  scene.b.redis.thaw();
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_EQ(scene.a.recorder.states(), "BACKUP MASTER");
}

TEST(Switchover, ComesBackWhenNobodyTakesOver) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.b.agent.kill();
  EXPECT_THAT(switch_over(scene.a), HasSubstr("the standby did not take over"));
  ASSERT_TRUE(scene.led_by("A"));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

}  // namespace
}  // namespace support
