// Virtual addresses in all their forms: with label and scope, on several interfaces, and IPv6.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/ethernet.h>

#include "tests/netns/vip_table_fixture.hpp"
#include "vrrp/wire.hpp"

namespace vrrp::io {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Prefix kSiteVip{kVip.address, 32};
const Prefix kGlobalVip = *Prefix::parse("fd00:88::64/64");
const Prefix kLinkLocalVip = *Prefix::parse("fe80::51/64");

Sniffer::Frame neighbour_solicitation(const IpAddress& target);
std::function<bool(const Sniffer::Frame&)> neighbour_advertisement(const IpAddress& target);

class VipFormsTest : public VipTableTest {};

TEST_F(VipFormsTest, InstallsWithLabelAndScopeOnTwoInterfaces) {
  cable_.run_here("ip link add eth9 type bridge");
  cable_.run_here("ip link set eth9 up");
  EXPECT_TRUE(run_until([&] { return netlink_.link("eth9").value_or(LinkFact{}).up; }));
  table_ = make_table_of(
      {{kSiteVip, "eth0", "eth0:vip", AddressScope::site}, {kOtherVip, "eth9", {}, {}}},
      seconds(30));

  EXPECT_TRUE(table_->install());

  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_EQ(table_->present(), 2U);
  EXPECT_TRUE(kernel_has(kOtherVip, "eth9") && !kernel_has(kOtherVip));
  EXPECT_THAT(cable_.run_here("ip -o addr show dev eth0 to 10.88.0.100"),
              AllOf(HasSubstr("scope site"), HasSubstr("eth0:vip")));
  table_->withdraw();
  EXPECT_FALSE(kernel_has(kSiteVip) || kernel_has(kOtherVip, "eth9"));
}

// The kernel's own rule (EINVAL).
TEST_F(VipFormsTest, ASecondScopeInOneNetworkIsRefusedWithAdvice) {
  table_ = make_table_of({{kVip, "eth0", {}, AddressScope::site}}, seconds(30));

  EXPECT_FALSE(table_->install());

  EXPECT_THAT(problems_, ElementsAre(HasSubstr("give this one the length 32")));
}

TEST_F(VipFormsTest, AMissingInterfaceDoesNotStopTheOthers) {
  table_ = make_table_of({{kVip, "eth0", {}, {}}, {kOtherVip, "eth9", {}, {}}}, seconds(60));

  EXPECT_TRUE(table_->install());

  EXPECT_EQ(table_->present(), 1U);
  EXPECT_THAT(problems_, ElementsAre("interface eth9 does not exist: its virtual addresses wait "
                                     "for it"));
  cable_.run_here("ip link add eth9 type bridge");
  cable_.run_here("ip link set eth9 up");
  EXPECT_TRUE(run_until([&] { return table_->present() == 2; }));
  EXPECT_THAT(repaired_, ElementsAre("10.88.0.101/24"));
}

class Ipv6VipTableTest : public VipTableTest {
 protected:
  Ipv6VipTableTest() {
    for (const bool here : {true, false}) {
      const auto in = [&](const std::string& command) {
        return here ? cable_.run_here(command) : cable_.run_there(command);
      };
      in("sysctl -q -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0");
      in(std::string("ip addr add fd00:88::") + (here ? "1" : "2") + "/64 dev eth0 nodad");
    }
  }
};

TEST_F(Ipv6VipTableTest, InstallsWithoutDuplicateAddressDetectionAndNeverAsASource) {
  table_ = make_table({kLinkLocalVip, kGlobalVip}, seconds(30));

  EXPECT_TRUE(table_->install());

  EXPECT_TRUE(kernel_has(kLinkLocalVip) && kernel_has(kGlobalVip));
  EXPECT_THAT(cable_.run_here("ip -o -6 addr show dev eth0 to fd00:88::64"),
              AllOf(HasSubstr("nodad"), HasSubstr("noprefixroute"), HasSubstr("deprecated"),
                    Not(HasSubstr("tentative"))));
  EXPECT_THAT(cable_.run_here("ip -6 route get fd00:88::2"), HasSubstr("src fd00:88::1 "));
  EXPECT_THAT(problems_, IsEmpty());
  table_->withdraw();
  EXPECT_FALSE(kernel_has(kLinkLocalVip) || kernel_has(kGlobalVip));
}

TEST_F(Ipv6VipTableTest, ParkingKeepsConnectionsButAnswersNoSolicitation) {
  table_ = make_table({kLinkLocalVip, kGlobalVip}, seconds(30));
  EXPECT_TRUE(table_->install());
  Connection connection(loop_, cable_, boost::asio::ip::make_address("fd00:88::64"));
  ASSERT_TRUE(connection.alive());

  table_->park_on_loopback();

  EXPECT_FALSE(kernel_has(kGlobalVip) || kernel_has(kLinkLocalVip));
  EXPECT_TRUE(kernel_has({kGlobalVip.address, 128}, "lo"));
  EXPECT_FALSE(kernel_has({kLinkLocalVip.address, 128}, "lo"));
  EXPECT_TRUE(connection.alive());
  // The answer for the interface's own address comes, and none for the VIP came before it.
  const IpAddress own = *IpAddress::parse("fd00:88::1");
  Sniffer wire(cable_.there(), ETHERTYPE_IPV6);
  wire.send(neighbour_solicitation(kGlobalVip.address));
  wire.send(neighbour_solicitation(own));
  EXPECT_TRUE(wire.wait_for([&](const auto& frame) {
    EXPECT_FALSE(neighbour_advertisement(kGlobalVip.address)(frame));
    return neighbour_advertisement(own)(frame);
  }));

  table_->withdraw();
  EXPECT_FALSE(kernel_has({kGlobalVip.address, 128}, "lo"));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(Ipv6VipTableTest, ComesBackWithTheLinkThatTheKernelTookItFrom) {
  table_ = make_table({kGlobalVip}, seconds(60));
  EXPECT_TRUE(table_->install());

  cable_.run_here("ip link set eth0 down");
  EXPECT_TRUE(run_until([&] { return table_->present() == 0; }));
  cable_.run_here("ip link set eth0 up");
  EXPECT_TRUE(run_until([&] { return table_->present() == 1; }));

  EXPECT_TRUE(kernel_has(kGlobalVip));
}

// ---- helpers -----------------------------------------------------------------------------------

// From fd00:88::2, to the solicited-node group of the target (RFC 4861 section 4.3).
Sniffer::Frame neighbour_solicitation(const IpAddress& target) {
  const IpAddress source = *IpAddress::parse("fd00:88::2");
  Sniffer::Frame group{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0};
  std::copy_n(target.data() + 13, 3, group.begin() + 13);
  WireWriter icmp;
  icmp.u8(135);
  icmp.u8(0);
  icmp.u16(0);
  icmp.u32(0);
  icmp.copy({target.data(), target.size()});
  icmp.u8(1);
  icmp.u8(1);
  icmp.copy(kMacThere);
  WireWriter pseudo_header;
  pseudo_header.copy({source.data(), source.size()});
  pseudo_header.copy(group);
  pseudo_header.u32(32);
  pseudo_header.u32(58);
  const auto sum = checksum_add(checksum_add(0, pseudo_header.bytes()), icmp.bytes());
  icmp.patch_u16(2, checksum_finish(sum));

  WireWriter frame;
  frame.copy(MacAddress{0x33, 0x33, 0xff, group[13], group[14], group[15]});
  frame.copy(kMacThere);
  frame.u16(ETHERTYPE_IPV6);
  frame.u32(0x60000000);
  frame.u16(32);
  frame.u8(58);
  frame.u8(255);
  frame.copy({source.data(), source.size()});
  frame.copy(group);
  frame.copy(icmp.bytes());
  return frame.take();
}

std::function<bool(const Sniffer::Frame&)> neighbour_advertisement(const IpAddress& target) {
  return [target](const Sniffer::Frame& frame) {
    return frame.size() >= 78 && frame[20] == 58 && frame[54] == 136 &&
           std::equal(target.data(), target.data() + 16, frame.begin() + 62);
  };
}

}  // namespace
}  // namespace vrrp::io
