// Questions to a neighbour byte for byte, and what counts as its answer.
#include "agent/neighbour.hpp"

#include <gtest/gtest.h>

namespace agent {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr Mac kMac{0x02, 0, 0, 0, 0, 0x01};
const vrrp::IpAddress kOwn = *vrrp::IpAddress::parse("10.77.0.1");
const vrrp::IpAddress kGateway = *vrrp::IpAddress::parse("10.77.0.254");
const vrrp::IpAddress kGateway6 = *vrrp::IpAddress::parse("2001:db8::fe:1234");

// The gateway's reply to kOwn.
Bytes reply() {
  return {0x02, 0, 0, 0, 0, 0x01, 0x02, 0,  0,  0, 0,   0xfe, 0x08, 0x06, 0, 1, 0x08, 0,  6,  4, 0,
          2,    2, 0, 0, 0, 0,    0xfe, 10, 77, 0, 254, 0x02, 0,    0,    0, 0, 0x01, 10, 77, 0, 1};
}

TEST(Arp, AsksEverybodyForOneAddress) {
  const Bytes expected = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0,  0,  0, 0,
                          0x01, 0x08, 0x06, 0,    1,    0x08, 0,    6,  4,  0, 1,
                          0x02, 0,    0,    0,    0,    0x01, 10,   77, 0,  1, 0,
                          0,    0,    0,    0,    0,    10,   77,   0,  254};
  EXPECT_EQ(arp_request(kMac, kOwn, kGateway), expected);
}

TEST(Arp, TakesTheReplyOfThatAddressAndNothingElse) {
  EXPECT_TRUE(is_arp_reply(reply(), kGateway));
  EXPECT_FALSE(is_arp_reply(reply(), kOwn));
  EXPECT_FALSE(is_arp_reply(arp_request(kMac, kGateway, kOwn), kGateway)) << "a request";
  for (std::size_t length = 0; length < 32; ++length) {
    Bytes cut = reply();
    cut.resize(length);
    EXPECT_FALSE(is_arp_reply(cut, kGateway)) << length;
  }
}

TEST(NeighbourSolicitation, AsksTheSolicitedNodeGroup) {
  EXPECT_EQ(solicited_node(kGateway6).to_string(), "ff02::1:fffe:1234");
  const Bytes expected = {135, 0, 0, 0, 0, 0,    0,    0,    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
                          0,   0, 0, 0, 0, 0xfe, 0x12, 0x34, 1,    1, 0x02, 0,    0, 0, 0, 0x01};
  EXPECT_EQ(neighbour_solicitation(kMac, kGateway6), expected);
}

TEST(NeighbourSolicitation, TakesTheAdvertisementOfThatAddressAndNothingElse) {
  Bytes answer = neighbour_solicitation(kMac, kGateway6);
  EXPECT_FALSE(is_neighbour_advertisement(answer, kGateway6));
  answer[0] = 136;
  EXPECT_TRUE(is_neighbour_advertisement(answer, kGateway6));
  EXPECT_FALSE(is_neighbour_advertisement(answer, *vrrp::IpAddress::parse("2001:db8::1")));
  answer.resize(23);
  EXPECT_FALSE(is_neighbour_advertisement(answer, kGateway6));
}

}  // namespace
}  // namespace agent
