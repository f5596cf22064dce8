// Which packets are let in, and by which reason the others are not.
#include "vrrp/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <sstream>

#include "captures.hpp"

namespace vrrp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Verdict = std::variant<Admitted, Refused>;

const IpAddress kUs = IpAddress::v4({10, 51, 0, 2});
const IpAddress kPeer = IpAddress::v4({10, 51, 0, 1});
const IpAddress kVip = IpAddress::v4({10, 51, 0, 120});
const IpAddress kSecondVip = IpAddress::v4({10, 51, 0, 121});

// An advertisement on its way to us; what a test changes goes through encode().
struct Packet {
  Advertisement advertisement;
  IpAddress source = kPeer;
  IpAddress destination = ipv4_multicast_group();
  std::uint8_t ttl = 255;
  ChecksumForm form = ChecksumForm::pseudo_header;
};

AdmissionRules v2_rules();
AdmissionRules v3_rules();
AdmissionRules unicast(AdmissionRules rules);
Packet packet_of(const AdmissionRules& rules);
Packet changed(Packet packet, const std::function<void(Packet&)>& change);
Verdict admit(const Packet& packet, const AdmissionRules& rules);
Verdict admit_message(const Bytes& message, const AdmissionRules& rules);
Verdict admitted(const Packet& packet) {
  return Verdict(Admitted{packet.advertisement, packet.form, false});
}
Verdict refused(Refusal reason) {
  return Verdict(Refused{reason});
}

TEST(Admission, LetsKeepalivedIn) {
  for (const Capture& capture : captures()) {
    SCOPED_TRACE(capture.name);
    AdmissionRules rules;
    rules.version = capture.reading.version;
    rules.vrid = capture.reading.vrid;
    rules.interval = capture.reading.interval;
    rules.auth_type = capture.reading.auth_type;
    rules.auth = capture.reading.auth;
    rules.addresses = capture.reading.addresses;
    rules.own_source = address(capture.ip_header_size == 40 ? "fe80::2" : "10.51.0.2");
    const auto destination = address(capture.destination);
    if (!destination.is_multicast()) rules.unicast_peers = {address(capture.source)};
    const Bytes message = capture.message();
    EXPECT_EQ(admit(Datagram{address(capture.source), destination, 255, message}, rules),
              Verdict(Admitted{capture.reading}));
  }
}

TEST(Admission, RefusesAnotherGroup) {
  const auto other = changed(packet_of(v3_rules()), [](Packet& p) { p.advertisement.vrid = {52}; });
  EXPECT_EQ(admit(other, v3_rules()), refused(Refusal::vrid));
}

TEST(Admission, RefusesWhatCrossedARouter) {
  for (const std::uint8_t ttl : Bytes{0, 1, 64, 254}) {
    EXPECT_EQ(admit(changed(packet_of(v3_rules()), [&](Packet& p) { p.ttl = ttl; }), v3_rules()),
              refused(Refusal::ttl));
    const auto rules = unicast(v3_rules());
    EXPECT_EQ(admit(changed(packet_of(rules), [&](Packet& p) { p.ttl = ttl; }), rules),
              refused(Refusal::ttl));
  }
}

TEST(Admission, TakesRoutedUnicastOnRequest) {
  auto routed = unicast(v3_rules());
  routed.unicast_ttl_min = 60;
  const auto packet = [&](std::uint8_t ttl) {
    return changed(packet_of(routed), [&](Packet& p) { p.ttl = ttl; });
  };
  EXPECT_EQ(admit(packet(60), routed), admitted(packet(60)));
  EXPECT_EQ(admit(packet(59), routed), refused(Refusal::ttl));
  auto multicast = v3_rules();
  multicast.unicast_ttl_min = 60;
  const auto crossed = changed(packet_of(multicast), [](Packet& p) { p.ttl = 254; });
  EXPECT_EQ(admit(crossed, multicast), refused(Refusal::ttl)) << "a group is never routed";
}

TEST(Admission, RefusesAnotherAddressListOnRequest) {
  auto strict = v3_rules();
  strict.require_same_addresses = true;
  EXPECT_EQ(admit(packet_of(strict), strict), admitted(packet_of(strict)));
  const auto other = changed(packet_of(strict), [](Packet& p) {
    p.advertisement.addresses.push_back(kSecondVip);
    p.advertisement.addresses.push_back(address("10.51.0.122"));
  });
  EXPECT_EQ(admit(other, strict), refused(Refusal::address_list));
}

TEST(Admission, RefusesUnicastForMulticastAndTheOtherWayRound) {
  const auto rules = unicast(v3_rules());
  EXPECT_EQ(admit(packet_of(rules), rules), admitted(packet_of(rules)));
  EXPECT_EQ(admit(packet_of(rules), v3_rules()), refused(Refusal::kind));
  EXPECT_EQ(admit(packet_of(v3_rules()), rules), refused(Refusal::kind));
}

