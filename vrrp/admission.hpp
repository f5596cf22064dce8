// The receive checks of RFC 9568 section 7.1 (RFC 3768 section 7.1) in one fixed order. A packet
// that fails is refused with a named reason and touches nothing else. Compares no priorities and
// changes no state (instance.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "vrrp/advertisement.hpp"
#include "vrrp/authentication.hpp"
#include "vrrp/datagram.hpp"

namespace vrrp {

struct AdmissionRules {
  Version version = Version::v3;
  Vrid vrid;
  Duration interval{};                   // v2 refuses another one
  AuthType auth_type = AuthType::none;   // v2
  AuthPass auth{};                       // v2 with AuthType::pass
  std::vector<IpAddress> addresses;      // our VIPs, for the mismatch warning
  std::vector<IpAddress> unicast_peers;  // empty: multicast
  IpAddress own_source;                  // our own adverts, looped back, are refused
  // Below it a unicast packet has crossed too many routers. Multicast needs 255 always.
  std::uint8_t unicast_ttl_min = kVrrpTtl;
  bool require_same_addresses = false;  // refuse another list of VIPs instead of warning
};

// In the order of the checks; the first that fails names the reason. RFC 9568 section 7.1 gives the
// TTL, then version, type, length and checksum, then the VRID, and wants the packet discarded
// whichever fails. The order differs in two places, so that the reason is the useful one:
// - The VRID comes first. On a LAN with several groups, each with its own version, password and
//   habits, another group's packet is no fault of ours and must not raise our counters; and it is
//   by peek_vrid(), before all other checks, that a shared socket finds the group.
// - Where the packet comes from is settled before its bytes are read.
enum class Refusal : std::uint8_t {
  vrid,            // another group: not ours to judge, counted apart
  ttl,             // it crossed a router (RFC 9568 sections 5.1.1.3 and 5.1.2.3)
  kind,            // unicast where multicast is configured, or the other way round
  own_packet,      // our own source address
  unknown_source,  // unicast from an address that is not a peer's
  auth_missing,    // see AuthFailure, of which these six are the words
  auth_malformed,
  auth_stale,
  auth_unknown_key,
  auth_forged,
  auth_replayed,
  malformed,      // see DecodeError
  version,        // well-formed, but not the version of this group
  auth_type,      // v2 (RFC 2338 section 7.1): not the configured type
  auth_password,  // v2: not the configured password
  interval,       // v2 (RFC 3768 section 7.1): differs from ours; v3 adopts the master's instead
  address_list,   // require_same_addresses (RFC 3768 section 7.1)
};
inline constexpr std::size_t kRefusalCount = 17;
std::string_view to_string(Refusal refusal);
std::ostream& operator<<(std::ostream& out, Refusal refusal);

struct Refused {
  Refusal reason = Refusal::malformed;
  DecodeError decode_error = DecodeError::too_short;  // meaningful when malformed
  AuthRefusal authentication{};                       // meaningful with the auth_ reasons

  bool operator==(const Refused&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Refused& refused);

struct Admitted {
  Advertisement advertisement;
  ChecksumForm checksum_form = ChecksumForm::pseudo_header;
  // The VIPs are not the same set as ours, in whatever order. Accepted with a warning, as
  // keepalived >= 2.3.3 does and RFC 9568 section 7.1 allows.
  bool address_list_differs = false;
  bool authenticated = false;  // it carried a good trailer

  bool operator==(const Admitted&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Admitted& admitted);

// `authenticator`: of a group that signs its adverts; nullptr without one. `now` is for it.
std::variant<Admitted, Refused> admit(const Datagram& datagram, const AdmissionRules& rules,
                                      Authenticator* authenticator = nullptr, WallTime now = {});

// The VRID of a message without judging the rest; 0 when it is too short. For dispatch.
Vrid peek_vrid(std::span<const std::uint8_t> message);

struct ReceiveCounters {
  std::uint64_t accepted = 0;
  std::uint64_t accepted_message_only_checksum = 0;
  std::array<std::uint64_t, kRefusalCount> refused{};        // by Refusal
  std::array<std::uint64_t, kDecodeErrorCount> malformed{};  // by DecodeError: what the sum is of
};

}  // namespace vrrp
