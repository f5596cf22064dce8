// See neighbour.hpp.
#include "agent/neighbour.hpp"

#include <algorithm>

#include "vrrp/wire.hpp"

namespace agent {
namespace {

constexpr std::uint16_t kEthernet = 1;
constexpr std::uint16_t kTypeIp = 0x0800;
constexpr std::uint16_t kTypeArp = 0x0806;
constexpr std::uint16_t kArpRequest = 1;
constexpr std::uint16_t kArpReply = 2;
constexpr std::uint8_t kSolicitation = 135;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint8_t kSourceLinkLayerAddress = 1;

std::span<const std::uint8_t> bytes_of(const vrrp::IpAddress& address) {
  return {address.data(), address.size()};
}

bool is_address(std::span<const std::uint8_t> bytes, const vrrp::IpAddress& address) {
  return std::ranges::equal(bytes, bytes_of(address));
}

}  // namespace

std::vector<std::uint8_t> arp_request(const Mac& mac, const vrrp::IpAddress& source,
                                      const vrrp::IpAddress& target) {
  constexpr Mac kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  constexpr Mac kNobody{};
  vrrp::WireWriter frame;
  frame.copy(kBroadcast);
  frame.copy(mac);
  frame.u16(kTypeArp);
  frame.u16(kEthernet);
  frame.u16(kTypeIp);
  frame.u8(6);
  frame.u8(4);
  frame.u16(kArpRequest);
  frame.copy(mac);
  frame.copy(bytes_of(source));
  frame.copy(kNobody);
  frame.copy(bytes_of(target));
  return frame.take();
}

bool is_arp_reply(std::span<const std::uint8_t> frame, const vrrp::IpAddress& target) {
  vrrp::WireReader reader(frame);
  reader.skip(12);  // Ethernet addresses
  const bool arp = reader.u16() == kTypeArp && reader.u16() == kEthernet &&
                   reader.u16() == kTypeIp && reader.u8() == 6 && reader.u8() == 4 &&
                   reader.u16() == kArpReply;
  if (!arp) return false;
  std::array<std::uint8_t, 4> sender{};
  reader.skip(6);
  reader.copy(sender);
  return reader.ok() && is_address(sender, target);
}

std::vector<std::uint8_t> neighbour_solicitation(const Mac& mac, const vrrp::IpAddress& target) {
  vrrp::WireWriter message;
  message.u8(kSolicitation);
  message.u8(0);
  message.u16(0);  // checksum
  message.u32(0);
  message.copy(bytes_of(target));
  message.u8(kSourceLinkLayerAddress);
  message.u8(1);  // in units of eight bytes
  message.copy(mac);
  return message.take();
}

vrrp::IpAddress solicited_node(const vrrp::IpAddress& target) {
  std::array<std::uint8_t, 16> group{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::copy_n(target.data() + 13, 3, group.begin() + 13);
  return vrrp::IpAddress::v6(group);
}

bool is_neighbour_advertisement(std::span<const std::uint8_t> message,
                                const vrrp::IpAddress& target) {
  vrrp::WireReader reader(message);
  if (reader.u8() != kAdvertisement) return false;
  reader.skip(7);  // code, checksum, flags
  std::array<std::uint8_t, 16> advertised{};
  reader.copy(advertised);
  return reader.ok() && is_address(advertised, target);
}

}  // namespace agent
