// The bytes that tell a network where an address is now. Built, not sent (announcer).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/io/netlink.hpp"

namespace vrrp::io {

// An ARP request whose sender and target address are the VIP, broadcast, from the real MAC: the
// form keepalived sends. 42 bytes with the Ethernet header.
std::array<std::uint8_t, 42> gratuitous_arp_frame(const MacAddress& mac, const IpAddress& vip);

// An unsolicited neighbour advertisement (RFC 4861 section 7.2.6) to all nodes, with Override, and
// with Router when this host forwards IPv6. 86 bytes with the Ethernet header.
std::vector<std::uint8_t> neighbour_advertisement_frame(const MacAddress& mac, const IpAddress& vip,
                                                        bool router);

}  // namespace vrrp::io
