// The receive checks of RFC 9568 section 7.1 (RFC 3768 section 7.1) in one fixed order. A packet
// that fails is refused with a named reason and touches nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "vrrp/advertisement.hpp"
#include "vrrp/datagram.hpp"

namespace vrrp {

struct AdmissionRules {
  Version version = Version::v3;
  Vrid vrid;
  Duration interval{};                   // v2 refuses another one
  AuthType auth_type = AuthType::none;   // v2
  AuthPass auth{};
  std::vector<IpAddress> addresses;      // our VIPs, for the mismatch warning
  std::vector<IpAddress> unicast_peers;  // empty: multicast
  IpAddress own_source;                  // our own adverts, looped back, are refused
};

enum class Refusal : std::uint8_t {
  ttl,              // not 255
  kind,             // unicast where multicast is configured, or the other way round
  unknown_source,   // unicast from an address that is not a peer's
  own_packet,       // our own source address
  malformed,        // see DecodeError
  version,
  vrid,             // another group: not ours to judge, counted apart
  auth_type,
  auth_password,
  interval,         // v2: differs from ours
};
inline constexpr std::size_t kRefusalCount = 10;
std::string_view to_string(Refusal refusal);

struct Refused {
  Refusal reason = Refusal::malformed;
  DecodeError decode_error = DecodeError::too_short;  // meaningful when malformed

  bool operator==(const Refused&) const = default;
};

struct Admitted {
  Advertisement advertisement;
  ChecksumForm checksum_form = ChecksumForm::pseudo_header;
  // Accepted with a warning, as keepalived >= 2.3.3 does.
  bool address_list_differs = false;

  bool operator==(const Admitted&) const = default;
};

std::variant<Admitted, Refused> admit(const Datagram& datagram, const AdmissionRules& rules);

// The VRID of a message without judging the rest; 0 when it is too short. For dispatch.
Vrid peek_vrid(std::span<const std::uint8_t> message);

struct ReceiveCounters {
  std::uint64_t accepted = 0;
  std::uint64_t accepted_message_only_checksum = 0;
  std::array<std::uint64_t, kRefusalCount> refused{};
};

}  // namespace vrrp
