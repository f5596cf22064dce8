// The picture of links and addresses against the kernel's own, and requests against `ip` and /proc.
#include "vrrp/io/netlink.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <memory>

#include "tests/netns/cable.hpp"
#include "tests/support/temp_dir.hpp"

namespace vrrp::io {

void PrintTo(const LinkFact& link, std::ostream* out) {
  *out << link.index << ": " << link.name << (link.up ? " up" : " down")
       << (link.carrier ? " carrier" : "") << " mac ..." << int{link.mac[5]};
}

void PrintTo(const AddressFact& address, std::ostream* out) {
  *out << address.prefix.to_string() << " on " << address.link_index
       << (address.secondary ? " secondary" : "");
  if (address.valid_lifetime) *out << " for " << *address.valid_lifetime << " s";
}

namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Prefix kVip{IpAddress::v4({10, 88, 0, 100}), 24};
constexpr auto kLease = std::chrono::seconds(30);

class NetlinkTest : public testing::Test {
 protected:
  void start() {
    EXPECT_EQ(netlink_->start({
                  .link_changed = [this](const auto& link) { links_.push_back(link); },
                  .link_removed = [this](const auto& link) { removed_links_.push_back(link.name); },
                  .address_added = [this](const auto& address) { added_.push_back(address); },
                  .address_removed = [this](const auto& address) { removed_.push_back(address); },
                  .resynchronised = [this] { ++resynchronised_; },
              }),
              std::nullopt);
  }
  bool run_until(const std::function<bool()>& condition) { return io::run_until(loop_, condition); }
  AddressFact address(Prefix prefix) const {
    AddressFact fact;
    fact.link_index = cable_.index_here();
    fact.prefix = prefix;
    return fact;
  }
  LinkFact eth0(bool up, bool carrier) const {
    return {cable_.index_here(), "eth0", up, carrier, kMacHere};
  }
  std::string arp_setting(const std::string& key) const {
    return cable_.run_here("sysctl -n net.ipv4.conf.eth0." + key);
  }

