// A leader whose agent was held up for longer than anybody waits, and a network that was split: in
// the end the neighbours know one place for the address, the right one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string mac_of(const Host& host) {
  const std::string link = must_run({"ip", "-o", "link", "show", "eth0"}, host.netns);
  const auto at = link.find("link/ether ") + 11;
  return link.substr(at, 17);
}

// Whom the client takes for the holder of the address.
std::string holder_for_client(PairScene& scene) {
  const std::string entry =
      run({"ip", "neighbour", "show", std::string(kVip)}, scene.lan.client().netns).output;
  if (entry.find(mac_of(scene.a.host)) != std::string::npos) return "A";
  if (entry.find(mac_of(scene.b.host)) != std::string::npos) return "B";
  return entry;
}

// Its lease has run out and the standby leads: on waking up it must not put the VIP back, nor tell
// the network that it is here.
TEST(LateLeader, WakesUpWithoutTouchingTheAddress) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.a.agent.signal(SIGSTOP);
  ASSERT_TRUE(eventually("B has taken over", kSoon,
                         equals([&] { return scene.b.agent.state(); }, "leading")));
  ASSERT_TRUE(writer.goes_on());
  ASSERT_EQ(holder_for_client(scene), "B");

  scene.a.agent.signal(SIGCONT);
  EXPECT_TRUE(stays("the client sees B alone", Millis(2000), [&] {
    const std::string seen = holder_for_client(scene) + ", VIP on " + scene.vip_holders();
    return Seen{seen == "B, VIP on B", seen};
  }));
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_THAT(read_file(scene.a.agent.log()), Not(HasSubstr("was gone and is back")));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
}

// Longer than a backup waits, shorter than a quarter of the lease: it listens, and leads on.
TEST(LateLeader, HeldUpForAMomentKeepsTheRole) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const std::string since = scene.a.agent.fields({"/state", "/since", "/epoch"});
  scene.a.agent.signal(SIGSTOP);
  wait_a_moment(Millis(400));
  scene.a.agent.signal(SIGCONT);
  EXPECT_TRUE(scene.keeps(kALeads, Millis(1000)));
  EXPECT_EQ(scene.a.agent.fields({"/state", "/since", "/epoch"}), since);
  EXPECT_TRUE(writer.goes_on());
}

// Both led. Whoever stays announces again, also when it never hears the other one's adverts.
TEST(HealedSplit, EndsWithTheClientAtTheLeader) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const Writer traffic(scene.lan.client());  // so that the client asks who has the address
  const auto leads_twice = [&] { return scene.a.agent.state() + " " + scene.b.agent.state(); };
  scene.lan.drop(scene.a.host, scene.b.host);
  scene.lan.drop(scene.b.host, scene.a.host);
  ASSERT_TRUE(eventually("both lead", kSoon, equals(leads_twice, "leading leading")));

  scene.lan.drop_nothing();
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(eventually("the client sees A", kSoon,
                         equals([&] { return holder_for_client(scene); }, "A")));
  EXPECT_THAT(read_file(scene.a.agent.log()), HasSubstr("announced again"));
}

// A VIP on an interface that goes away: the leader leads on with the others and says so.
TEST(MissingVip, IsAnAlarm) {
  SceneOptions options;
  options.pair_a.further = {
      R"(vips_excluded = [{ address = "10.78.0.100/24", interface = "eth1" }])"};
  PairScene scene(options);
  must_run({"ip", "link", "add", "eth1", "type", "bridge"}, scene.a.host.netns);
  must_run({"ip", "link", "set", "eth1", "up"}, scene.a.host.netns);
  ASSERT_TRUE(scene.start());
  const auto alarms = [&] { return scene.a.agent.field("/alarms"); };
  EXPECT_EQ(alarms(), "[]");
  must_run({"ip", "link", "delete", "eth1"}, scene.a.host.netns);
  EXPECT_TRUE(eventually("an alarm", kSoon, [&] {
    const std::string seen = alarms();
    return Seen{
        seen.find("VIP 10.78.0.100/24 is not here although this node leads") != std::string::npos,
        seen};
  }));
}

TEST(MutedLeader, SaysThatItsAdvertsAreNotSent) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  must_run({"nft",
            "add table ip mute; add chain ip mute out { type filter hook output priority 0; "
            "}; add rule ip mute out ip protocol 112 drop"},
           scene.a.host.netns);
  EXPECT_TRUE(eventually("an alarm", kSoon, [&] {
    const std::string seen = scene.a.agent.field("/alarms");
    return Seen{seen.find("adverts are not sent") != std::string::npos, seen};
  }));
  must_run({"nft", "delete table ip mute"}, scene.a.host.netns);
  EXPECT_TRUE(eventually("and its end", kSoon, [&] {
    const std::string seen = scene.a.agent.field("/alarms");
    return Seen{seen.find("adverts are not sent") == std::string::npos, seen};
  }));
}

}  // namespace
}  // namespace support
