// `tandem reload` and SIGHUP: a pair that is as it was does not notice, one that has changed begins
// anew without giving its role or its VIP away, a bad file changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "tests/support/pair_scene.hpp"
#include "tests/support/writer.hpp"

namespace support {
namespace {

using testing::AllOf;
using testing::HasSubstr;

void replace(const Agent& agent, const std::string& from, const std::string& to) {
  std::string text = read_file(agent.config());
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  std::ofstream(agent.config()) << text.replace(at, from.size(), to);
}

// A second pair, whose servers need not be there.
void append_pair(const Agent& agent) {
  std::string text = read_file(agent.config());
  std::string pair = text.substr(text.find("[[pair]]"));
  const auto put = [&pair](const std::string& from, const std::string& to) {
    for (auto at = pair.find(from); at != std::string::npos; at = pair.find(from, at + to.size())) {
      pair.replace(at, from.size(), to);
    }
  };
  put("\"redis\"", "\"second\"");
  put("vrid = 51", "vrid = 52");
  put(std::string(kVip), "10.77.0.101");
  put(":6379", ":6380");
  std::ofstream(agent.config(), std::ios::app) << pair;
}

Outcome reload(PairScene::Side& side) {
  return side.agent.command({"reload"});
}

TEST(Reload, OfTheSameFileIsNoticedByNobody) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  const std::string since = scene.a.agent.fields({"/since", "/peer_link/since", "/epoch"});
  const Outcome done = reload(scene.a);
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.output, "no pair has changed\n");
  EXPECT_EQ(scene.a.agent.fields({"/since", "/peer_link/since", "/epoch"}), since);
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

TEST(Reload, OfABadFileChangesNothingAndSaysWhy) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  replace(scene.a.agent, "vrid = 51", "vrid = 0");
  const Outcome refused = reload(scene.a);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, AllOf(HasSubstr("nothing was changed: "), HasSubstr("tandem.toml:"),
                                    HasSubstr("vrid: 0 is not a VRID")));
  replace(scene.a.agent, "vrid = 0", "vrid = 51");
  replace(scene.a.agent, "node = \"a\"", "node = \"other\"");
  EXPECT_THAT(reload(scene.a).output,
              HasSubstr("agent.node changes only with a restart of the agent"));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

TEST(Reload, OfTheLeadersPairKeepsRoleAndVipAndAllWrites) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const std::string epoch = scene.a.agent.field("/epoch");
  std::string from = "wait_for_peer";
  for (const std::string to :
       {"keep_diverged = 7\nwait_for_peer", "hold_down = \"1s\"\nwait_for_peer"}) {
    replace(scene.a.agent, from, to);
    const Outcome done = reload(scene.a);
    EXPECT_EQ(done.output, "1 changed (redis)\n");
    EXPECT_TRUE(stays("the VIP is on A alone", Millis(2500),
                      equals([&] { return scene.vip_holders(); }, "A")));
    ASSERT_TRUE(scene.reaches(kALeads));
    ASSERT_TRUE(PairScene::protects(scene.a.agent));
    from = to;
  }
  EXPECT_EQ(scene.a.agent.field("/epoch"), epoch);
  EXPECT_EQ(writer.refusals(), "");
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  // What comes after it works as before.
  scene.a.redis.kill();
  EXPECT_TRUE(scene.led_by("B"));
}

TEST(Reload, AddsAndRemovesPairsBesideOneThatDoesNotNotice) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  const std::string before = read_file(scene.a.agent.config());
  const std::string since = scene.a.agent.field("/since");
  append_pair(scene.a.agent);
  EXPECT_EQ(reload(scene.a).output, "1 added (second), 1 unchanged\n");
  EXPECT_TRUE(eventually("the second pair is at work", kSoon,
                         equals([&] { return scene.a.agent.state("second"); }, "fault")));
  EXPECT_TRUE(eventually("the link is up again", kSoon,
                         equals([&] { return scene.a.agent.field("/peer_link/state"); }, "up")));
  std::ofstream(scene.a.agent.config()) << before;
  scene.a.agent.signal(SIGHUP);
  EXPECT_TRUE(eventually("the second pair is gone", kSoon,
                         equals([&] { return scene.a.agent.state("second"); }, "-")));
  EXPECT_EQ(scene.a.agent.field("/since"), since);
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  // FAULT and STOP are of the second pair, whose server is not there.
  EXPECT_EQ(scene.told(), "A BACKUP MASTER FAULT STOP | B BACKUP");
  EXPECT_EQ(scene.a.agent.stop(), 0);
}

}  // namespace
}  // namespace support
