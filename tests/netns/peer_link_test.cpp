// The link between two real agents: it comes up, goes and comes back with hosts and cables, lets
// nobody in who does not know the secret, and keeps a blocked VRRP path from making a second
// leader.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <fstream>
#include <utility>

#include "tests/netns/attacker.hpp"
#include "tests/support/namespace.hpp"
#include "tests/support/pair_scene.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {
namespace {

const std::string kOtherSecret(64, '8');

SceneOptions linked_but_for(const std::string& secret_of_b) {
  SceneOptions options = linked();
  options.pair_b.secret = secret_of_b;
  return options;
}

testing::AssertionResult link_is(PairScene::Side& side, const std::string& state,
                                 Millis deadline = kSoon) {
  return eventually("the link of " + side.host.name + " is " + state, deadline,
                    equals([&] { return side.agent.field("/peer_link/state"); }, state));
}

testing::AssertionResult both_linked(PairScene& scene) {
  const auto a = link_is(scene.a, "up");
  return a ? link_is(scene.b, "up") : a;
}

testing::AssertionResult logged(PairScene::Side& side, const std::string& text) {
  return eventually("the log of " + side.host.name + " says it", kSoon, [&] {
    const std::string log = read_file(side.agent.log());
    return Seen{log.find(text) != std::string::npos, "not: " + text};
  });
}

testing::AssertionResult alarmed(PairScene::Side& side, const std::string& alarm) {
  return eventually("the alarm of " + side.host.name, kSoon, [&] {
    const std::string alarms = side.agent.field("/alarms");
    return Seen{alarms.find(alarm) != std::string::npos, alarms};
  });
}

// A TCP connection from one host to the agent of another; -1: none.
class Caller {
 public:
  Caller(const Host& from, const Host& to) {
    const InNamespace inside(from.netns);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{2, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(7112);
    ::inet_pton(AF_INET, to.ip.c_str(), &address.sin_addr);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller() {
    if (fd_ >= 0) ::close(fd_);
  }
  void send(const std::string& bytes) const {
    if (fd_ >= 0) ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

 private:
  int fd_ = -1;
};

// What a TLS client begins with: a record header, and less of a ClientHello than it promises.
const std::string kHalfAHandshake("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

TEST(PeerLink, ComesUpAndCarriesWhatTheOtherNodeSays) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(both_linked(scene));
  EXPECT_TRUE(eventually("A hears B", kSoon,
                         equals(
                             [&] {
                               return scene.a.agent.fields({"/peer_link/node",
                                                            "/peer_link/says/state",
                                                            "/peer_link/says/epoch"});
                             },
                             "b standby 1")));
  EXPECT_TRUE(eventually("B hears A", kSoon,
                         equals(
                             [&] {
                               return scene.b.agent.fields({"/peer_link/node",
                                                            "/peer_link/says/state",
                                                            "/peer_link/says/epoch"});
                             },
                             "a leading 1")));
  EXPECT_NE(scene.a.agent.field("/peer_link/rtt_ms"), "null");
  EXPECT_EQ(scene.a.agent.field("/alarms") + scene.b.agent.field("/alarms"), "[][]");
}

TEST(PeerLink, OutlivesARestartOfEitherAgent) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(both_linked(scene));
  scene.b.agent.kill();
  ASSERT_TRUE(link_is(scene.a, "down"));
  EXPECT_TRUE(alarmed(scene.a, "the peer link is down: "));
  scene.b.agent.start();
  ASSERT_TRUE(both_linked(scene));
  EXPECT_EQ(scene.a.agent.stop(), 0);
  ASSERT_TRUE(scene.led_by("B"));
  scene.a.agent.start();
  ASSERT_TRUE(both_linked(scene));
  EXPECT_TRUE(scene.reaches(kBLeads));
  // The promotion of B is the pair's second, and A knows it.
  EXPECT_TRUE(eventually(
      "one epoch", kSoon,
      equals([&] { return scene.a.agent.field("/epoch") + scene.b.agent.field("/epoch"); }, "22")));
}

TEST(PeerLink, GoesWithTheCableAndComesBackWithIt) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(both_linked(scene));
  scene.lan.drop(scene.a.host, scene.b.host);
  scene.lan.drop(scene.b.host, scene.a.host);
  ASSERT_TRUE(link_is(scene.a, "down"));
  ASSERT_TRUE(link_is(scene.b, "down"));
  scene.lan.drop_nothing();
  EXPECT_TRUE(both_linked(scene));
}

TEST(PeerLink, WithAnotherSecretIsRefusedAndSaidOnBothSides) {
  PairScene scene(linked_but_for(kOtherSecret));
  ASSERT_TRUE(scene.start());
  const std::string line = ":7112: the other side has another secret (secret_file)";
  EXPECT_TRUE(logged(scene.a, "peer link to " + scene.b.host.ip + line));
  EXPECT_TRUE(logged(scene.b, "peer link to " + scene.a.host.ip + line));
  EXPECT_EQ(scene.a.agent.field("/peer_link/state"), "down");
  EXPECT_TRUE(alarmed(scene.a, "the peer link is down: the other side has another secret"));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
}

TEST(PeerLink, ADifferenceOfConfigurationsIsAnAlarmOnBothNodes) {
  SceneOptions options = linked();
  options.pair_b.further = {"vips_excluded = [\"10.77.0.101/24\"]"};
  options.pair_a.priority = options.pair_b.priority = 200;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  EXPECT_TRUE(alarmed(scene.a,
                      "the peer's configuration differs: vips_excluded here none, there "
                      "10.77.0.101/24; priority 200 on both; make them distinct"));
  EXPECT_TRUE(alarmed(scene.b,
                      "the peer's configuration differs: vips_excluded here 10.77.0.101/24, there "
                      "none; priority 200 on both; make them distinct"));
}

TEST(PeerLink, OfAnotherPairIsRefusedAndSaidOnBothSides) {
  SceneOptions options = linked();
  options.pair_b.name = "cache";
  PairScene scene(options);
  scene.start_servers();
  scene.a.agent.start();
  scene.b.agent.start();
  EXPECT_TRUE(logged(scene.a, "the agents share no pair"));
  EXPECT_TRUE(logged(scene.b, "the agents share no pair"));
  EXPECT_EQ(scene.a.agent.field("/peer_link/state"), "down");
}

// Nothing of VRRP passes, but the agents hear each other: nobody takes anything, and both say why.
TEST(PeerLink, ABlockedVrrpPathMakesNoSecondLeader) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(both_linked(scene));
  scene.lan.drop(scene.a.host, scene.b.host, Traffic::vrrp);
  EXPECT_TRUE(alarmed(scene.b,
                      "adverts of the leader do not arrive, but its agent says that it leads: is "
                      "protocol 112 blocked?"));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(4000)));
  scene.lan.drop_nothing();
  EXPECT_TRUE(eventually("the alarm is over", kSoon,
                         equals([&] { return scene.b.agent.field("/alarms"); }, "[]")));
}

