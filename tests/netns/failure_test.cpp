// What breaks: servers die, hang and come back empty, cables are pulled, hosts vanish. After each
// the survivor leads, no acknowledged write is missing, and what comes back follows.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/pair_scene.hpp"
#include "tests/support/vip_watch.hpp"

namespace support {
namespace {

TEST(ServerDeath, OfTheMasterMovesAddressAndRole) {
  SceneOptions options;
  options.quarantine = true;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  const VipWatch vips(scene.a.host, scene.b.host);
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  writer.at_quiet_point([&] { scene.a.redis.kill(); });
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_EQ(scene.b.redis.missing(1000), 0);

  scene.a.redis.start();
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(scene.keeps(kBLeads));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_FALSE(vips.saw_both());
}

TEST(ServerDeath, OfTheReplicaLeavesTheLeaderAlone) {
  SceneOptions options;
  options.quarantine = true;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  scene.b.redis.kill();
  EXPECT_TRUE(stays("A leads", Millis(2000), equals([&] { return scene.leader(); }, "A")));
  scene.b.redis.start();
  EXPECT_TRUE(scene.reaches(kALeads));

  EXPECT_EQ(scene.a.recorder.states(), "BACKUP MASTER");
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(ServerHang, OfTheMasterIsLeftAndTheServerFollowsWhenItWakes) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  writer.at_quiet_point([&] { scene.a.redis.freeze(); });
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(writer.goes_on());
  scene.a.redis.thaw();
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(writer.goes_on());

  EXPECT_TRUE(scene.keeps(kBLeads));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// What a hung server was asked lies unread, so its death is one RST, which nobody sends twice.
TEST(ServerHang, ThatEndsUnheardOfIsNoticedAllTheSame) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const auto peer_is = [&](const char* health) {
    return eventually(std::string("the standby's server is ") + health, kSoon,
                      equals([&] { return scene.a.agent.field("/peer/health"); }, health));
  };

  scene.b.redis.freeze();
  ASSERT_TRUE(peer_is("hung"));
  scene.lan.drop(scene.b.host, scene.a.host);
  scene.b.redis.kill();
  scene.lan.drop_nothing();
  scene.b.redis.start();

  EXPECT_TRUE(peer_is("up"));
  EXPECT_TRUE(scene.reaches(kALeads));
}

// A server whose save failed refuses writes until one succeeds, and so cannot be a replica either.
// Its save points may be an hour apart.
TEST(FailedSave, OfTheMasterIsLeftAndTheServerFollowsOnceItCanSave) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  RedisServer& server = scene.a.redis;
  const auto dump = server.directory() / "dump.rdb";
  ASSERT_TRUE(server.command({"CONFIG", "SET", "save", "3600 1"}).ok());
  std::filesystem::remove(dump);
  std::filesystem::create_directories(dump / "in the way");

  ASSERT_TRUE(server.command({"BGSAVE"}).ok());
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(writer.goes_on());
  std::filesystem::remove_all(dump);

  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// The supervisor is faster than any failure detector, and the replica asks its old master again
// after one second.
class EmptyMasterReturns : public testing::TestWithParam<bool> {};

TEST_P(EmptyMasterReturns, AndNeverWipesItsPeer) {
  SceneOptions options;
  options.quarantine = GetParam();
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  scene.a.redis.supervise(Millis(100));
  writer.at_quiet_point([&] { scene.a.redis.kill(); });
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(writer.goes_on());

  EXPECT_TRUE(scene.keeps(kBLeads));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
}

INSTANTIATE_TEST_SUITE_P(Boots, EmptyMasterReturns, testing::Bool(),
                         [](const auto& which) { return which.param ? "AsReplica" : "AsMaster"; });

TEST(Link, OfTheLeaderDownAndUpAgain) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  writer.at_quiet_point([&] { scene.lan.unplug(scene.a.host); });
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_EQ(scene.a.agent.state(), "fault");

  scene.lan.plug(scene.a.host);
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(scene.keeps(kBLeads));
  EXPECT_TRUE(scene.have_told("A BACKUP MASTER FAULT BACKUP | B BACKUP MASTER"));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(Link, OfTheStandbyDownAndUpAgain) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  scene.lan.unplug(scene.b.host);
  EXPECT_TRUE(
      eventually("B says fault", kSoon, equals([&] { return scene.b.agent.state(); }, "fault")));
  EXPECT_TRUE(stays("A leads", Millis(2000), equals([&] { return scene.leader(); }, "A")));
  scene.lan.plug(scene.b.host);
  EXPECT_TRUE(scene.reaches(kALeads));

  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_EQ(scene.a.recorder.states(), "BACKUP MASTER");
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

TEST(HostDeath, OfTheLeaderAndItsReturn) {
  SceneOptions options;
  options.quarantine = true;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  writer.at_quiet_point([&] { scene.lan.power_off(scene.a.host); });
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(writer.goes_on());

  scene.lan.plug(scene.a.host);
  scene.a.agent.start();
  scene.a.redis.start();
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(scene.keeps(kBLeads));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// VRRP silence alone is not death: both servers still stream to each other.
TEST(VrrpPath, BlockedBothWaysLosesNoWriteAndLeavesOneLeader) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const auto one_leads = [&] {
    const std::string leader = scene.leader();
    return Seen{leader == "A" || leader == "B", leader};
  };

  scene.lan.drop(scene.a.host, scene.b.host, Traffic::vrrp);
  scene.lan.drop(scene.b.host, scene.a.host, Traffic::vrrp);
  EXPECT_TRUE(stays("never both have the VIP", Millis(4000), [&] {
    const std::string holders = scene.vip_holders();
    return Seen{holders != "AB", holders};
  }));
  EXPECT_TRUE(eventually("one leads", kSoon, one_leads));
  scene.lan.drop_nothing();
  EXPECT_TRUE(eventually("one leads after the block", kSoon, one_leads));
  EXPECT_TRUE(stays("one leads", Millis(2000), one_leads));
  EXPECT_TRUE(writer.goes_on());

  EXPECT_TRUE(writer.finds_all_on(scene.leader() == "A" ? scene.a.redis : scene.b.redis));
}

TEST(Recovery, AfterAFailureTheOtherDirectionWorksToo) {
  SceneOptions options;
  options.quarantine = true;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.a.redis.supervise(Millis(100));
  scene.b.redis.supervise(Millis(100));

  writer.at_quiet_point([&] { scene.a.redis.kill(); });
  ASSERT_TRUE(scene.reaches(kBLeads));
  ASSERT_TRUE(writer.goes_on());
  ASSERT_TRUE(PairScene::protects(scene.b.agent));
  writer.at_quiet_point([&] { scene.b.redis.kill(); });
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(writer.goes_on());

  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

}  // namespace
}  // namespace support
