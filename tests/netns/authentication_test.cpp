// Two agents that sign their adverts, on a LAN with somebody who forges and repeats them.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/netns/cable.hpp"
#include "tests/support/pair_scene.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/authentication.hpp"
#include "vrrp/datagram.hpp"
#include "vrrp/io/hmac.hpp"

namespace support {
namespace {

using vrrp::IpAddress;
using vrrp::io::Sniffer;

const std::string kFirstKey = "1 " + std::string(64, 'a');
const std::string kSecondKey = "2 " + std::string(64, 'b');

// A scene whose agents take the keys of DIR/vrrp.keys of their host.
class Authentication : public testing::Test {
 protected:
  Authentication() { write_keys({kFirstKey}, {kFirstKey}); }

  void write_keys(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    const auto write = [](const std::string& path, const std::vector<std::string>& lines) {
      std::string text = "# id and secret\n";
      for (const auto& line : lines) text += line + "\n";
      write_file(path, text, std::filesystem::perms(0600));
    };
    write(keys_ + "/a.keys", a);
    write(keys_ + "/b.keys", b);
  }

  SceneOptions options(const std::string& window = "5s") const {
    SceneOptions out;
    out.pair_a = with_priority(250);
    out.pair_b = with_priority(240);
    const auto lines = [&](const char* file) {
      return std::vector<std::string>{"auth_key_file = \"" + keys_ + "/" + file + "\"",
                                      "auth_window = \"" + window + "\""};
    };
    out.pair_a.further = lines("a.keys");
    out.pair_b.further = lines("b.keys");
    return out;
  }

