// A VRRP advertisement: bytes to value and back. Knows the two formats, no rules of admission
// (admission.hpp) and no sockets.
//
// VRRPv3 (RFC 9568 section 5.2):
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |Version| Type  | Virtual Rtr ID|   Priority    |IPvX Addr Count|
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |Reserve| Max Advertise Interval|          Checksum             |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                      IPvX Address(es)                         |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// VRRPv2 (RFC 3768 section 5.1): byte 4 is Auth Type, byte 5 Adver Int in whole seconds, and eight
// bytes of authentication data follow the addresses, zero without a password.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/types.hpp"

namespace vrrp {

// Simple text password of VRRPv2, padded with zeros (RFC 2338 section 5.3.6). Sent in clear text by
// the protocol; kept out of logs and status all the same.
using AuthPass = std::array<std::uint8_t, 8>;
// The first eight bytes of `text`; longer passwords are cut, as keepalived cuts them.
AuthPass make_auth_pass(std::string_view text);

enum class AuthType : std::uint8_t { none = 0, pass = 1 };

struct Advertisement {
  Version version = Version::v3;
  Vrid vrid;
  Priority priority;
  // v3: 10 ms to 40.95 s in steps of 10 ms. v2: 1 s to 255 s in steps of 1 s.
  Duration interval{};
  std::vector<IpAddress> addresses;
  // v2 only. A type other than none and pass is refused by decode().
  AuthType auth_type = AuthType::none;
  AuthPass auth{};

  bool operator==(const Advertisement&) const = default;
};

// How a v3 IPv4 checksum was made. keepalived and RFC 5798 include a pseudo-header; RFC 9568
// section 5.2.8 drops it for IPv4, as Cisco and Juniper always did. Both are accepted.
enum class ChecksumForm : std::uint8_t { pseudo_header, message_only };

enum class DecodeError : std::uint8_t {
  too_short,          // ends inside the fixed header, the addresses or the v2 authentication data
  too_long,           // bytes left over behind them
  bad_version,        // neither 2 nor 3
  bad_type,           // not an advertisement (1)
  bad_auth_type,      // v2: neither none nor simple password
  bad_checksum,       // right in neither form
  no_address,         // count is 0
  bad_interval,       // 0 (RFC 9568 erratum 8301)
};
std::string_view to_string(DecodeError error);

struct Decoded {
  Advertisement advertisement;
  ChecksumForm checksum_form = ChecksumForm::pseudo_header;

  bool operator==(const Decoded&) const = default;
};

// `source` and `destination` enter the pseudo-header and decide the family of the addresses.
std::vector<std::uint8_t> encode(const Advertisement& advertisement, const IpAddress& source,
                                 const IpAddress& destination,
                                 ChecksumForm form = ChecksumForm::pseudo_header);

std::variant<Decoded, DecodeError> decode(std::span<const std::uint8_t> message,
                                          const IpAddress& source, const IpAddress& destination);

}  // namespace vrrp
