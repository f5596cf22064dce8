// pre_promote and pre_demote with real scripts, servers and agents: who objects keeps the role
// where it is, and whom nobody asks is not held up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

SceneOptions asking() {
  SceneOptions options;
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->secret = "a-shared-secret-of-the-two-agents";
    pair->notify_lines = "pre_promote = \"HOST_DIR/pre.sh\"\npre_demote = \"HOST_DIR/pre.sh\"\n";
    pair->notify_lines += "pre_timeout = \"2s\"\n";
  }
  return options;
}

class Veto : public testing::Test {
 protected:
  Veto() : scene_(asking()) {
    for (const Host* host : {&scene_.a.host, &scene_.b.host}) {
      write_file(host->dir / "pre.sh",
                 "#!/bin/sh\ncd " + host->dir.string() +
                     "\necho \"$TANDEM_HOOK $TANDEM_STATE\" >> asked\n[ -e veto ] || exit 0\n"
                     "cat veto >&2\nexit 1\n",
                 std::filesystem::perms(0755));
    }
  }
  static void object(const Host& host, const std::string& why) {
    write_file(host.dir / "veto", why + "\n", std::filesystem::perms(0644));
  }
  static void consent(const Host& host) { std::filesystem::remove(host.dir / "veto"); }
  static testing::AssertionResult alarm(Agent& agent, const std::string& text) {
    return eventually("the alarm: " + text, kSoon, [&] {
      const std::string alarms = agent.field("/alarms");
      return Seen{alarms.find(text) != std::string::npos, alarms};
    });
  }
  PairScene scene_;
};

TEST_F(Veto, OfAPromotionKeepsTheStandbyFromLeadingUntilItConsents) {
  ASSERT_TRUE(scene_.start());
  EXPECT_EQ(read_file(scene_.a.host.dir / "asked"), "pre_promote MASTER\n");
  object(scene_.b.host, "the disk is being replaced");
  scene_.lan.power_off(scene_.lan.a());
  ASSERT_TRUE(alarm(scene_.b.agent, "pre_promote vetoes: the disk is being replaced"));
  EXPECT_THAT(scene_.b.redis.role(), testing::StartsWith("replica of 10.77.0.1"));
  EXPECT_EQ(scene_.vip_holders(), "");
  consent(scene_.b.host);
  ASSERT_TRUE(
      eventually("B leads", kSoon, equals([&] { return scene_.b.agent.state(); }, "leading")));
  EXPECT_THAT(scene_.b.agent.field("/alarms"), testing::Not(HasSubstr("vetoes")));
}

TEST_F(Veto, OfASwitchoverLeavesAllAsItIsAndIsOverruledByAWord) {
  ASSERT_TRUE(scene_.start());
  object(scene_.a.host, "a report is being written");
  const Outcome refused = scene_.b.agent.command({"switchover", "redis"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("pre_demote vetoes: a report is being written"));
  EXPECT_EQ(scene_.picture(), kALeads);
  const Outcome moved = scene_.b.agent.command({"switchover", "redis", "--ignore-veto"});
  EXPECT_EQ(moved.exit_code, 0) << moved.output;
  EXPECT_TRUE(scene_.reaches(kBLeads));
}

TEST_F(Veto, IsNotAskedForWhenTheLeadersServerDies) {
  ASSERT_TRUE(scene_.start());
  object(scene_.a.host, "never");
  scene_.a.redis.kill();
  ASSERT_TRUE(
      eventually("B leads", kSoon, equals([&] { return scene_.b.agent.state(); }, "leading")));
  EXPECT_THAT(read_file(scene_.a.host.dir / "asked"), testing::Not(HasSubstr("pre_demote")));
}

TEST_F(Veto, OfAStopPutsItOffAndASecondSignalDoesNotAsk) {
  ASSERT_TRUE(scene_.start());
  object(scene_.a.host, "a report is being written");
  scene_.a.agent.signal(SIGTERM);
  ASSERT_TRUE(eventually("the stop is put off", kSoon, [&] {
    const std::string log = read_file(scene_.a.agent.log());
    return Seen{log.find("the stop is put off, pre_demote vetoes: a report") != std::string::npos,
                "not said"};
  }));
  EXPECT_EQ(scene_.picture(), kALeads);
  scene_.a.agent.signal(SIGTERM);
  EXPECT_EQ(scene_.a.agent.wait(kSoon), 0);
  EXPECT_TRUE(
      eventually("B leads", kSoon, equals([&] { return scene_.b.agent.state(); }, "leading")));
  EXPECT_THAT(read_file(scene_.a.host.dir / "asked"), HasSubstr("pre_demote STOP"));
}

TEST_F(Veto, AdvertsGoOnWhileAScriptThinks) {
  ASSERT_TRUE(scene_.start());
  write_file(scene_.a.host.dir / "pre.sh", "#!/bin/sh\nexec sleep 1000\n",
             std::filesystem::perms(0755));
  const Outcome moved = scene_.a.agent.command({"switchover", "redis"});
  EXPECT_EQ(moved.exit_code, 0) << moved.output;
  EXPECT_TRUE(scene_.reaches(kBLeads));
  const std::string log = read_file(scene_.a.agent.log());
  EXPECT_THAT(log,
              HasSubstr("gave no answer: it did not end within 2.000 s; that counts as consent"));
  EXPECT_THAT(log, testing::Not(HasSubstr("late")));
  // The standby did not miss one: it took over because the role was given to it.
  EXPECT_THAT(read_file(scene_.b.agent.log()), HasSubstr("the leader resigned"));
}

}  // namespace
}  // namespace support
