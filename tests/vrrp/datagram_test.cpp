// The IPv4 header around an advertisement: what keepalived sends, and what must not be taken for
// it.
#include "vrrp/datagram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "captures.hpp"
#include "vrrp/wire.hpp"

namespace vrrp {
namespace {

// A Datagram that owns its payload, to be compared and printed as a whole.
struct Parsed {
  IpAddress source;
  IpAddress destination;
  int ttl = 0;
  Bytes payload;

  bool operator==(const Parsed&) const = default;
};

void PrintTo(const Parsed& parsed, std::ostream* out) {
  *out << parsed.source << " > " << parsed.destination << " ttl " << parsed.ttl << ' '
       << ::testing::PrintToString(parsed.payload);
}

std::optional<Parsed> parse(const Bytes& packet);
Bytes with_byte(Bytes packet, std::size_t at, std::uint8_t value);
Bytes with_options(const Bytes& packet);
const Parsed kUnicast = {address("10.51.0.1"), address("10.51.0.2"), 255,
                         bytes_of("3133 fa01 0064 b4d6 0a33 0078")};

TEST(Datagram, SplitsWhatKeepalivedSends) {
  for (const Capture& capture : captures()) {
    if (capture.ip_header_size != 20) continue;
    SCOPED_TRACE(capture.name);
    EXPECT_EQ(
        parse(bytes_of(capture.packet)),
        (Parsed{address(capture.source), address(capture.destination), 255, capture.message()}));
  }
}

TEST(Datagram, IsBuiltByteForByteAsKeepalivedDoes) {
  for (const Capture& capture : captures()) {
    if (capture.ip_header_size != 20) continue;
    SCOPED_TRACE(capture.name);
    const Bytes packet = bytes_of(capture.packet);
    const auto id = static_cast<std::uint16_t>((packet[4] << 8U) | packet[5]);
    EXPECT_EQ(build_ipv4(address(capture.source), address(capture.destination), id, kVrrpTtl,
                         capture.message()),
              packet);
  }
}

TEST(Datagram, CarriesTtlAndIdOfItsCaller) {
  const Bytes packet =
      build_ipv4(address("10.0.0.1"), address("10.0.0.2"), 0xabcd, 7, bytes_of("01 02 03"));
  EXPECT_EQ(packet[4], 0xab);
  EXPECT_EQ(packet[5], 0xcd);
  EXPECT_EQ(checksum_finish(checksum_add(0, std::span(packet).first(20))), 0U);
  EXPECT_EQ(parse(packet),
            (Parsed{address("10.0.0.1"), address("10.0.0.2"), 7, bytes_of("01 02 03")}));
}

TEST(Datagram, CutsEthernetPadding) {
  Bytes padded = bytes_of(kV3Unicast);
  padded.resize(46, 0xee);
  EXPECT_EQ(parse(padded), kUnicast);
}

TEST(Datagram, SkipsOptions) {
  EXPECT_EQ(parse(with_options(bytes_of(kV3Unicast))), kUnicast);
}

TEST(Datagram, MayHaveNoPayload) {
  const Bytes packet = build_ipv4(address("10.0.0.1"), address("10.0.0.2"), 1, 255, {});
  EXPECT_EQ(parse(packet), (Parsed{address("10.0.0.1"), address("10.0.0.2"), 255, {}}));
}

TEST(Datagram, AllowsTheDoNotFragmentBit) {
  EXPECT_EQ(parse(with_byte(bytes_of(kV3Unicast), 6, 0x40)), kUnicast);
}

TEST(Datagram, IsNothingAtEveryTruncation) {
  for (const Bytes& packet :
       {bytes_of(kV2WithPass), bytes_of(kV3Unicast), with_options(bytes_of(kV3Unicast))}) {
    for (std::size_t size = 0; size < packet.size(); ++size) {
      EXPECT_EQ(parse({packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size)}),
                std::nullopt)
          << size << " of " << packet.size() << " bytes";
    }
  }
}

TEST(Datagram, IsNothingWhenTheHeaderLies) {
  const Bytes good = bytes_of(kV3Unicast);
  EXPECT_EQ(parse(with_byte(good, 0, 0x65)), std::nullopt) << "IP version 6";
  EXPECT_EQ(parse(with_byte(good, 0, 0x44)), std::nullopt) << "header of 16 bytes";
  EXPECT_EQ(parse(with_byte(good, 0, 0x40)), std::nullopt) << "header of no bytes";
  EXPECT_EQ(parse(with_byte(good, 0, 0x4f)), std::nullopt) << "header longer than the packet";
  EXPECT_EQ(parse(with_byte(good, 3, 19)), std::nullopt) << "total length below the header's";
  EXPECT_EQ(parse(with_byte(good, 3, 33)), std::nullopt) << "total length beyond the packet";
  EXPECT_EQ(parse(with_byte(good, 9, 51)), std::nullopt) << "authentication header";
  EXPECT_EQ(parse(with_byte(good, 6, 0x20)), std::nullopt) << "first fragment";
  EXPECT_EQ(parse(with_byte(good, 7, 0x01)), std::nullopt) << "later fragment";
}

std::optional<Parsed> parse(const Bytes& packet) {
  const auto datagram = parse_ipv4(packet);
  if (!datagram) return std::nullopt;
  return Parsed{datagram->source, datagram->destination, datagram->ttl,
                Bytes(datagram->payload.begin(), datagram->payload.end())};
}

Bytes with_byte(Bytes packet, std::size_t at, std::uint8_t value) {
  packet.at(at) = value;
  return packet;
}

// A router alert and its length, behind the 20 bytes of the fixed header.
Bytes with_options(const Bytes& packet) {
  Bytes longer = packet;
  const Bytes router_alert = bytes_of("94 04 00 00");
  longer.insert(longer.begin() + 20, router_alert.begin(), router_alert.end());
  longer[0] = 0x46;
  longer[3] = static_cast<std::uint8_t>(longer[3] + router_alert.size());
  return longer;
}

}  // namespace
}  // namespace vrrp
