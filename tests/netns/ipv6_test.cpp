// IPv6 on the wire and in pairs: adverts like keepalived's, one election over both families, VIPs
// that no advert carries, interfaces that come and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/ethernet.h>

#include "tests/netns/cable.hpp"
#include "tests/support/keepalived.hpp"
#include "tests/support/pair_scene.hpp"
#include "tests/support/process.hpp"
#include "vrrp/advertisement.hpp"

namespace support {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using vrrp::IpAddress;
using vrrp::io::Sniffer;
using Frame = Sniffer::Frame;

const std::string kBothFamilies = R"("10.77.0.100/24", "fd00:77::100/64", "fe80::51/64")";

SceneOptions both_families() {
  SceneOptions options;
  options.ipv6 = true;
  options.pair_a.vips = options.pair_b.vips = kBothFamilies;
  return options;
}

bool is_vrrp(const Frame& frame);
// An IPv6 advert as words: who, where to, how marked, what it says, whether its checksum is good.
std::string describe(const Frame& frame);
// The next advert over IPv6 that the third host hears.
std::string next_advert(Sniffer& wire);
// Which of the addresses a host has: "10.77.0.100 fd00:77::100".
std::string held(const Host& host, const std::vector<std::string>& addresses,
                 const std::string& interface = "eth0");

TEST(Ipv6, AdvertsAreThoseOfKeepalived) {
  SceneOptions options;
  options.ipv6 = true;
  options.vip = "fd00:77::100";
  options.pair_a.vips = R"("fd00:77::100/64", "fe80::51/64")";
  PairScene scene(options);
  KeepalivedOptions other;
  other.priority = 250;
  other.vip = "fe80::51/64";
  other.further_vips = {"fd00:77::100/64"};
  Keepalived keepalived(scene.b.host, other);
  Sniffer wire(scene.lan.client().netns, ETHERTYPE_IPV6);

  keepalived.start();
  const std::string theirs = next_advert(wire);
  keepalived.stop();
  scene.start_servers();
  scene.a.agent.start();
  ASSERT_TRUE(
      eventually("Tandem leads", kSoon, equals([&] { return scene.a.agent.state(); }, "leading")));
  wire.take();
  const std::string ours = next_advert(wire);

  EXPECT_EQ(ours, theirs);
  EXPECT_EQ(ours,
            "33:33:00:00:00:12 class c0, next 112, hops 255, link-local > ff02::12, VRRPv3 VRID 51 "
            "priority 250 every 100 ms: fe80::51 fd00:77::100");
}

TEST(Ipv6, BothFamiliesAreOneElectionInTwoVoices) {
  PairScene scene(both_families());
  ASSERT_TRUE(scene.start());
  const std::vector<std::string> vips{"10.77.0.100", "fd00:77::100", "fe80::51"};
  const auto all = [&] { return held(scene.a.host, vips) + "|" + held(scene.b.host, vips); };
  Sniffer wire4(scene.lan.client().netns, ETHERTYPE_IP);
  Sniffer wire6(scene.lan.client().netns, ETHERTYPE_IPV6);

  EXPECT_EQ(all(), "10.77.0.100 fd00:77::100 fe80::51|");
  EXPECT_THAT(next_advert(wire6), HasSubstr("priority 250 every 100 ms: fe80::51 fd00:77::100"));
  const auto advert4 =
      wire4.wait_for([](const Frame& frame) { return frame.size() >= 46 && frame[23] == 112; });
  ASSERT_TRUE(advert4);
  EXPECT_EQ((*advert4)[37], 1) << "one IPv4 address";

  // IPv4 adverts are lost, the others are heard: nobody moves.
  scene.lan.drop(scene.a.host, scene.b.host, Traffic::vrrp);
  EXPECT_TRUE(scene.keeps(kALeads, Millis(1500)));
  scene.lan.drop_nothing();

  scene.lan.power_off(scene.a.host);
  EXPECT_TRUE(eventually(
      "B has them all", kSoon,
      equals([&] { return held(scene.b.host, vips); }, "10.77.0.100 fd00:77::100 fe80::51")));
}

TEST(Ipv6, AMissingSecondFamilyIsSaidAndIsNoFault) {
  SceneOptions options = both_families();
  options.pair_a.further = {R"(source = ["10.77.0.1", "fe80::77"])"};
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  const auto sources = [&] { return scene.a.agent.field("/vrrp/sources"); };
  EXPECT_EQ(sources(), R"([{"family":"IPv4","address":"10.77.0.1"},)"
                       R"({"family":"IPv6","address":""}])");
  EXPECT_THAT(read_file(scene.a.agent.log()),
              HasSubstr("interface eth0 has not the address fe80::77 to send from: redis waits"));

  scene.a.host.add_address("fe80::77/64");

  EXPECT_TRUE(eventually("the source is used", kSoon,
                         equals(sources, R"([{"family":"IPv4","address":"10.77.0.1"},)"
                                         R"({"family":"IPv6","address":"fe80::77"}])")));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
}

TEST(Ipv6, ExcludedVipsMoveWithAnIpv4Group) {
  SceneOptions options;
  options.ipv6 = true;
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->further = {R"(vips_excluded = ["fd00:77::100/64", )"
                     R"({ address = "10.78.0.100/24", interface = "eth1", label = "eth1:vip" }])"};
  }
  PairScene scene(options);
  for (const Host* host : {&scene.a.host, &scene.b.host}) {
    must_run({"ip", "link", "add", "eth1", "type", "bridge"}, host->netns);
    must_run({"ip", "link", "set", "eth1", "up"}, host->netns);
  }
  const auto all = [](const Host& host) {
    return held(host, {"10.77.0.100", "fd00:77::100"}) + held(host, {"10.78.0.100"}, "eth1");
  };
  Sniffer wire6(scene.lan.client().netns, ETHERTYPE_IPV6);
  Sniffer wire4(scene.lan.client().netns, ETHERTYPE_IP);
  ASSERT_TRUE(scene.start());

