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
  if (datagram.ttl != kVrrpTtl) return Refusal::ttl;
  const auto& peers = rules.unicast_peers;
  if (datagram.destination.is_multicast() != peers.empty()) return Refusal::kind;
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

}  // namespace

std::variant<Admitted, Refused> admit(const Datagram& datagram, const AdmissionRules& rules) {
  if (const auto refusal = refusal_of_envelope(datagram, rules)) return Refused{*refusal};
  auto result = decode(datagram.payload, datagram.source, datagram.destination);
  if (const auto* error = std::get_if<DecodeError>(&result)) {
    return Refused{Refusal::malformed, *error};
  }
  auto& decoded = std::get<Decoded>(result);
  if (const auto refusal = refusal_of_content(decoded.advertisement, rules)) {
    return Refused{*refusal};
  }
  const bool differs = as_set(decoded.advertisement.addresses) != as_set(rules.addresses);
  return Admitted{std::move(decoded.advertisement), decoded.checksum_form, differs};
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
    case Refusal::malformed: return "malformed";
    case Refusal::version: return "version";
    case Refusal::auth_type: return "auth_type";
    case Refusal::auth_password: return "auth_password";
    case Refusal::interval: return "interval";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Refusal refusal) {
  return out << to_string(refusal);
}

std::ostream& operator<<(std::ostream& out, const Refused& refused) {
  out << "refused: " << refused.reason;
  if (refused.reason == Refusal::malformed) out << ", " << refused.decode_error;
  return out;
}

std::ostream& operator<<(std::ostream& out, const Admitted& admitted) {
  return out << Decoded{admitted.advertisement, admitted.checksum_form}
             << (admitted.address_list_differs ? ", other addresses" : "");
}

}  // namespace vrrp
