// The IPv4 header around an advertisement, built and read by hand because keepalived does so
// (IP_HDRINCL): TOS 0xC0, TTL 255, DF clear, protocol 112, an ID of our own. Judges neither TTL nor
// addresses (admission.hpp) and does no socket work.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vrrp/address.hpp"

namespace vrrp {

inline constexpr std::uint8_t kIpProtocolVrrp = 112;
inline constexpr std::uint8_t kVrrpTtl = 255;

// A received packet, split. `payload` points into the buffer that was parsed.
struct Datagram {
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;
  std::span<const std::uint8_t> payload;
  std::chrono::steady_clock::duration waited{};  // here, until it was read
};

// IP header and payload in one buffer, header checksum filled in. Both addresses must be IPv4 and
// the payload must fit into one packet.
std::vector<std::uint8_t> build_ipv4(const IpAddress& source, const IpAddress& destination,
                                     std::uint16_t id, std::uint8_t ttl,
                                     std::span<const std::uint8_t> payload);

// What a raw IPv4 socket delivers. Options are skipped; trailing Ethernet padding is cut to the
// header's total length. nullopt: not IPv4, truncated, a fragment, or not protocol 112. The header
// checksum is not looked at: the kernel dropped packets where it was wrong.
std::optional<Datagram> parse_ipv4(std::span<const std::uint8_t> packet);

}  // namespace vrrp
