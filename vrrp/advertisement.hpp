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
// bytes of authentication data follow the addresses, zero without a password. IPv4 only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
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
  // v2 only. A type other than none and pass is refused by decode(). Without a password `auth` is
  // zero on both ways: the field is to be ignored then (RFC 3768 section 5.3.10).
  AuthType auth_type = AuthType::none;
  AuthPass auth{};

  bool operator==(const Advertisement&) const = default;
};
// Leaves the password out.
std::ostream& operator<<(std::ostream& out, const Advertisement& advertisement);

// How a v3 IPv4 checksum was made. keepalived and RFC 5798 include a pseudo-header; RFC 9568
// section 5.2.8 drops it for IPv4, as Cisco and Juniper always did. Both are accepted. v2 never has
// one and IPv6 always has, so for those the word says nothing and stays at its default.
enum class ChecksumForm : std::uint8_t { pseudo_header, message_only };

// In the order of the checks, which is that of RFC 9568 section 7.1: version, type, completeness,
// checksum. Only after the checksum are values judged, except the v2 authentication type, which is
// answered first because a type that Tandem does not speak may come with another trailer.
enum class DecodeError : std::uint8_t {
  too_short,      // ends inside the fixed header (found first), the addresses or the v2 trailer
  bad_version,    // neither 2 nor 3, or 2 over IPv6
  bad_type,       // not an advertisement (1)
  too_long,       // bytes left over behind the addresses or the v2 trailer
  bad_auth_type,  // v2: neither none nor simple password
  bad_checksum,   // right in neither form
  no_address,     // count is 0
  bad_interval,   // 0 (RFC 9568 erratum 8301)
};
inline constexpr std::size_t kDecodeErrorCount = 8;
std::string_view to_string(DecodeError error);
std::ostream& operator<<(std::ostream& out, DecodeError error);

struct Decoded {
  Advertisement advertisement;
  ChecksumForm checksum_form = ChecksumForm::pseudo_header;

  bool operator==(const Decoded&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Decoded& decoded);

// `source` and `destination` enter the pseudo-header; `source` decides the family of the addresses.
// The caller's configuration has made sure of what the format cannot say otherwise: an interval
// that is_valid_interval() (timing.hpp) accepts, and 1 to 255 addresses of that family.
std::vector<std::uint8_t> encode(const Advertisement& advertisement, const IpAddress& source,
                                 const IpAddress& destination,
                                 ChecksumForm form = ChecksumForm::pseudo_header);

// Reserved bits of v3 are ignored (RFC 9568 section 5.2.6). The last `trailer_size` bytes of the
// message are an authentication trailer (authentication.hpp), of which nothing is read here. The
// checksum of IPv4 leaves it out, that of IPv6 covers it: there it is the kernel's, over all that
// IP carries.
std::variant<Decoded, DecodeError> decode(std::span<const std::uint8_t> message,
                                          const IpAddress& source, const IpAddress& destination,
                                          std::size_t trailer_size = 0);

// Where the checksum stands in a message; it has two bytes.
inline constexpr std::size_t kChecksumOffset = 6;
// The length that the header claims: fixed part, addresses, v2's authentication data. nullopt: too
// short to tell, or a version that is neither 2 nor 3.
std::optional<std::size_t> claimed_length(std::span<const std::uint8_t> message, Family family);
// Adds a trailer behind an encoded message.
void append_trailer(std::vector<std::uint8_t>& message, std::span<const std::uint8_t> trailer,
                    const IpAddress& source, const IpAddress& destination);

}  // namespace vrrp
