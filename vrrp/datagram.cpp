// RFC 791 section 3.1, as far as an advertisement needs it.
#include "vrrp/datagram.hpp"

#include <array>
#include <cassert>
#include <cstddef>

#include "vrrp/wire.hpp"

namespace vrrp {
namespace {

constexpr std::size_t kHeaderSize = 20;
constexpr std::size_t kChecksumAt = 10;
constexpr std::size_t kMaxPacketSize = 65535;
constexpr std::uint8_t kVersionAndLength = 0x45;
// Internetwork control (RFC 791 section 3.1), as routers mark their own traffic.
constexpr std::uint8_t kTypeOfService = 0xc0;
// More fragments, or an offset other than 0. The remaining bit says "do not fragment".
constexpr std::uint16_t kFragmentMask = 0x3fff;

IpAddress read_address(WireReader& reader) {
  std::array<std::uint8_t, 4> bytes{};
  reader.copy(bytes);
  return IpAddress::v4(bytes);
}

}  // namespace

std::vector<std::uint8_t> build_ipv4(const IpAddress& source, const IpAddress& destination,
                                     std::uint16_t id, std::uint8_t ttl,
                                     std::span<const std::uint8_t> payload) {
  assert(source.family() == Family::ipv4 && destination.family() == Family::ipv4);
  assert(payload.size() <= kMaxPacketSize - kHeaderSize);
  WireWriter writer;
  writer.u8(kVersionAndLength);
  writer.u8(kTypeOfService);
  writer.u16(static_cast<std::uint16_t>(kHeaderSize + payload.size()));
  writer.u16(id);
  writer.u16(0);
  writer.u8(ttl);
  writer.u8(kIpProtocolVrrp);
  writer.u16(0);
  writer.copy({source.data(), source.size()});
  writer.copy({destination.data(), destination.size()});
  writer.patch_u16(kChecksumAt, checksum_finish(checksum_add(0, writer.bytes())));
  writer.copy(payload);
  return writer.take();
}

std::optional<Datagram> parse_ipv4(std::span<const std::uint8_t> packet) {
  WireReader reader(packet);
  const std::uint8_t version_and_length = reader.u8();
  reader.skip(1);
  const std::size_t total_length = reader.u16();
  reader.skip(2);
  const std::uint16_t fragment = reader.u16();
  Datagram datagram;
  datagram.ttl = reader.u8();
  const std::uint8_t protocol = reader.u8();
  reader.skip(2);
  datagram.source = read_address(reader);
  datagram.destination = read_address(reader);

  const std::size_t header_length = std::size_t{version_and_length & 0x0fU} * 4;
  if (!reader.ok() || (version_and_length >> 4U) != 4 || header_length < kHeaderSize) {
    return std::nullopt;
  }
  if (total_length < header_length || total_length > packet.size()) return std::nullopt;
  if ((fragment & kFragmentMask) != 0 || protocol != kIpProtocolVrrp) return std::nullopt;
  datagram.payload = packet.subspan(header_length, total_length - header_length);
  return datagram;
}

}  // namespace vrrp
