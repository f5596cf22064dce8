// Asking a neighbour on the same link whether it is there, as bytes: ARP (RFC 826) for IPv4 and
// neighbour solicitation (RFC 4861) for IPv6. Both are answered by hosts that filter ICMP echo.
// Knows no socket.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "vrrp/address.hpp"

namespace agent {

using Mac = std::array<std::uint8_t, 6>;

// A whole Ethernet frame, broadcast: "who has `target`, tell `source`".
std::vector<std::uint8_t> arp_request(const Mac& mac, const vrrp::IpAddress& source,
                                      const vrrp::IpAddress& target);
// Whether `frame`, with its Ethernet header, is the reply of `target`.
bool is_arp_reply(std::span<const std::uint8_t> frame, const vrrp::IpAddress& target);

// The ICMPv6 message; the kernel writes the checksum and the header, whose hop limit must be 255.
std::vector<std::uint8_t> neighbour_solicitation(const Mac& mac, const vrrp::IpAddress& target);
// Where it is sent: the solicited-node multicast group of `target` (RFC 4291 section 2.7.1).
vrrp::IpAddress solicited_node(const vrrp::IpAddress& target);
// Whether `message`, from the ICMPv6 header on, is the advertisement of `target`.
bool is_neighbour_advertisement(std::span<const std::uint8_t> message,
                                const vrrp::IpAddress& target);

}  // namespace agent
