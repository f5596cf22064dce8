// What a server answers decides who may lead: a wrong password is no death, a loading server is not
// ready, and a replica that never was in sync must not be promoted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr Millis kWithAMillionKeys{60000};

// One million keys in a pair in which the server that will load them takes a few seconds for it.
SceneOptions a_million_keys() {
  SceneOptions options;
  options.quarantine = true;
  options.populate = 1'000'000;
  return options;
}
constexpr const char* kLoadsSlowly = "key-load-delay -40";

Condition health_is(Agent& agent, const std::string& expected) {
  return equals([&agent] { return agent.field("/server/health"); }, expected);
}

TEST(Password, ThatBecomesWrongRaisesAnAlarmAndNoFailover) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const std::string unseen =
      "A leading, VIP, silent | B standby, no VIP, replica of 10.77.0.1, in sync";

  scene.a.redis.command({"CONFIG", "SET", "requirepass", "changed"});
  scene.a.redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_TRUE(eventually("A's agent is denied", kSoon, health_is(scene.a.agent, "denied")));
  EXPECT_TRUE(scene.keeps(unseen, Millis(4000)));
  EXPECT_NE(scene.a.agent.field("/alarms"), "[]");
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");

  RedisClient operator_of_a({scene.a.host.netns, "127.0.0.1", 6379, "changed"});
  operator_of_a.command({"CONFIG", "SET", "requirepass", kPassword});
  EXPECT_TRUE(eventually("A's agent is let in again", kSoon, health_is(scene.a.agent, "up")));
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(eventually("the alarm is over", kSoon,
                         equals([&] { return scene.a.agent.field("/alarms"); }, "[]")));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// The old master comes back with another password than the agent knows: an alarm names it, the new
// leader leads on, and once the passwords agree the old master follows.
TEST(Password, OfAReturningMasterThatIsWrongIsAnAlarm) {
  SceneOptions options;
  options.quarantine = true;
  options.server_a.save = true;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  scene.a.redis.kill();
  scene.a.agent.kill();
  ASSERT_TRUE(scene.led_by("B"));
  scene.a.redis.start_and_wait();
  scene.a.redis.command({"CONFIG", "SET", "requirepass", "changed"});
  scene.a.redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  scene.a.agent.start();
  ASSERT_TRUE(eventually("A's alarm", kSoon, [&] {
    const std::string alarms = scene.a.agent.field("/alarms");
    return Seen{alarms.find("the local server refuses this agent") != std::string::npos, alarms};
  }));
  EXPECT_EQ(scene.leader(), "B");
  RedisClient operator_of_a({scene.a.host.netns, "127.0.0.1", 6379, "changed"});
  operator_of_a.command({"CONFIG", "SET", "requirepass", kPassword});
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(Password, IsNeverShown) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  EXPECT_THAT(read_file(scene.a.agent.log()), Not(HasSubstr(kPassword)));
  EXPECT_THAT(run({tandem_path(), "--socket", scene.a.host.dir / "control.sock", "status"}).output,
              Not(HasSubstr(kPassword)));
}

TEST(Loading, StandbyIsNotReadyUntilItHasAllKeys) {
  SceneOptions options = a_million_keys();
  options.server_b.more = {kLoadsSlowly};
  PairScene scene(options);
  scene.start_servers();
  ASSERT_EQ(scene.b.redis.command({"SAVE"}).text, "OK");
  scene.a.agent.start();
  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));

  scene.b.redis.kill();
  scene.b.redis.start();
  EXPECT_TRUE(eventually("B is loading and says that this is why it may not lead", kSoon, [&] {
    const std::string seen =
        scene.b.agent.fields({"/server/health", "/vrrp/may_lead", "/vrrp/may_not_lead_because"});
    return Seen{seen.starts_with("loading false the local server is loading"), seen};
  }));
  EXPECT_EQ(scene.leader(), "A");
  EXPECT_TRUE(scene.reaches(kALeads, kWithAMillionKeys));
  EXPECT_EQ(scene.b.redis.keys(), 1'001'000);
}

TEST(Loading, OldLeaderIsNotPromotedMeanwhileAndFollows) {
  SceneOptions options = a_million_keys();
  options.server_a.more = {kLoadsSlowly};
  PairScene scene(options);
  scene.start_servers();
  ASSERT_EQ(scene.a.redis.command({"SAVE"}).text, "OK");
  scene.a.agent.start();
  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));

  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  scene.a.redis.supervise(Millis(100));
  scene.a.redis.kill();
  EXPECT_TRUE(eventually("A is loading", kSoon, health_is(scene.a.agent, "loading")));
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(scene.reaches(kBLeads, kWithAMillionKeys));
  EXPECT_EQ(scene.a.redis.keys(), 1'001'000);
  EXPECT_EQ(scene.b.redis.keys(), 1'001'000);
}

// The master has no command to synchronise with, so that the replica stays empty.
TEST(NeverInSync, StandbyIsNotPromotedAndSaysWhy) {
  SceneOptions options;
  options.server_a.more = {"rename-command PSYNC \"\"", "rename-command SYNC \"\""};
  PairScene scene(options);
  scene.a.redis.start_and_wait();
  scene.a.redis.fill(1000);
  scene.b.redis.start_and_wait();
  scene.a.agent.start();
  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches("A leading, VIP, master | B standby, no VIP, replica of 10.77.0.1"));

  scene.a.redis.kill();
  EXPECT_TRUE(eventually("A lets go", kSoon, equals([&] { return scene.vip_holders(); }, "")));
  EXPECT_TRUE(stays("B is not promoted", Millis(4000), [&] {
    const std::string seen = scene.vip_holders() + " " + scene.b.redis.role();
    return Seen{seen == " replica of 10.77.0.1", seen};
  }));
  EXPECT_EQ(scene.b.agent.fields({"/state", "/vrrp/may_lead"}), "standby false");
  EXPECT_THAT(scene.b.agent.field("/vrrp/may_not_lead_because"),
              AnyOf(HasSubstr("held newer data"), HasSubstr("was not in sync")));
}

}  // namespace
}  // namespace support