TEST(Admission, RefusesItsOwnPacket) {
  for (const auto& rules : {v3_rules(), unicast(v3_rules())}) {
    EXPECT_EQ(admit(changed(packet_of(rules), [](Packet& p) { p.source = kUs; }), rules),
              refused(Refusal::own_packet));
  }
}

TEST(Admission, RefusesUnicastFromAStranger) {
  auto rules = unicast(v3_rules());
  const auto stranger =
      changed(packet_of(rules), [](Packet& p) { p.source = address("10.51.0.99"); });
  EXPECT_EQ(admit(stranger, rules), refused(Refusal::unknown_source));
  rules.unicast_peers.push_back(stranger.source);
  EXPECT_EQ(admit(stranger, rules), admitted(stranger)) << "every peer counts";
}

TEST(Admission, TakesMulticastFromAnybody) {
  const auto stranger =
      changed(packet_of(v3_rules()), [](Packet& p) { p.source = address("10.51.0.99"); });
  EXPECT_EQ(admit(stranger, v3_rules()), admitted(stranger));
}

TEST(Admission, RefusesTheMalformedAndSaysWhy) {
  const auto malformed = [](DecodeError why) { return Verdict(Refused{Refusal::malformed, why}); };
  EXPECT_EQ(admit_message(bytes_of(""), v3_rules()), malformed(DecodeError::too_short));
  EXPECT_EQ(admit_message(bytes_of("31"), v3_rules()), malformed(DecodeError::too_short));
  EXPECT_EQ(admit_message(bytes_of("3133 fa01"), v3_rules()), malformed(DecodeError::too_short));
  EXPECT_EQ(admit_message(bytes_of("3133 fa01 000a dead 0a33 0078"), v3_rules()),
            malformed(DecodeError::bad_checksum));
  EXPECT_EQ(admit_message(bytes_of("4133 fa01 000a df52 0a33 0078"), v3_rules()),
            malformed(DecodeError::bad_version));
}

TEST(Admission, RefusesTheOtherVersion) {
  EXPECT_EQ(admit(packet_of(v2_rules()), v3_rules()), refused(Refusal::version));
  EXPECT_EQ(admit(packet_of(v3_rules()), v2_rules()), refused(Refusal::version));
}

TEST(Admission, RefusesAnotherAuthenticationType) {
  auto open = v2_rules();
  open.auth_type = AuthType::none;
  EXPECT_EQ(admit(packet_of(open), open), admitted(packet_of(open)));
  EXPECT_EQ(admit(packet_of(open), v2_rules()), refused(Refusal::auth_type));
  EXPECT_EQ(admit(packet_of(v2_rules()), open), refused(Refusal::auth_type));
}

TEST(Admission, RefusesAnotherPassword) {
  for (const std::string_view password : {"", "s3cre", "s3crets", "S3cret"}) {
    const auto other = changed(packet_of(v2_rules()),
                               [&](Packet& p) { p.advertisement.auth = make_auth_pass(password); });
    EXPECT_EQ(admit(other, v2_rules()), refused(Refusal::auth_password)) << password;
  }
}

TEST(Admission, RefusesAnotherIntervalInV2AndTakesItInV3) {
  const auto slower = [](Packet& p) { p.advertisement.interval = seconds(2); };
  EXPECT_EQ(admit(changed(packet_of(v2_rules()), slower), v2_rules()), refused(Refusal::interval));
  const auto v3 = changed(packet_of(v3_rules()), slower);
  EXPECT_EQ(admit(v3, v3_rules()), admitted(v3));
}

// v2 has most checks. The packet fails all of them and is mended one by one.
TEST(Admission, NamesTheFirstReason) {
  const AdmissionRules rules = unicast(v2_rules());
  Packet packet = packet_of(unicast(v3_rules()));
  packet.advertisement.vrid = Vrid{52};
  packet.advertisement.interval = seconds(2);
  packet.destination = ipv4_multicast_group();
  packet.source = kUs;
  packet.ttl = 64;
  EXPECT_EQ(admit(packet, rules), refused(Refusal::vrid));
  packet.advertisement.vrid = rules.vrid;
  EXPECT_EQ(admit(packet, rules), refused(Refusal::ttl));
  packet.ttl = 255;
  EXPECT_EQ(admit(packet, rules), refused(Refusal::kind));
  packet.destination = kUs;
  EXPECT_EQ(admit(packet, rules), refused(Refusal::own_packet));
  packet.source = address("10.51.0.99");
  EXPECT_EQ(admit(packet, rules), refused(Refusal::unknown_source));
  packet.source = kPeer;
  const Datagram cut{packet.source, packet.destination, packet.ttl, {}};
  EXPECT_EQ(admit(cut, rules), refused(Refusal::malformed));
  EXPECT_EQ(admit(packet, rules), refused(Refusal::version));
  packet.advertisement.version = Version::v2;
  EXPECT_EQ(admit(packet, rules), refused(Refusal::auth_type));
  packet.advertisement.auth_type = AuthType::pass;
  EXPECT_EQ(admit(packet, rules), refused(Refusal::auth_password));
  packet.advertisement.auth = rules.auth;
  EXPECT_EQ(admit(packet, rules), refused(Refusal::interval));
  packet.advertisement.interval = rules.interval;
  EXPECT_EQ(admit(packet, rules), admitted(packet));
}

