// One check after the other, in the order of Refusal. Keeps no memory of earlier packets.
#include "vrrp/admission.hpp"

#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

#include "vrrp/wire.hpp"

namespace vrrp {
namespace {

// What the IP header alone can tell. The VRID is compared even in a message too short for the rest;
// one that has none is malformed.
std::optional<Refusal> refusal_of_envelope(const Datagram& datagram, const AdmissionRules& rules) {
  const bool has_vrid = datagram.payload.size() >= 2;
  if (has_vrid && peek_vrid(datagram.payload) != rules.vrid) return Refusal::vrid;
  const auto& peers = rules.unicast_peers;
  const bool multicast = datagram.destination.is_multicast();
  if (datagram.ttl < (multicast ? kVrrpTtl : rules.unicast_ttl_min)) return Refusal::ttl;
  if (multicast != peers.empty()) return Refusal::kind;
  if (datagram.source == rules.own_source) return Refusal::own_packet;
  const bool is_peer = std::find(peers.begin(), peers.end(), datagram.source) != peers.end();
  if (!peers.empty() && !is_peer) return Refusal::unknown_source;
  return std::nullopt;
}

// What two routers of one group must agree on.
std::optional<Refusal> refusal_of_content(const Advertisement& advertisement,
                                          const AdmissionRules& rules) {
  if (advertisement.version != rules.version) return Refusal::version;
  if (rules.version == Version::v3) return std::nullopt;
  if (advertisement.auth_type != rules.auth_type) return Refusal::auth_type;
  if (rules.auth_type == AuthType::pass && advertisement.auth != rules.auth) {
    return Refusal::auth_password;
  }
  if (advertisement.interval != rules.interval) return Refusal::interval;
  return std::nullopt;
}

std::vector<IpAddress> as_set(std::vector<IpAddress> addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

Refusal refusal_of(AuthFailure failure) {
  switch (failure) {
    case AuthFailure::missing: return Refusal::auth_missing;
    case AuthFailure::malformed: return Refusal::auth_malformed;
    case AuthFailure::stale: return Refusal::auth_stale;
    case AuthFailure::unknown_key: return Refusal::auth_unknown_key;
    case AuthFailure::forged: return Refusal::auth_forged;
    case AuthFailure::replayed: return Refusal::auth_replayed;
  }
  return Refusal::auth_forged;
}

}  // namespace

std::variant<Admitted, Refused> admit(const Datagram& datagram, const AdmissionRules& rules,
                                      Authenticator* authenticator, WallTime now) {
  if (const auto refusal = refusal_of_envelope(datagram, rules)) return Refused{*refusal};
  std::size_t trailer_size = 0;
  if (authenticator != nullptr) {
    const auto verified = authenticator->verify(datagram.payload, datagram.source, now);
    if (const auto* refused = std::get_if<AuthRefusal>(&verified)) {
      return Refused{refusal_of(refused->failure), {}, *refused};
    }
    trailer_size = std::get<std::size_t>(verified);
  }
  auto result = decode(datagram.payload, datagram.source, datagram.destination, trailer_size);
  if (const auto* error = std::get_if<DecodeError>(&result)) {
    return Refused{Refusal::malformed, *error};
  }
  auto& decoded = std::get<Decoded>(result);
  if (const auto refusal = refusal_of_content(decoded.advertisement, rules)) {
    return Refused{*refusal};
  }
  const auto& addresses = decoded.advertisement.addresses;
  const bool differs = addresses != rules.addresses && as_set(addresses) != as_set(rules.addresses);
  if (differs && rules.require_same_addresses) return Refused{Refusal::address_list};
  return Admitted{std::move(decoded.advertisement), decoded.checksum_form, differs,
                  trailer_size != 0};
}

Vrid peek_vrid(std::span<const std::uint8_t> message) {
  WireReader reader(message);
  reader.skip(1);
  return Vrid{reader.u8()};
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::vrid: return "vrid";
    case Refusal::ttl: return "ttl";
    case Refusal::kind: return "kind";
    case Refusal::own_packet: return "own_packet";
    case Refusal::unknown_source: return "unknown_source";
    case Refusal::auth_missing: return "auth_missing";
    case Refusal::auth_malformed: return "auth_malformed";
    case Refusal::auth_stale: return "auth_stale";
    case Refusal::auth_unknown_key: return "auth_unknown_key";
    case Refusal::auth_forged: return "auth_forged";
    case Refusal::auth_replayed: return "auth_replayed";
    case Refusal::malformed: return "malformed";
    case Refusal::version: return "version";
    case Refusal::auth_type: return "auth_type";
    case Refusal::auth_password: return "auth_password";
    case Refusal::interval: return "interval";
    case Refusal::address_list: return "address_list";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Refusal refusal) {
  return out << to_string(refusal);
}

std::ostream& operator<<(std::ostream& out, const Refused& refused) {
  out << "refused: " << refused.reason;
  if (refused.reason == Refusal::malformed) out << ", " << refused.decode_error;
  if (refused.reason == Refusal::auth_stale) {
    out << ", its clock is " << refused.authentication.behind.count() << " s behind ours";
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const Admitted& admitted) {
  return out << Decoded{admitted.advertisement, admitted.checksum_form}
             << (admitted.address_list_differs ? ", other addresses" : "");
}

}  // namespace vrrp