  EXPECT_EQ(all(scene.a.host), "10.77.0.100 fd00:77::10010.78.0.100");
  EXPECT_THAT(must_run({"ip", "-o", "address", "show", "dev", "eth1"}, scene.a.host.netns),
              HasSubstr("eth1:vip"));
  const auto advert4 =
      wire4.wait_for([](const Frame& frame) { return frame.size() >= 46 && frame[23] == 112; });
  ASSERT_TRUE(advert4);
  EXPECT_EQ((*advert4)[37], 1) << "one address";
  // Neighbour advertisement: hop limit 255, Override, not a router.
  const auto announced = wire6.wait_for([](const Frame& frame) {
    return frame.size() >= 86 && frame[20] == 58 && frame[54] == 136 && frame[77] == 0 &&
           frame[76] == 1;
  });
  ASSERT_TRUE(announced);
  EXPECT_EQ((*announced)[21], 255);
  EXPECT_EQ((*announced)[58], 0x20);

  EXPECT_EQ(scene.a.agent.stop(), 0);
  EXPECT_TRUE(eventually("B has them all", kSoon,
                         equals([&] { return all(scene.b.host) + "|" + all(scene.a.host); },
                                "10.77.0.100 fd00:77::10010.78.0.100|")));
}

TEST(Ipv6, AnInterfaceMadeAnewIsUsedInBothFamilies) {
  PairScene scene(both_families());
  ASSERT_TRUE(scene.start());

  scene.lan.remove_interface(scene.a.host);
  EXPECT_TRUE(eventually("B leads", kSoon, equals([&] { return scene.vip_holders(); }, "B")));
  scene.lan.make_interface(scene.a.host);
  scene.lan.enable_ipv6(scene.a.host);
  EXPECT_TRUE(scene.reaches(kBLeads));

  EXPECT_EQ(scene.b.agent.stop(), 0);
  EXPECT_TRUE(eventually("A leads", kSoon, equals([&] { return scene.vip_holders(); }, "A")));
  Sniffer wire(scene.lan.client().netns, ETHERTYPE_IPV6);
  EXPECT_THAT(next_advert(wire), HasSubstr("priority 250 every 100 ms: fe80::51 fd00:77::100"));
}

