// `tandem maintenance` on real hosts: nothing moves by itself while it is on, on either node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

TEST(Maintenance, FreezesBothNodesUntilItIsOver) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  const auto on = scene.b.agent.command({"maintenance", "on", "--why", "new kernel"});
  EXPECT_EQ(on.exit_code, 0) << on.output;
  EXPECT_THAT(on.output, HasSubstr("redis: maintenance is on on both nodes"));
  const std::string status = scene.a.agent.command({"status"}).output;
  EXPECT_THAT(status, HasSubstr("MAINTENANCE by "));
  EXPECT_THAT(status, HasSubstr("new kernel"));

  scene.a.redis.kill();
  ASSERT_TRUE(scene.reaches("A leading, VIP, silent | B standby, no VIP, replica of 10.77.0.1"));
  EXPECT_TRUE(scene.keeps("A leading, VIP, silent | B standby, no VIP, replica of 10.77.0.1",
                          Millis(3000)));
  const auto off = scene.a.agent.command({"maintenance", "off"});
  EXPECT_EQ(off.exit_code, 0) << off.output;
  EXPECT_TRUE(scene.led_by("B"));
}

TEST(Maintenance, IsRememberedByAnAgentThatRestarts) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  EXPECT_EQ(scene.a.agent.command({"maintenance", "on", "--for", "1h"}).exit_code, 0);
  scene.b.agent.stop();
  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_THAT(scene.b.agent.command({"status"}).output, HasSubstr("for another 59 min"));
  scene.a.redis.kill();
  ASSERT_TRUE(scene.reaches("A leading, VIP, silent | B standby, no VIP, replica of 10.77.0.1"));
  EXPECT_TRUE(scene.keeps("A leading, VIP, silent | B standby, no VIP, replica of 10.77.0.1",
                          Millis(2000)));
}

TEST(Maintenance, AnOperatorStillMovesTheRole) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  EXPECT_EQ(scene.a.agent.command({"maintenance", "on"}).exit_code, 0);
  const auto moved = scene.a.agent.command({"switchover"});
  EXPECT_EQ(moved.exit_code, 0) << moved.output;
  EXPECT_TRUE(scene.reaches(kBLeads));
}

TEST(Maintenance, WithoutALinkSaysThatTheOtherNodeDoesNotKnow) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const auto on = scene.a.agent.command({"maintenance", "on"});
  EXPECT_THAT(on.output, HasSubstr("say it there too"));
  const auto wrong = scene.a.agent.command({"maintenance", "on", "nobody"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.output, HasSubstr("no pair of that name"));
}

}  // namespace
}  // namespace support
