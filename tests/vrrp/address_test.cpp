// Addresses and prefixes as text, as numbers and as networks.
#include "vrrp/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vrrp {
namespace {

using ::testing::Optional;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}
Prefix prefix(std::string_view text) {
  return Prefix::parse(text).value();
}

TEST(IpAddress, IsReadFromTextAndWrittenBack) {
  EXPECT_THAT(IpAddress::parse("192.168.1.120"), Optional(IpAddress::v4({192, 168, 1, 120})));
  EXPECT_THAT(IpAddress::parse("fe80::1"),
              Optional(IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})));
  for (const std::string text : {"0.0.0.0", "255.255.255.255", "::", "2001:db8::120"}) {
    EXPECT_EQ(address(text).to_string(), text);
  }
  EXPECT_EQ(address("2001:DB8:0::0:120").to_string(), "2001:db8::120");
}

TEST(IpAddress, IsNothingButAnAddress) {
  for (const std::string text :
       {"", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1.2.3.4/24",
        "0x7f000001", "localhost", "fe80::1%eth0", "[::1]", "fe80:::1", "1.2.3.4:80", ":"}) {
    EXPECT_EQ(IpAddress::parse(text), std::nullopt) << '"' << text << '"';
  }
  EXPECT_EQ(IpAddress::parse(std::string("1.2.3.4\0junk", 12)), std::nullopt);
}

// The tie-break of two routers of one priority compares addresses as numbers, not as text.
TEST(IpAddress, OrdersByNumberAndIpv4First) {
  const std::vector<IpAddress> ascending = {address("0.0.0.0"),       address("9.255.255.255"),
                                            address("10.0.0.9"),      address("10.0.0.10"),
                                            address("192.168.1.120"), address("::"),
                                            address("fe80::9"),       address("fe80::10")};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i) {
    EXPECT_LT(ascending[i], ascending[i + 1]);
  }
  EXPECT_NE(address("0.0.0.0"), address("::"));
}

TEST(IpAddress, KnowsTheSpecialOnes) {
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_TRUE(address("::").is_unspecified());
  EXPECT_FALSE(address("0.0.0.1").is_unspecified());
  EXPECT_FALSE(address("::1").is_unspecified());

  EXPECT_TRUE(ipv4_multicast_group().is_multicast());
  EXPECT_TRUE(address("239.255.255.255").is_multicast());
  EXPECT_TRUE(address("ff02::12").is_multicast());
  EXPECT_FALSE(address("223.255.255.255").is_multicast());
  EXPECT_FALSE(address("240.0.0.1").is_multicast());
  EXPECT_FALSE(address("255.255.255.255").is_multicast());
  EXPECT_FALSE(address("fe80::1").is_multicast());
  EXPECT_EQ(ipv4_multicast_group(), address("224.0.0.18"));
}

TEST(Prefix, IsReadFromTextAndWrittenBack) {
  EXPECT_THAT(Prefix::parse("192.168.1.120/24"), Optional(Prefix{address("192.168.1.120"), 24}));
  for (const std::string text : {"10.0.0.1/0", "10.0.0.1/8", "10.0.0.1/32", "fe80::1/128"}) {
    EXPECT_EQ(prefix(text).to_string(), text);
  }
}

TEST(Prefix, NeedsALengthThatFits) {
  for (const std::string text :
       {"192.168.1.120", "192.168.1.120/", "192.168.1.120/33", "192.168.1.120/256",
        "192.168.1.120/-1", "192.168.1.120/+1", "192.168.1.120/024", "192.168.1.120/24 ",
        "192.168.1.120/24/24", "192.168.1.120/255.255.255.0", "/24", "fe80::1/129", "host/24"}) {
    EXPECT_EQ(Prefix::parse(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(Prefix, ContainsItsNetworkAndNothingElse) {
  EXPECT_TRUE(prefix("192.168.1.120/24").contains(address("192.168.1.1")));
  EXPECT_FALSE(prefix("192.168.1.120/24").contains(address("192.168.2.1")));
  EXPECT_TRUE(prefix("10.0.0.1/30").contains(address("10.0.0.3")));
  EXPECT_FALSE(prefix("10.0.0.1/30").contains(address("10.0.0.4")));
  EXPECT_TRUE(prefix("10.0.0.1/32").contains(address("10.0.0.1")));
  EXPECT_FALSE(prefix("10.0.0.1/32").contains(address("10.0.0.0")));
  EXPECT_TRUE(prefix("10.0.0.1/0").contains(address("255.0.0.1")));
  EXPECT_TRUE(prefix("fe80::1/10").contains(address("febf::1")));
  EXPECT_FALSE(prefix("fe80::1/10").contains(address("fec0::1")));
  EXPECT_FALSE(prefix("::/0").contains(address("10.0.0.1"))) << "the other family";
}

TEST(Prefix, OfAnImpossibleLengthIsTheWholeAddress) {
  const Prefix four{address("10.0.0.1"), 255};
  EXPECT_TRUE(four.contains(address("10.0.0.1")));
  EXPECT_FALSE(four.contains(address("10.0.0.2")));
  EXPECT_TRUE((Prefix{address("fe80::1"), 255}).contains(address("fe80::1")));
}

TEST(IpAddress, KnowsTheLinkLocalNetwork) {
  for (const char* text : {"fe80::1", "febf:ffff::1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_link_local()) << text;
  }
  for (const char* text : {"fec0::1", "fd00::1", "::1", "169.254.0.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_link_local()) << text;
  }
}

TEST(IpAddress, EachFamilyHasItsGroup) {
  EXPECT_EQ(multicast_group(Family::ipv4), IpAddress::parse("224.0.0.18"));
  EXPECT_EQ(multicast_group(Family::ipv6), IpAddress::parse("ff02::12"));
}

}  // namespace
}  // namespace vrrp
