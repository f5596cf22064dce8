// What leaves this host beside what leaves the peers for the same configuration: the IPv4 header's
// fields and the whole VRRP message, byte for byte where they must be equal.
#include <gtest/gtest.h>
#include <net/ethernet.h>

#include <iomanip>
#include <sstream>

#include "tests/netns/cable.hpp"
#include "tests/support/frr.hpp"
#include "tests/support/keepalived.hpp"
#include "tests/support/pair_scene.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/datagram.hpp"

namespace support {
namespace {

using vrrp::io::Sniffer;
using Frame = Sniffer::Frame;

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kIp = 20;

bool is_advert(const Frame& frame) {
  return frame.size() >= kEthernet + kIp + 8 && frame[kEthernet + 9] == vrrp::kIpProtocolVrrp;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::ostringstream out;
  for (const std::uint8_t byte : bytes) {
    out << std::hex << std::setw(2) << std::setfill('0') << +byte;
  }
  return out.str();
}

// "01:00:.. tos c0 len 32 df 0 ttl 255 > 224.0.0.18: <message without its checksum>, good". The
// checksum covers the source address, in which the hosts differ; it is judged instead.
std::string describe(const Frame& frame) {
  const std::span all(frame);
  const auto ip = all.subspan(kEthernet);
  const auto packet = vrrp::parse_ipv4(ip);
  if (!packet) return "not IPv4";
  std::vector<std::uint8_t> message(packet->payload.begin(), packet->payload.end());
  const auto decoded = vrrp::decode(message, packet->source, packet->destination);
  message.erase(message.begin() + vrrp::kChecksumOffset,
                message.begin() + vrrp::kChecksumOffset + 2);
  std::ostringstream out;
  out << hex(all.first(6)) << " tos " << hex(ip.subspan(1, 1)) << " length "
      << hex(ip.subspan(2, 2)) << " fragment " << hex(ip.subspan(6, 2)) << " ttl " << +packet->ttl
      << " > " << packet->destination.to_string() << ": " << hex(message);
  const auto* good = std::get_if<vrrp::Decoded>(&decoded);
  if (good == nullptr) return out.str() + ", " + std::string(to_string(std::get<1>(decoded)));
  const bool pseudo = good->checksum_form == vrrp::ChecksumForm::pseudo_header;
  return out.str() + (pseudo ? ", good" : ", good without pseudo-header");
}

std::string next_advert(Sniffer& wire) {
  wire.take();
  const auto frame = wire.wait_for(is_advert);
  return frame ? describe(*frame) : "nothing";
}

SceneOptions tandem(int version, const std::string& password) {
  SceneOptions options;
  options.pair_a = with_priority(200);
  options.pair_a.version = version;
  options.pair_a.auth_pass = password;
  return options;
}

std::string advert_of_tandem(PairScene& scene, Sniffer& wire) {
  scene.start_servers();
  scene.a.agent.start();
  EXPECT_TRUE(
      eventually("Tandem leads", kSoon, equals([&] { return scene.a.agent.state(); }, "leading")));
  return next_advert(wire);
}

std::string advert_of_keepalived(PairScene& scene, Sniffer& wire, int version,
                                 const std::string& password) {
  KeepalivedOptions options;
  options.version = version;
  options.auth_pass = password;
  options.priority = 200;
  if (version == 2) options.advert_int = "1";
  Keepalived keepalived(scene.b.host, options);
  keepalived.start();
  const std::string advert = next_advert(wire);
  keepalived.stop();
  return advert;
}

TEST(Wire, AdvertsAreThoseOfKeepalived) {
  struct Group {
    int version;
    std::string password;
    std::string expected;
  };
  const std::string envelope = "01005e000012 tos c0 length ";
  for (const Group& group :
       std::vector<Group>{{2, "secret",
                           envelope + "0028 fragment 0000 ttl 255 > 224.0.0.18: "
                                      "2133c80101010a4d00647365637265740000, good"},
                          {2, "",
                           envelope + "0028 fragment 0000 ttl 255 > 224.0.0.18: "
                                      "2133c80100010a4d00640000000000000000, good"},
                          {3, "",
                           envelope + "0020 fragment 0000 ttl 255 > 224.0.0.18: "
                                      "3133c801000a0a4d0064, good"}}) {
    SCOPED_TRACE(std::to_string(group.version) + group.password);
    PairScene scene(tandem(group.version, group.password));
    Sniffer wire(scene.lan.client().netns, ETHERTYPE_IP);
    const std::string theirs = advert_of_keepalived(scene, wire, group.version, group.password);
    const std::string ours = advert_of_tandem(scene, wire);
    EXPECT_EQ(ours, theirs);
    EXPECT_EQ(ours, group.expected);
  }
}

// FRR lets the kernel make the header, which sets "do not fragment"; all else is the same.
TEST(Wire, AdvertsAreThoseOfFrr) {
  PairScene scene(tandem(3, ""));
  Sniffer wire(scene.lan.client().netns, ETHERTYPE_IP);
  FrrOptions options;
  options.priority = 200;
  auto frr = std::make_unique<Frr>(scene.b.host, options);
  frr->start();
  const std::string theirs = next_advert(wire);
  frr.reset();
  std::string ours = advert_of_tandem(scene, wire);
  EXPECT_NE(ours.find("fragment 0000"), std::string::npos);
  ours.replace(ours.find("fragment 0000"), 13, "fragment 4000");
  EXPECT_EQ(ours, theirs);
}

// keepalived up to 2.3.2 drops the adverts of a group with another list of VIPs: both lead then.
// Tandem does not drop them, says what is wrong, and has a key for the further address. Its adverts
// are slower here than keepalived's patience, which ten refused packets a second would hold for
// ever.
TEST(VipSets, ThatDifferFromKeepalivedsAreNamedAndHaveAWay) {
  KeepalivedOptions other;
  other.priority = 100;
  {
    SceneOptions options = tandem(3, "");
    options.pair_a.vips = R"("10.77.0.100/24", "10.77.0.101/24")";
    options.pair_a.advert_interval = "1s";
    PairScene scene(options);
    Keepalived keepalived(scene.b.host, other);
    scene.start_servers();
    scene.a.agent.start();
    ASSERT_TRUE(eventually("Tandem leads", kSoon,
                           equals([&] { return scene.a.agent.state(); }, "leading")));
    keepalived.start();
    EXPECT_TRUE(eventually("Tandem says that it is not heard", kSoon, [&] {
      const std::string alarms = scene.a.agent.field("/alarms");
      return Seen{alarms.find("10.77.0.2 leads too and does not hear this node's adverts") !=
                      std::string::npos,
                  alarms};
    }));
    EXPECT_NE(read_file(scene.a.agent.log()).find("10.77.0.2 advertises another list of VIPs"),
              std::string::npos);
    EXPECT_EQ(scene.a.agent.state(), "leading");
  }
  SceneOptions options = tandem(3, "");
  options.pair_a.further = {R"(vips_excluded = ["10.77.0.101/24"])"};
  PairScene scene(options);
  Keepalived keepalived(scene.b.host, other);
  scene.start_servers();
  scene.a.agent.start();
  ASSERT_TRUE(
      eventually("Tandem leads", kSoon, equals([&] { return scene.a.agent.state(); }, "leading")));
  keepalived.start();
  EXPECT_TRUE(stays("one holder", Millis(4500), equals([&] { return scene.vip_holders(); }, "A")));
  EXPECT_TRUE(scene.a.host.has_address("10.77.0.101"));
}

TEST(VipSets, ThatDifferAreRefusedOnRequest) {
  SceneOptions options = tandem(3, "");
  options.pair_a.vips = R"("10.77.0.100/24", "10.77.0.101/24")";
  options.pair_a.further = {"strict_vips = true"};
  PairScene scene(options);
  KeepalivedOptions other;
  other.priority = 250;
  Keepalived keepalived(scene.b.host, other);
  scene.start_servers();
  scene.a.agent.start();
  ASSERT_TRUE(
      eventually("Tandem leads", kSoon, equals([&] { return scene.a.agent.state(); }, "leading")));
  keepalived.start();
  EXPECT_TRUE(eventually("refusals are counted", kSoon, [&] {
    const std::string count = scene.a.agent.field("/vrrp/refused/address_list");
    return Seen{count != "0", count};
  }));
  EXPECT_EQ(scene.a.agent.state(), "leading") << "although the other has the higher priority";
}

}  // namespace
}  // namespace support