  Cable cable_;
  boost::asio::io_context loop_;
  std::unique_ptr<Netlink> netlink_ = std::make_unique<Netlink>(loop_.get_executor());
  std::vector<LinkFact> links_;
  std::vector<std::string> removed_links_;
  std::vector<AddressFact> added_;
  std::vector<AddressFact> removed_;
  int resynchronised_ = 0;
};

TEST_F(NetlinkTest, TellsWhatExistsInsideStart) {
  start();

  const LinkFact lo{1, "lo", true, true, {}};
  EXPECT_THAT(links_, ElementsAre(lo, eth0(true, true)));
  AddressFact loopback;
  loopback.link_index = 1;
  loopback.prefix = {IpAddress::v4({127, 0, 0, 1}), 8};
  EXPECT_THAT(added_, ElementsAre(loopback, address({kIpHere, 24})));
  EXPECT_EQ(netlink_->link("eth0"), eth0(true, true));
  EXPECT_EQ(netlink_->link("eth1"), std::nullopt);
  EXPECT_THAT(netlink_->addresses(cable_.index_here()), ElementsAre(address({kIpHere, 24})));
}

TEST_F(NetlinkTest, SeesAddressesComeAndGo) {
  start();
  added_.clear();
  auto expected = address(kVip);
  expected.secondary = true;

  cable_.run_here("ip addr add 10.88.0.100/24 dev eth0");
  EXPECT_TRUE(run_until([&] { return !added_.empty(); }));
  EXPECT_THAT(added_, ElementsAre(expected));
  // The primary address stays in front: it is the one to send from.
  EXPECT_THAT(netlink_->addresses(cable_.index_here()),
              ElementsAre(address({kIpHere, 24}), expected));

  cable_.run_here("ip addr del 10.88.0.100/24 dev eth0");
  EXPECT_TRUE(run_until([&] { return !removed_.empty(); }));
  EXPECT_THAT(removed_, ElementsAre(expected));
  EXPECT_THAT(netlink_->addresses(cable_.index_here()), ElementsAre(address({kIpHere, 24})));
}

TEST_F(NetlinkTest, SeesLinksComeGoAndLoseTheirCarrier) {
  start();
  links_.clear();

  cable_.run_there("ip link set eth0 down");
  EXPECT_TRUE(run_until([&] { return netlink_->link("eth0") == eth0(true, false); }));
  EXPECT_THAT(links_, ElementsAre(eth0(true, false)));
  cable_.run_here("ip link set eth0 down");
  EXPECT_TRUE(run_until([&] { return netlink_->link("eth0") == eth0(false, false); }));

  const auto old_address = address({kIpHere, 24});
  cable_.cut();
  EXPECT_TRUE(run_until([&] { return !removed_links_.empty(); }));
  EXPECT_THAT(removed_links_, ElementsAre("eth0"));
  EXPECT_THAT(removed_, ElementsAre(old_address));
  EXPECT_EQ(netlink_->link("eth0"), std::nullopt);
  EXPECT_THAT(netlink_->addresses(old_address.link_index), IsEmpty());

  cable_.plug();
  EXPECT_TRUE(run_until([&] { return netlink_->link("eth0") == eth0(true, true); }));
  EXPECT_TRUE(run_until([&] { return !netlink_->addresses(cable_.index_here()).empty(); }));
}

TEST_F(NetlinkTest, DoesNotTakeABridgePortThatLeavesForALinkThatIsGone) {
  start();
  cable_.run_here("ip link add br0 type bridge");
  cable_.run_here("ip link set eth0 master br0");
  cable_.run_here("ip link set eth0 nomaster");
  cable_.run_here("ip link add marker type bridge");
  EXPECT_TRUE(run_until([&] { return netlink_->link("marker").has_value(); }));

  EXPECT_THAT(removed_links_, IsEmpty());
  EXPECT_EQ(netlink_->link("eth0"), eth0(true, true));
}

TEST_F(NetlinkTest, AddsAnAddressWithALifetimeAndRenewsIt) {
  start();
  const unsigned eth0 = cable_.index_here();

  EXPECT_EQ(netlink_->add_address(eth0, kVip, kLease), std::nullopt);
  auto expected = address(kVip);
  expected.valid_lifetime = 30;
  EXPECT_THAT(netlink_->addresses(eth0), Contains(expected));
  EXPECT_THAT(cable_.run_here("ip -o addr show dev eth0 to 10.88.0.100"),
              AllOf(HasSubstr("inet 10.88.0.100/24 scope global secondary dynamic noprefixroute"),
                    testing::ContainsRegex("valid_lft (30|29|28)sec preferred_lft (30|29|28)sec")));

  EXPECT_EQ(netlink_->add_address(eth0, kVip, 4 * kLease), std::nullopt);
  EXPECT_THAT(cable_.run_here("ip -o addr show dev eth0 to 10.88.0.100"),
              testing::ContainsRegex("valid_lft 1(20|19|18)sec preferred_lft 1(20|19|18)sec"));

  EXPECT_EQ(netlink_->add_address(eth0, kVip, std::nullopt), std::nullopt);
  EXPECT_THAT(cable_.run_here("ip -o addr show dev eth0 to 10.88.0.100"),
              HasSubstr("valid_lft forever"));

  EXPECT_EQ(netlink_->remove_address(eth0, kVip), std::nullopt);
  EXPECT_EQ(cable_.run_here("ip -o addr show dev eth0 to 10.88.0.100"), "");
}

TEST_F(NetlinkTest, GivesAddressesOnLoopbackHostScope) {
  start();

  EXPECT_EQ(netlink_->add_address(1, {kVip.address, 32}, kLease), std::nullopt);

  EXPECT_THAT(cable_.run_here("ip -o addr show dev lo to 10.88.0.100"),
              HasSubstr("inet 10.88.0.100/32 scope host dynamic lo"));
}

TEST_F(NetlinkTest, AddsIpv6WithoutDuplicateAddressDetection) {
  cable_.run_here("sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0");
  start();
  const Prefix vip{*IpAddress::parse("fd00:88::64"), 64};

  EXPECT_EQ(netlink_->add_address(cable_.index_here(), vip, kLease), std::nullopt);
  EXPECT_EQ(netlink_->add_address(cable_.index_here(), vip, kLease), std::nullopt);

  EXPECT_THAT(
      cable_.run_here("ip -o addr show dev eth0 to fd00:88::64"),
      AllOf(HasSubstr("inet6 fd00:88::64/64 scope global nodad deprecated dynamic noprefixroute"),
            Not(HasSubstr("tentative"))));
  EXPECT_EQ(netlink_->remove_address(cable_.index_here(), vip), std::nullopt);
  EXPECT_EQ(cable_.run_here("ip -o addr show dev eth0 to fd00:88::64"), "");
}

TEST_F(NetlinkTest, AnswersRequestsThatCannotBeMet) {
  EXPECT_EQ(netlink_->add_address(1, kVip, kLease), "netlink is not started");
  start();

  EXPECT_EQ(netlink_->remove_address(cable_.index_here(), kVip), std::nullopt);
  EXPECT_EQ(netlink_->remove_address(9999, kVip), std::nullopt);
  EXPECT_EQ(netlink_->add_address(9999, kVip, kLease),
            "adding 10.88.0.100/24 on link 9999: No such device");
  EXPECT_EQ(netlink_->set_arp_ignore(9999, 1), std::nullopt);
  EXPECT_EQ(netlink_->restrict_arp(9999), nullptr);
}

TEST_F(NetlinkTest, ComparesEverythingAgainWhenMessagesWereLost) {
  start();
  added_.clear();
  cable_.run_here("ip addr add 10.88.0.50/24 dev eth0");
  EXPECT_TRUE(run_until([&] { return !added_.empty(); }));
  added_.clear();
  // More messages than the receive buffer holds, while the loop does not run; the two lasting
  // changes are among the lost ones.
  const support::TempDir dir;
  std::string batch;
  const std::string churn = "addr add 10.99.0.1/32 dev eth0\naddr del 10.99.0.1/32 dev eth0\n";
  for (int times = 0; times < 6000; ++times) batch += churn;
  batch += "addr add 10.88.0.100/24 dev eth0\naddr del 10.88.0.50/24 dev eth0\n";
  support::write_file(dir.path() / "batch", batch);
  cable_.run_here("ip -batch " + (dir.path() / "batch").string());

  EXPECT_TRUE(run_until([&] { return resynchronised_ > 0; }));

  auto kept = address(kVip);
  kept.secondary = true;
  auto lost = address({IpAddress::v4({10, 88, 0, 50}), 24});
  lost.secondary = true;
  EXPECT_EQ(added_.back(), kept);
  EXPECT_EQ(removed_.back(), lost);
  EXPECT_EQ(std::count(removed_.begin(), removed_.end(), lost), 1);
  EXPECT_THAT(netlink_->addresses(cable_.index_here()), ElementsAre(address({kIpHere, 24}), kept));
  EXPECT_EQ(resynchronised_, 1);

  cable_.run_here("ip addr del 10.88.0.100/24 dev eth0");
  EXPECT_TRUE(run_until([&] { return removed_.back() == kept; }));
}

TEST_F(NetlinkTest, SetsArpIgnoreAndReturnsTheValueBefore) {
  start();

  EXPECT_EQ(netlink_->set_arp_ignore(cable_.index_here(), 2), 0U);
  EXPECT_EQ(arp_setting("arp_ignore"), "2\n");
  EXPECT_EQ(netlink_->set_arp_ignore(cable_.index_here(), 0), 2U);
  EXPECT_EQ(arp_setting("arp_ignore"), "0\n");
}

TEST_F(NetlinkTest, SharesOneArpRestrictionAndRestoresItWithTheLastHandle) {
  start();
  cable_.run_here("sysctl -q -w net.ipv4.conf.eth0.arp_announce=1");
  const auto settings = [&] { return arp_setting("arp_ignore") + arp_setting("arp_announce"); };

  auto one = netlink_->restrict_arp(cable_.index_here());
  auto other = netlink_->restrict_arp(cable_.index_here());
  EXPECT_EQ(settings(), "1\n2\n");
  one.reset();
  EXPECT_EQ(settings(), "1\n2\n");
  other.reset();
  EXPECT_EQ(settings(), "0\n1\n");
}

TEST_F(NetlinkTest, MayBeDestroyedByItsOwnHandler) {
  int told = 0;
  EXPECT_EQ(netlink_->start({.link_changed = {},
                             .link_removed = {},
                             .address_added =
                                 [&](const auto& address) {
                                   if (address.prefix != kVip) return;
                                   ++told;
                                   netlink_.reset();
                                 },
                             .address_removed = {},
                             .resynchronised = {}}),
            std::nullopt);
  cable_.run_here("ip addr add 10.88.0.100/24 dev eth0");
  cable_.run_here("ip addr change 10.88.0.100/24 dev eth0 valid_lft 30 preferred_lft 30");

  EXPECT_TRUE(run_until([&] { return !netlink_; }));
  loop_.poll();

  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace vrrp::io
