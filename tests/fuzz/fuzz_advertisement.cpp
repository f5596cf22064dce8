// Whatever arrives on a VRRP socket: split, decoded and admitted without a fault of memory or
// arithmetic. What decodes has a value that survives the wire, and admission never accepts what its
// own rules forbid.
//
// An input is four bytes of choices, then a packet or a message. Random bytes rarely have a right
// checksum, so one of the choices makes it right.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "vrrp/admission.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/datagram.hpp"
#include "vrrp/wire.hpp"

namespace {

using fuzz::promise;
using vrrp::AdmissionRules;
using vrrp::Datagram;
using vrrp::IpAddress;

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kChoices = 4;
constexpr std::size_t kChecksumAt = 6;

struct Choices {
  bool ipv6 = false;
  bool with_ip_header = false;
  bool right_checksum = false;
  bool pseudo_header = false;
  bool unicast = false;
  bool rules_v2 = false;
  bool rules_pass = false;
  std::uint8_t source = 0;  // the last byte of the address
  std::uint8_t destination = 0;
  std::uint8_t ttl = 0;
};

Choices choices_of(std::span<const std::uint8_t> bytes) {
  const auto bit = [&](unsigned number) { return ((bytes[0] >> number) & 1U) != 0; };
  return {bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bytes[1], bytes[2], bytes[3]};
}

IpAddress host(bool ipv6, std::uint8_t last) {
  if (!ipv6) return IpAddress::v4({10, 51, 0, last});
  return IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
}

IpAddress group(bool ipv6) {
  if (!ipv6) return vrrp::ipv4_multicast_group();
  return IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12});
}

void make_checksum_right(Bytes& message, const Choices& choices, const IpAddress& source,
                         const IpAddress& destination) {
  if (message.size() < kChecksumAt + 2) return;
  vrrp::WireWriter writer;
  if (choices.pseudo_header) {
    writer.copy({source.data(), source.size()});
    writer.copy({destination.data(), destination.size()});
    writer.u32(static_cast<std::uint32_t>(message.size()));
    writer.u32(vrrp::kIpProtocolVrrp);
  }
  const std::size_t begin = writer.size();
  writer.copy(message);
  writer.patch_u16(begin + kChecksumAt, 0);
  writer.patch_u16(begin + kChecksumAt,
                   vrrp::checksum_finish(vrrp::checksum_add(0, writer.bytes())));
  const auto bytes = writer.bytes().subspan(begin);
  message.assign(bytes.begin(), bytes.end());
}

AdmissionRules rules_of(const Choices& choices) {
  AdmissionRules rules;
  rules.version = choices.rules_v2 ? vrrp::Version::v2 : vrrp::Version::v3;
  rules.vrid = vrrp::Vrid{51};
  rules.interval = std::chrono::seconds(1);
  if (choices.rules_v2 && choices.rules_pass) {
    rules.auth_type = vrrp::AuthType::pass;
    rules.auth = vrrp::make_auth_pass("s3cret");
  }
  rules.addresses = {host(choices.ipv6, 120)};
  if (choices.unicast) rules.unicast_peers = {host(choices.ipv6, 1)};
  rules.own_source = host(choices.ipv6, 2);
  return rules;
}

void check_split(const Datagram& datagram, std::span<const std::uint8_t> packet) {
  const std::uint8_t* const begin = datagram.payload.data();
  promise(begin >= packet.data() &&
          begin + datagram.payload.size() <= packet.data() + packet.size());
  const Bytes built =
      vrrp::build_ipv4(datagram.source, datagram.destination, 1, datagram.ttl, datagram.payload);
  const auto again = vrrp::parse_ipv4(built);
  promise(again && again->source == datagram.source && again->destination == datagram.destination);
  promise(again->ttl == datagram.ttl &&
          std::equal(again->payload.begin(), again->payload.end(), datagram.payload.begin(),
                     datagram.payload.end()));
}

// The value is the same after the wire, and the bytes too from the second time on: the first may
// have lost reserved bits and an authentication field that nobody looks at.
void check_round_trip(const vrrp::Decoded& decoded, const IpAddress& source,
                      const IpAddress& destination) {
  const Bytes message =
      vrrp::encode(decoded.advertisement, source, destination, decoded.checksum_form);
  const auto again = vrrp::decode(message, source, destination);
  const auto* const value = std::get_if<vrrp::Decoded>(&again);
  promise(value != nullptr && *value == decoded);
  promise(message == vrrp::encode(value->advertisement, source, destination, value->checksum_form));
}

void check_admission(const Datagram& datagram, const AdmissionRules& rules) {
  const auto judged = vrrp::admit(datagram, rules);
  const auto decoded = vrrp::decode(datagram.payload, datagram.source, datagram.destination);
  const auto* const value = std::get_if<vrrp::Decoded>(&decoded);
  if (value != nullptr) check_round_trip(*value, datagram.source, datagram.destination);
  if (const auto* const admitted = std::get_if<vrrp::Admitted>(&judged)) {
    promise(value != nullptr && admitted->advertisement == value->advertisement &&
            admitted->checksum_form == value->checksum_form);
    promise(datagram.ttl == vrrp::kVrrpTtl && datagram.source != rules.own_source);
    promise(datagram.destination.is_multicast() == rules.unicast_peers.empty());
    promise(value->advertisement.vrid == rules.vrid);
    promise(value->advertisement.version == rules.version);
    return;
  }
  const auto refused = std::get<vrrp::Refused>(judged);
  const bool malformed = refused.reason == vrrp::Refusal::malformed;
  if (malformed) promise(value == nullptr && refused.decode_error == std::get<1>(decoded));
  if (refused.reason > vrrp::Refusal::malformed) promise(value != nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoices) return 0;
  const Choices choices = choices_of({data, kChoices});
  Bytes rest(data + kChoices, data + size);
  if (choices.with_ip_header && !choices.ipv6) {
    const auto datagram = vrrp::parse_ipv4(rest);
    if (!datagram) return 0;
    check_split(*datagram, rest);
    check_admission(*datagram, rules_of(choices));
    return 0;
  }
  const IpAddress source = host(choices.ipv6, choices.source);
  const IpAddress destination =
      choices.unicast ? host(choices.ipv6, choices.destination) : group(choices.ipv6);
  if (choices.right_checksum) make_checksum_right(rest, choices, source, destination);
  check_admission({source, destination, choices.ttl, rest}, rules_of(choices));
  return 0;
}