TEST(Admission, SaysWhenTheChecksumIsOverTheMessageOnly) {
  const auto packet =
      changed(packet_of(v3_rules()), [](Packet& p) { p.form = ChecksumForm::message_only; });
  EXPECT_EQ(admit(packet, v3_rules()), admitted(packet));
}

TEST(Admission, ComparesAddressesAsSetsAndOnlyWarns) {
  const auto with_addresses = [](std::vector<IpAddress> addresses) {
    return changed(packet_of(v3_rules()),
                   [&](Packet& p) { p.advertisement.addresses = std::move(addresses); });
  };
  const auto differs = [](const Packet& packet, bool expected) {
    return Verdict(Admitted{packet.advertisement, packet.form, expected});
  };
  for (const auto& same : {with_addresses({kVip, kSecondVip}), with_addresses({kSecondVip, kVip}),
                           with_addresses({kVip, kSecondVip, kVip})}) {
    EXPECT_EQ(admit(same, v3_rules()), differs(same, false));
  }
  for (const auto& other :
       {with_addresses({kVip}), with_addresses({kVip, kSecondVip, address("10.51.0.122")}),
        with_addresses({kVip, address("10.51.0.122")})}) {
    EXPECT_EQ(admit(other, v3_rules()), differs(other, true));
  }
}

TEST(PeekVrid, ReadsTheSecondByteAndNothingElse) {
  EXPECT_EQ(peek_vrid(bytes_of("ff33")), Vrid{51});
  EXPECT_EQ(peek_vrid(bytes_of("3133 fa01 000a df52 0a33 0078")), Vrid{51});
  EXPECT_EQ(peek_vrid(bytes_of("31")), Vrid{0});
  EXPECT_EQ(peek_vrid({}), Vrid{0});
}

TEST(Refusal, HasAShortWordForEach) {
  std::set<std::string> words;
  for (std::size_t reason = 0; reason < kRefusalCount; ++reason) {
    words.insert(std::string(to_string(static_cast<Refusal>(reason))));
  }
  EXPECT_EQ(words,
            (std::set<std::string>{
                "vrid", "ttl", "kind", "own_packet", "unknown_source", "auth_missing",
                "auth_malformed", "auth_stale", "auth_unknown_key", "auth_forged", "auth_replayed",
                "malformed", "version", "auth_type", "auth_password", "interval", "address_list"}));
}

TEST(Refused, PrintsItsReason) {
  std::ostringstream out;
  out << Refused{Refusal::malformed, DecodeError::bad_checksum} << "; " << Refused{Refusal::ttl};
  EXPECT_EQ(out.str(), "refused: malformed, bad_checksum; refused: ttl");
}

AdmissionRules v3_rules() {
  AdmissionRules rules;
  rules.vrid = Vrid{51};
  rules.interval = milliseconds(100);
  rules.addresses = {kVip, kSecondVip};
  rules.own_source = kUs;
  return rules;
}

AdmissionRules v2_rules() {
  AdmissionRules rules = v3_rules();
  rules.version = Version::v2;
  rules.interval = seconds(1);
  rules.auth_type = AuthType::pass;
  rules.auth = make_auth_pass("s3cret");
  return rules;
}

AdmissionRules unicast(AdmissionRules rules) {
  rules.unicast_peers = {kPeer};
  return rules;
}

// What a peer of the same configuration sends.
Packet packet_of(const AdmissionRules& rules) {
  const bool pass = rules.auth_type == AuthType::pass;
  Packet packet;
  packet.advertisement = {rules.version,
                          rules.vrid,
                          Priority{250},
                          rules.interval,
                          rules.addresses,
                          rules.auth_type,
                          pass ? rules.auth : AuthPass{}};
  if (!rules.unicast_peers.empty()) packet.destination = kUs;
  return packet;
}

Packet changed(Packet packet, const std::function<void(Packet&)>& change) {
  change(packet);
  return packet;
}

Verdict admit(const Packet& packet, const AdmissionRules& rules) {
  const Bytes message =
      encode(packet.advertisement, packet.source, packet.destination, packet.form);
  return admit(Datagram{packet.source, packet.destination, packet.ttl, message}, rules);
}

Verdict admit_message(const Bytes& message, const AdmissionRules& rules) {
  return admit(Datagram{kPeer, ipv4_multicast_group(), 255, message}, rules);
}

}  // namespace
}  // namespace vrrp
