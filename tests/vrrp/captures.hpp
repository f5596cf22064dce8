// Packets of a real keepalived 2.2.7, taken with tcpdump from a pair of network namespaces: whole
// IP packets without the Ethernet header, and above each what tcpdump reads in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vrrp/advertisement.hpp"

namespace vrrp {

using Bytes = std::vector<std::uint8_t>;

inline IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

// "45 c0" or "45c0"; blanks do not count.
inline Bytes bytes_of(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits.push_back(c);
  }
  Bytes bytes;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

struct Capture {
  std::string_view name;
  std::string_view packet;
  std::size_t ip_header_size;
  std::string_view source;
  std::string_view destination;
  Advertisement reading;

  Bytes message() const {
    const Bytes all = bytes_of(packet);
    return {all.begin() + static_cast<std::ptrdiff_t>(ip_header_size), all.end()};
  }
};

// tos 0xc0, ttl 255, id 1, flags [none], proto VRRP (112), length 44
// 10.51.0.1 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 250, authtype simple, intvl 1s,
// length 24, addrs(2): 10.51.0.120,10.51.0.121 auth "s3cret"
inline constexpr std::string_view kV2WithPass =
    "45c0 002c 0001 0000 ff70 d05a 0a33 0001 e000 0012"
    "2133 fa02 0101 9257 0a33 0078 0a33 0079 7333 6372 6574 0000";

// The same instance, stopped: id 4, prio 0.
inline constexpr std::string_view kV2WithPassResigning =
    "45c0 002c 0004 0000 ff70 d057 0a33 0001 e000 0012"
    "2133 0002 0101 8c58 0a33 0078 0a33 0079 7333 6372 6574 0000";

// tos 0xc0, ttl 255, id 1, flags [none], proto VRRP (112), length 40
// 10.51.0.1 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 240, authtype none, intvl 1s,
// length 20, addrs: 10.51.0.120
inline constexpr std::string_view kV2WithoutPass =
    "45c0 0028 0001 0000 ff70 d05e 0a33 0001 e000 0012"
    "2133 f001 0001 e41e 0a33 0078 0000 0000 0000 0000";

// tos 0xc0, ttl 255, id 1, flags [none], proto VRRP (112), length 32
// 10.51.0.1 > 224.0.0.18: VRRPv3, Advertisement, vrid 51, prio 250, intvl 10cs, length 12,
// addrs: 10.51.0.120
inline constexpr std::string_view kV3Multicast =
    "45c0 0020 0001 0000 ff70 d066 0a33 0001 e000 0012"
    "3133 fa01 000a df52 0a33 0078";

// tos 0xc0, ttl 255, id 1, flags [none], proto VRRP (112), length 32
// 10.51.0.1 > 10.51.0.2: VRRPv3, Advertisement, vrid 51, prio 250, intvl 100cs, length 12,
// addrs: 10.51.0.120
inline constexpr std::string_view kV3Unicast =
    "45c0 0020 0001 0000 ff70 a644 0a33 0001 0a33 0002"
    "3133 fa01 0064 b4d6 0a33 0078";

// The same instance, stopped: id 4, prio 0.
inline constexpr std::string_view kV3UnicastResigning =
    "45c0 0020 0004 0000 ff70 a641 0a33 0001 0a33 0002"
    "3133 0001 0064 aed7 0a33 0078";

// class 0xc0, flowlabel 0xbc5f6, hlim 255, next-header VRRP (112), payload length: 40
// fe80::f45c:ecff:fe43:7f71 > ff02::12: VRRPv3, Advertisement, vrid 51, prio 250, intvl 100cs,
// length 40, addrs(2): fe80::120,2001:db8::120
inline constexpr std::string_view kV3Ipv6 =
    "6c0b c5f6 0028 70ff fe80 0000 0000 0000 f45c ecff fe43 7f71"
    "ff02 0000 0000 0000 0000 0000 0000 0012"
    "3133 fa02 0064 48ab fe80 0000 0000 0000 0000 0000 0000 0120"
    "2001 0db8 0000 0000 0000 0000 0000 0120";

inline std::vector<Capture> captures() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const auto one = address("10.51.0.120");
  const auto two = address("10.51.0.121");
  const auto pass = make_auth_pass("s3cret");
  const Vrid vrid{51};
  return {
      {"v2_with_pass",
       kV2WithPass,
       20,
       "10.51.0.1",
       "224.0.0.18",
       {Version::v2, vrid, Priority{250}, seconds(1), {one, two}, AuthType::pass, pass}},
      {"v2_with_pass_resigning",
       kV2WithPassResigning,
       20,
       "10.51.0.1",
       "224.0.0.18",
       {Version::v2, vrid, kPriorityResign, seconds(1), {one, two}, AuthType::pass, pass}},
      {"v2_without_pass",
       kV2WithoutPass,
       20,
       "10.51.0.1",
       "224.0.0.18",
       {Version::v2, vrid, Priority{240}, seconds(1), {one}, AuthType::none, {}}},
      {"v3_multicast",
       kV3Multicast,
       20,
       "10.51.0.1",
       "224.0.0.18",
       {Version::v3, vrid, Priority{250}, milliseconds(100), {one}, AuthType::none, {}}},
      {"v3_unicast",
       kV3Unicast,
       20,
       "10.51.0.1",
       "10.51.0.2",
       {Version::v3, vrid, Priority{250}, seconds(1), {one}, AuthType::none, {}}},
      {"v3_unicast_resigning",
       kV3UnicastResigning,
       20,
       "10.51.0.1",
       "10.51.0.2",
       {Version::v3, vrid, kPriorityResign, seconds(1), {one}, AuthType::none, {}}},
      {"v3_ipv6",
       kV3Ipv6,
       40,
       "fe80::f45c:ecff:fe43:7f71",
       "ff02::12",
       {Version::v3,
        vrid,
        Priority{250},
        seconds(1),
        {address("fe80::120"), address("2001:db8::120")},
        AuthType::none,
        {}}},
  };
}

}  // namespace vrrp
