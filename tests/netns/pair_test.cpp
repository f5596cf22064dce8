// The daily life of a pair on two real hosts: start, stop and restart of the agents, and small
// things that must not cause a transition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"
#include "tests/support/vip_watch.hpp"

namespace support {
namespace {

// Changes with every promotion and every full synchronisation.
std::string lineage(PairScene& scene) {
  return scene.a.redis.info("replication")["master_replid"] +
         ", full syncs given by A: " + scene.a.redis.info("stats")["sync_full"];
}

TEST(PairStart, TheServerThatIsMasterLeadsAndNothingIsTouched) {
  PairScene scene;
  scene.start_servers();
  const std::string before = lineage(scene);
  scene.a.agent.start();
  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));

  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_EQ(lineage(scene), before);
  EXPECT_EQ(scene.data(), kDataIntact);
}

// As after keepalived was stopped or killed: the address is there without a lifetime.
TEST(PairStart, AnAddressThatTheMasterAlreadyHasIsAdopted) {
  PairScene scene;
  scene.start_servers();
  scene.a.host.add_address(kVipPrefix);
  Writer writer(scene.lan.client());
  const std::string before = lineage(scene);
  scene.b.agent.start();
  scene.a.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));

  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_EQ(lineage(scene), before);
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

TEST(PairStart, TheMasterLeadsAlsoWithTheLowerPriority) {
  SceneOptions options;
  options.pair_a = with_priority(100);
  options.pair_b = with_priority(200);
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(Preemption, GivesTheRoleBackWithoutLosingAWrite) {
  SceneOptions options;
  options.pair_a.further = options.pair_b.further = {"preempt = true"};
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  EXPECT_EQ(scene.a.agent.stop(), 0);
  ASSERT_TRUE(scene.led_by("B"));
  Writer writer(scene.lan.client());
  scene.a.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(AgentStop, OfTheLeaderHandsOverWithoutLosingAWrite) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const VipWatch vips(scene.a.host, scene.b.host);
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  EXPECT_EQ(scene.a.agent.stop(), 0);
  EXPECT_TRUE(scene.reaches("A -, no VIP, replica of 10.77.0.2, in sync | B leading, VIP, master"));
  EXPECT_TRUE(writer.goes_on());

  scene.a.agent.start();
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(scene.keeps(kBLeads));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_FALSE(vips.saw_both());
}

TEST(AgentStop, OfTheStandbyChangesNothing) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const std::string before = lineage(scene);
  const std::string alone = "A leading, VIP, master | B -, no VIP, replica of 10.77.0.1, in sync";

  EXPECT_EQ(scene.b.agent.stop(), 0);
  EXPECT_TRUE(scene.reaches(alone));
  EXPECT_TRUE(scene.keeps(alone));
  scene.b.agent.start();
  EXPECT_TRUE(scene.reaches(kALeads));

  EXPECT_EQ(scene.a.recorder.states(), "BACKUP MASTER");
  EXPECT_EQ(lineage(scene), before);
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

TEST(AgentStop, ThereAndBackAgainKeepsAllWrites) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  EXPECT_EQ(scene.a.agent.stop(), 0);
  EXPECT_TRUE(scene.led_by("B"));
  scene.a.agent.start();
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(PairScene::protects(scene.b.agent));
  EXPECT_EQ(scene.b.agent.stop(), 0);
  EXPECT_TRUE(scene.led_by("A"));
  scene.b.agent.start();
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(writer.goes_on());

  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
}

TEST(AgentKill, ARestartWithinTheLeaseChangesNoRole) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const std::string before = lineage(scene);

  scene.a.agent.kill();
  scene.a.agent.start();
  EXPECT_TRUE(stays("the VIP is on A alone", Millis(3000),
                    equals([&] { return scene.vip_holders(); }, "A")));
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(writer.goes_on());

  // The new agent may tell its script once more that it leads, and nothing else.
  EXPECT_THAT(scene.told(), testing::MatchesRegex("A BACKUP MASTER( MASTER)? . B BACKUP"));
  EXPECT_EQ(lineage(scene), before);
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

TEST(AgentKill, OfTheLeaderLetsTheAddressLapseAndTheStandbyTakesOver) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const VipWatch vips(scene.a.host, scene.b.host);
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());

  scene.a.agent.kill();
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(writer.goes_on());
  scene.a.agent.start();
  EXPECT_TRUE(scene.reaches(kBLeads));

  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_FALSE(vips.saw_both());
}

TEST(Address, DeletedByHandComesBackWithoutATransition) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  scene.a.host.delete_address(kVipPrefix);
  EXPECT_TRUE(
      eventually("the VIP is back", kSoon, equals([&] { return scene.vip_holders(); }, "A")));
  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
  EXPECT_EQ(scene.a.agent.field("/vip_repairs"), "1");
}

}  // namespace
}  // namespace support
