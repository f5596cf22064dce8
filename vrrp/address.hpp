// IPv4 and IPv6 addresses as values. Ordering is numeric within a family, as the tie-break of
// RFC 9568 section 6.4.3 needs it; IPv4 sorts before IPv6. Never resolves a name.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace vrrp {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };
// "IPv4", "IPv6"
std::string_view to_string(Family family);

class IpAddress {
 public:
  // 0.0.0.0
  IpAddress() = default;
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  // "192.168.1.120" or "fe80::1"; nothing else (no prefix, no zone, no host name).
  static std::optional<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  // Network order; 4 or 16 bytes.
  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return family_ == Family::ipv4 ? 4 : 16; }
  bool is_unspecified() const;
  bool is_multicast() const;
  // fe80::/10: means something on its own link only.
  bool is_link_local() const;
  std::string to_string() const;

  // NOLINTNEXTLINE(modernize-use-nullptr): the check takes the 0 of a rewritten < for a pointer
  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::ipv4;
  // An IPv4 address fills the first four; the rest stays zero, so that comparing all is right.
  std::array<std::uint8_t, 16> bytes_{};
};
std::ostream& operator<<(std::ostream& out, const IpAddress& address);

// An address with its prefix length, as `ip addr` shows it.
struct Prefix {
  IpAddress address;
  std::uint8_t length = 32;

  // "192.168.1.120/24". Without a length: nullopt (who calls decides what to say).
  static std::optional<Prefix> parse(std::string_view text);
  // Whether `other` lies in this network.
  bool contains(const IpAddress& other) const;
  std::string to_string() const;
  auto operator<=>(const Prefix&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Prefix& prefix);

// 224.0.0.18 (RFC 9568 section 5.1.1.2).
IpAddress ipv4_multicast_group();
// ff02::12 (RFC 9568 section 5.1.2.2).
IpAddress ipv6_multicast_group();
IpAddress multicast_group(Family family);

}  // namespace vrrp