// The link takes its time to notice that a host has gone; a takeover does not wait for it.
TEST(PeerLink, HoldsNoFailoverWhenTheHostIsGone) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(both_linked(scene));
  scene.lan.power_off(scene.a.host);
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_EQ(scene.b.agent.field("/epoch"), "2");
}

TEST(PeerLink, HalfHandshakesGarbageAndManyConnectionsHarmNothing) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(both_linked(scene));
  const std::string before = scene.a.agent.fields({"/state", "/since", "/peer_link/since"});
  AdvertEar adverts(scene.lan, scene.a.host);
  const std::string garbage(20'000, '\x16');
  // From the host of the other agent, which is let as far as the handshake, and from a stranger.
  for (const Host& from : {scene.b.host, scene.lan.client()}) {
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 200; ++i) {
      callers.push_back(std::make_unique<Caller>(from, scene.a.host));
      callers.back()->send(i % 3 == 0 ? kHalfAHandshake : i % 3 == 1 ? garbage : "");
    }
    EXPECT_NE(scene.a.agent.state(), "-") << "no answer beside 200 callers";
  }
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  EXPECT_EQ(scene.a.agent.fields({"/state", "/since", "/peer_link/since"}), before);
  EXPECT_EQ(scene.a.agent.field("/peer_link/state"), "up");
  EXPECT_LT(adverts.longest_gap(), std::chrono::milliseconds(300));
  EXPECT_TRUE(logged(scene.a, "which is no [pair.peer] agent"));
}

TEST(PeerLink, TheSecretIsNowhereToBeSeen) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(both_linked(scene));
  const auto status = scene.a.agent.status();
  ASSERT_TRUE(status);
  const std::string process = "/proc/" + std::to_string(status->at("pid").as_int64());
  const auto contents = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string seen = boost::json::serialize(*status) + contents(process + "/cmdline") +
                           contents(process + "/environ") + read_file(scene.a.agent.log()) +
                           read_file(scene.b.agent.log());
  EXPECT_GT(seen.size(), 1000U);
  EXPECT_EQ(seen.find(kSecret.substr(0, 16)), std::string::npos);
}

TEST(PeerLink, WithoutOneTheStatusSaysOff) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  EXPECT_EQ(scene.a.agent.fields({"/peer_link/state", "/peer_link/why"}),
            "off no [pair.peer] agent is configured");
}

}  // namespace
}  // namespace support