  TempDir dir_;
  const std::string keys_ = dir_.path().string();
};

std::string refused(Agent& agent, const std::string& reason) {
  return agent.field("/vrrp/refused/" + reason);
}

// At least once. How often is a matter of how many were sent meanwhile.
testing::AssertionResult refuses(Agent& agent, const std::string& reason) {
  return eventually(reason + " is counted", kSoon, [&] {
    const std::string count = refused(agent, reason);
    return Seen{count != "0" && count != "-", count};
  });
}

bool is_advert_of(const Sniffer::Frame& frame, const Host& host) {
  if (frame.size() < 14) return false;
  const auto packet = vrrp::parse_ipv4(std::span(frame).subspan(14));
  return packet && packet->source == IpAddress::parse(host.ip).value();
}

std::vector<std::uint8_t> better_advert(const IpAddress& source, std::uint8_t priority) {
  vrrp::Advertisement advert;
  advert.vrid = vrrp::Vrid{51};
  advert.priority = vrrp::Priority{priority};
  advert.interval = std::chrono::milliseconds(100);
  advert.addresses = {IpAddress::parse(kVip).value()};
  return encode(advert, source, vrrp::ipv4_multicast_group());
}

Sniffer::Frame frame_of(const std::vector<std::uint8_t>& message, const IpAddress& source) {
  Sniffer::Frame frame = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 0x02, 0, 0, 0, 0, 0x66, 0x08, 0x00};
  const auto packet = vrrp::build_ipv4(source, vrrp::ipv4_multicast_group(), 1, 255, message);
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

// The whole frame of a better leader, without a trailer or with one of nonsense.
Sniffer::Frame forged(const Host& host, bool with_trailer, std::uint8_t priority = 254) {
  const IpAddress source = IpAddress::parse(host.ip).value();
  auto message = better_advert(source, priority);
  if (with_trailer) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    vrrp::AuthTrailer trailer{1, 1};
    for (std::size_t i = 0; i < 4; ++i) {
      trailer.at(4 + i) = static_cast<std::uint8_t>(now.count() >> (24 - 8 * i));
    }
    append_trailer(message, trailer, source, vrrp::ipv4_multicast_group());
  }
  return frame_of(message, source);
}

TEST_F(Authentication, SignedAdvertsLeadAndFailOver) {
  PairScene scene(options());
  ASSERT_TRUE(scene.start());
  scene.a.redis.kill();
  EXPECT_TRUE(scene.led_by("B"));
  EXPECT_EQ(refused(scene.a.agent, "auth_missing"), "0");
  EXPECT_EQ(scene.b.agent.field("/vrrp/auth_keys"), "[1]");
}

TEST_F(Authentication, ForgedAdvertsMoveNothingAndAreCounted) {
  PairScene scene(options());
  ASSERT_TRUE(scene.start());
  Sniffer attacker(scene.lan.client().netns, 0x0800);
  for (int round = 0; round < 20; ++round) {
    attacker.send(forged(scene.lan.client(), false));
    attacker.send(forged(scene.lan.client(), true));
    attacker.send(forged(scene.b.host, true));
  }
  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_TRUE(refuses(scene.a.agent, "auth_missing"));
  EXPECT_TRUE(refuses(scene.a.agent, "auth_forged"));
  EXPECT_TRUE(refuses(scene.b.agent, "auth_forged"));
}

// Without keys VRRP has to believe it. What it says moves no data: nobody promotes, demotes or
// replaces a server for it, and nobody but the leader takes writes.
class Unsigned : public testing::TestWithParam<int> {};

TEST_P(Unsigned, ABetterLeaderFromNowhereHarmsNoData) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  Sniffer attacker(scene.lan.client().netns, 0x0800);
  const auto frame = forged(scene.lan.client(), false, static_cast<std::uint8_t>(GetParam()));
  // A leader holds against a stranger for 3 s, in which the epochs could decide.
  EXPECT_TRUE(stays("nothing moves", Millis(2000), [&] {
    attacker.send(frame);
    const std::string picture = scene.picture();
    return Seen{picture == kALeads, picture};
  }));
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// The address is VRRP's to give. Who it was taken from stays master, and gets it back.
TEST_P(Unsigned, WithoutAPeerLinkItTakesTheAddressAndNoData) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Sniffer attacker(scene.lan.client().netns, 0x0800);
  const auto frame = forged(scene.lan.client(), false, static_cast<std::uint8_t>(GetParam()));
  EXPECT_TRUE(stays("the servers' roles", Millis(3000), [&] {
    attacker.send(frame);
    const std::string roles = scene.a.redis.role() + " | " + scene.b.redis.role();
    return Seen{roles.starts_with("master | replica of 10.77.0.1"), scene.picture()};
  }));
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

INSTANTIATE_TEST_SUITE_P(Priority, Unsigned, testing::Values(240, 254, 255));

// Priority 0 in the leader's own name calls for its successor. The leader's agent, or its next
// advert, says that it was somebody else's.
class InTheLeadersName : public testing::TestWithParam<bool> {};

TEST_P(InTheLeadersName, PriorityZeroMovesNothing) {
  PairScene scene(GetParam() ? linked() : SceneOptions{});
  ASSERT_TRUE(scene.start());
  Sniffer attacker(scene.lan.client().netns, 0x0800);
  const auto frame = forged(scene.a.host, false, 0);
  EXPECT_TRUE(stays("nothing moves", Millis(2000), [&] {
    attacker.send(frame);
    const std::string picture = scene.picture();
    return Seen{picture == kALeads, picture};
  }));
  EXPECT_EQ(scene.data(), kDataIntact);
  // Its own word still counts.
  scene.a.agent.stop();
  EXPECT_TRUE(scene.led_by("B"));
}

INSTANTIATE_TEST_SUITE_P(Link, InTheLeadersName, testing::Bool());

// Whoever has the key is one of the group for VRRP: the address is his to take, the data is not.
class Insider : public Authentication, public testing::WithParamInterface<int> {};

TEST_P(Insider, WithTheKeyTakesTheAddressAndNoData) {
  PairScene scene(options());
  ASSERT_TRUE(scene.start());
  vrrp::AuthRules rules;
  rules.keys = {vrrp::AuthKey{1, std::vector<std::uint8_t>(32, 0xaa)}};
  vrrp::Authenticator key(rules, vrrp::io::hmac_sha256);
  const IpAddress source = IpAddress::parse(scene.lan.client().ip).value();
  Sniffer attacker(scene.lan.client().netns, 0x0800);
  EXPECT_TRUE(stays("the servers' roles", Millis(3000), [&] {
    auto message = better_advert(source, static_cast<std::uint8_t>(GetParam()));
    const auto trailer = key.sign(message, source, std::chrono::system_clock::now());
    if (trailer) append_trailer(message, *trailer, source, vrrp::ipv4_multicast_group());
    attacker.send(frame_of(message, source));
    const std::string roles = scene.a.redis.role() + " | " + scene.b.redis.role();
    return Seen{roles.starts_with("master | replica of 10.77.0.1"), scene.picture()};
  }));
  EXPECT_EQ(refused(scene.a.agent, "auth_forged"), "0") << "it was signed well";
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

INSTANTIATE_TEST_SUITE_P(Priority, Insider, testing::Values(254, 255));

TEST_F(Authentication, ARecordedAdvertCannotBeRepeated) {
  PairScene scene(options("1s"));
  ASSERT_TRUE(scene.start());
  Sniffer attacker(scene.lan.client().netns, 0x0800);
  const auto recorded = attacker.wait_for(
      [&](const Sniffer::Frame& frame) { return is_advert_of(frame, scene.a.host); });
  ASSERT_TRUE(recorded);
  attacker.send(*recorded);
  EXPECT_TRUE(refuses(scene.b.agent, "auth_replayed"));

  // The dead leader's last words must not keep it alive in the standby's eyes.
  scene.lan.power_off(scene.a.host);
  EXPECT_TRUE(eventually("B leads while A's adverts are repeated", kSoon, [&] {
    attacker.send(*recorded);
    const std::string leader = scene.b.agent.state();
    return Seen{leader == "leading", leader};
  }));
  EXPECT_TRUE(eventually("stale is counted", kSoon, [&] {
    attacker.send(*recorded);
    const std::string count = refused(scene.b.agent, "auth_stale");
    return Seen{count != "0", count};
  }));
}

TEST_F(Authentication, AnotherKeyOnThePeerIsRefusedAndMakesNoSecondLeader) {
  write_keys({kFirstKey}, {"1 " + std::string(64, 'c')});
  PairScene scene(options());
  scene.start_servers();
  scene.a.agent.start();
  scene.b.agent.start();
  EXPECT_TRUE(refuses(scene.b.agent, "auth_forged"));
  EXPECT_TRUE(scene.led_by("A"));
  EXPECT_TRUE(stays("only A has the VIP", Millis(4000), [&] {
    const std::string holders = scene.vip_holders();
    return Seen{holders == "A", holders};
  }));
}

// Three steps on both hosts, each read by SIGHUP while adverts go on.
TEST_F(Authentication, KeysAreRotatedWithoutARefusedAdvert) {
  PairScene scene(options());
  ASSERT_TRUE(scene.start());
  const std::vector<std::vector<std::string>> steps = {
      {kFirstKey}, {kFirstKey, kSecondKey}, {kSecondKey, kFirstKey}, {kSecondKey}};
  const auto reload = [](Agent& agent, const std::string& ids) {
    agent.signal(SIGHUP);
    return eventually("the keys are read", kSoon,
                      equals([&] { return agent.field("/vrrp/auth_keys"); }, ids));
  };
  const std::vector<std::string> ids = {"[1]", "[1,2]", "[2,1]", "[2]"};
  for (std::size_t step = 1; step < steps.size(); ++step) {
    write_keys(steps[step], steps[step - 1]);
    ASSERT_TRUE(reload(scene.a.agent, ids[step]));
    write_keys(steps[step], steps[step]);
    ASSERT_TRUE(reload(scene.b.agent, ids[step]));
  }
  EXPECT_TRUE(scene.keeps(kALeads));
  for (const char* const reason : {"auth_missing", "auth_unknown_key", "auth_forged"}) {
    EXPECT_EQ(refused(scene.b.agent, reason), "0") << reason;
  }
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

TEST_F(Authentication, ABadKeyFileLeavesTheKeysInForce) {
  PairScene scene(options());
  ASSERT_TRUE(scene.start());
  write_keys({"1 short"}, {kFirstKey});
  scene.a.agent.signal(SIGHUP);
  EXPECT_TRUE(eventually("the log says so", kSoon, [&] {
    const std::string log = read_file(scene.a.agent.log());
    return Seen{log.find("nothing was changed: ") != std::string::npos &&
                    log.find("line 2 has a secret that is not hexadecimal") != std::string::npos,
                log};
  }));
  EXPECT_TRUE(scene.keeps(kALeads));
}

}  // namespace
}  // namespace support
