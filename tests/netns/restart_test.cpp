// `tandem restart`: the agent executes its program anew. The role, the VIP and the scripts notice
// nothing, and no write is lost or refused, also with adverts each 10 ms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"
#include "tests/support/writer.hpp"

namespace support {
namespace {

SceneOptions fast() {
  SceneOptions options = linked();
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->advert_interval = "10ms";
  }
  return options;
}

void restart(PairScene::Side& side) {
  const std::string uptime = "/uptime_seconds";
  const auto pid = side.agent.status()->at_pointer("/pid").to_number<int>();
  const Outcome done = side.agent.command({"restart"});
  ASSERT_EQ(done.exit_code, 0) << done.output;
  ASSERT_TRUE(eventually("the agent answers again, as the same process", kSoon, [&] {
    const auto status = side.agent.status();
    if (!status) return Seen{false, "silent"};
    const auto now = status->at_pointer("/pid").to_number<int>();
    const auto age = status->at_pointer(uptime).to_number<double>();
    return Seen{now == pid && age < 1, std::to_string(now) + ", " + std::to_string(age) + " s"};
  }));
}

TEST(Restart, OfTheLeadersAgentIsNoticedByNobody) {
  PairScene scene(fast());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const std::string epoch = scene.a.agent.field("/epoch");
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(restart(scene.a));
    EXPECT_TRUE(stays("the VIP is on A alone", Millis(2500),
                      equals([&] { return scene.vip_holders(); }, "A")));
    ASSERT_TRUE(scene.reaches(kALeads));
    ASSERT_TRUE(PairScene::protects(scene.a.agent));
  }
  EXPECT_EQ(scene.a.agent.field("/epoch"), epoch);
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
  EXPECT_EQ(writer.refusals(), "");
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  scene.a.redis.kill();
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_EQ(scene.a.agent.stop(), 0);
}

TEST(Restart, OfTheStandbysAgentIsNoticedByNobody) {
  PairScene scene(fast());
  ASSERT_TRUE(scene.start());
  ASSERT_NO_FATAL_FAILURE(restart(scene.b));
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

// What only a start would find out is found out before anything is given up.
TEST(Restart, WithABadFileIsRefused) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  write_file(scene.a.agent.config(), "nonsense", std::filesystem::perms(0600));
  const Outcome refused = scene.a.agent.command({"restart"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, testing::HasSubstr("not restarted: "));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
}

}  // namespace
}  // namespace support