TEST(Ipv6, TheCheckOfTheFileWarnsAboutAVipOutsideTheNetworks) {
  Lan lan;
  lan.enable_ipv6();
  PairOptions pair;
  pair.vips = R"("10.77.0.100/24", "10.99.0.100/24", "fe80::51/64")";
  pair.further = {R"(vips_excluded = ["fd00:99::100/64", "fd00:77::100/64"])"};
  const Agent agent(lan.a(), lan.b(), {pair});

  const auto checked = run({tandemd_path(), "--config", agent.config(), "--check"}, lan.a().netns);

  const std::string file = "warning: " + agent.config().string();
  EXPECT_THAT(checked.output,
              StartsWith(file +
                         ":12: pair[redis].vips[2]: 10.99.0.100/24 is not on a network of eth0; is "
                         "the prefix or the interface right?\n" +
                         file +
                         ":13: pair[redis].vips_excluded[1]: fd00:99::100/64 is not on a network "
                         "of eth0; is the prefix or the interface right?\n"));
  // In between there may be words about the servers that this machine boots.
  EXPECT_THAT(checked.output,
              EndsWith(agent.config().string() + ": 1 pair(s), no problem found\n"));
}

// ---- helpers -----------------------------------------------------------------------------------

bool is_vrrp(const Frame& frame) {
  return frame.size() > 54 && frame[20] == 112;
}

std::string describe(const Frame& frame) {
  const auto address_at = [&](std::size_t at) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), bytes.begin());
    return IpAddress::v6(bytes);
  };
  const IpAddress source = address_at(22);
  const IpAddress destination = address_at(38);
  std::ostringstream out;
  for (std::size_t at = 0; at < 6; ++at) {
    constexpr const char* kDigits = "0123456789abcdef";
    out << (at == 0 ? "" : ":") << kDigits[frame[at] >> 4U] << kDigits[frame[at] & 0xfU];
  }
  const int traffic_class = (frame[14] & 0xf) << 4 | frame[15] >> 4;
  out << " class " << std::hex << traffic_class << std::dec << ", next " << +frame[20] << ", hops "
      << +frame[21] << ", " << (source.is_link_local() ? "link-local" : "other") << " > "
      << destination;
  const auto length = static_cast<std::size_t>(frame[18] << 8 | frame[19]);
  const auto decoded = vrrp::decode(std::span(frame).subspan(54, length), source, destination);
  if (const auto* error = std::get_if<vrrp::DecodeError>(&decoded)) {
    out << ", " << *error;
    return out.str();
  }
  const auto& advert = std::get<vrrp::Decoded>(decoded).advertisement;
  out << ", VRRPv" << static_cast<int>(advert.version) << " VRID " << +advert.vrid.value
      << " priority " << +advert.priority.value << " every "
      << std::chrono::duration_cast<Millis>(advert.interval).count() << " ms:";
  for (const auto& address : advert.addresses) out << " " << address;
  return out.str();
}

std::string next_advert(Sniffer& wire) {
  const auto frame = wire.wait_for([](const Frame& one) {
    // Not the resignation of the one before.
    return is_vrrp(one) && one[56] != 0;
  });
  return frame ? describe(*frame) : "nothing";
}

std::string held(const Host& host, const std::vector<std::string>& addresses,
                 const std::string& interface) {
  std::string text;
  for (const auto& address : addresses) {
    if (host.has_address(address, interface)) text += (text.empty() ? "" : " ") + address;
  }
  return text;
}

}  // namespace
}  // namespace support
