// RFC 826 and RFC 4861 section 4.4, as far as an announcement needs them.
#include "vrrp/io/announce_frames.hpp"

#include <net/ethernet.h>

#include <algorithm>
#include <span>

#include "vrrp/wire.hpp"

namespace vrrp::io {

namespace {

constexpr MacAddress kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::uint32_t kRouter = 0x80000000;
constexpr std::uint32_t kOverride = 0x20000000;

}  // namespace

std::array<std::uint8_t, 42> gratuitous_arp_frame(const MacAddress& mac, const IpAddress& vip) {
  const std::span<const std::uint8_t> address(vip.data(), 4);
  WireWriter frame;
  frame.copy(kBroadcast);
  frame.copy(mac);
  frame.u16(ETHERTYPE_ARP);
  frame.u16(1);  // hardware: Ethernet
  frame.u16(ETHERTYPE_IP);
  frame.u8(6);
  frame.u8(4);
  frame.u16(1);  // request
  frame.copy(mac);
  frame.copy(address);
  frame.copy(kBroadcast);
  frame.copy(address);
  std::array<std::uint8_t, 42> bytes{};
  std::copy_n(frame.bytes().begin(), bytes.size(), bytes.begin());
  return bytes;
}

// 14 bytes of Ethernet, 40 of IPv6, 32 of ICMPv6.
std::vector<std::uint8_t> neighbour_advertisement_frame(const MacAddress& mac, const IpAddress& vip,
                                                        bool router) {
  constexpr std::uint8_t kNextHeaderIcmp = 58;
  constexpr std::uint16_t kIcmpLength = 32;
  constexpr std::array<std::uint8_t, 16> kAllNodes{0xff, 0x02, 0, 0, 0, 0, 0, 0,
                                                   0,    0,    0, 0, 0, 0, 0, 1};
  constexpr MacAddress kAllNodesMac{0x33, 0x33, 0, 0, 0, 1};
  const std::span<const std::uint8_t> address(vip.data(), vip.size());

  WireWriter icmp;
  icmp.u8(136);  // Neighbor Advertisement
  icmp.u8(0);
  icmp.u16(0);  // checksum
  icmp.u32(kOverride | (router ? kRouter : 0));
  icmp.copy(address);
  icmp.u8(2);  // option: target link-layer address, one unit of eight bytes
  icmp.u8(1);
  icmp.copy(mac);
  WireWriter pseudo_header;  // RFC 8200 section 8.1
  pseudo_header.copy(address);
  pseudo_header.copy(kAllNodes);
  pseudo_header.u32(kIcmpLength);
  pseudo_header.u32(kNextHeaderIcmp);
  const auto sum = checksum_add(checksum_add(0, pseudo_header.bytes()), icmp.bytes());
  icmp.patch_u16(2, checksum_finish(sum));

  WireWriter frame;
  frame.copy(kAllNodesMac);
  frame.copy(mac);
  frame.u16(ETHERTYPE_IPV6);
  frame.u32(0x60000000);
  frame.u16(kIcmpLength);
  frame.u8(kNextHeaderIcmp);
  frame.u8(255);  // hop limit: proof of the same link
  frame.copy(address);
  frame.copy(kAllNodes);
  frame.copy(icmp.bytes());
  return frame.take();
}

}  // namespace vrrp::io
