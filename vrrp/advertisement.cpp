// The two formats of RFC 9568 section 5.2 and RFC 3768 section 5.1. Answers with a value or the
// name of the fault; never throws on foreign bytes.
#include "vrrp/advertisement.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <ostream>

#include "vrrp/datagram.hpp"
#include "vrrp/timing.hpp"
#include "vrrp/wire.hpp"

namespace vrrp {
namespace {

constexpr std::size_t kHeaderSize = 8;
constexpr std::uint8_t kTypeAdvertisement = 1;
constexpr std::uint16_t kIntervalMaskV3 = 0x0fff;

// Version, type, and the two bytes whose meaning depends on the version.
struct Header {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  Vrid vrid;
  Priority priority;
  std::size_t count = 0;
  std::uint16_t interval_field = 0;
};

Header read_header(WireReader& reader) {
  Header header;
  const std::uint8_t version_and_type = reader.u8();
  header.version = static_cast<std::uint8_t>(version_and_type >> 4U);
  header.type = static_cast<std::uint8_t>(version_and_type & 0x0fU);
  header.vrid.value = reader.u8();
  header.priority.value = reader.u8();
  header.count = reader.u8();
  header.interval_field = reader.u16();
  reader.skip(sizeof(std::uint16_t));
  return header;
}

bool is_known_version(std::uint8_t version, Family family) {
  if (version == static_cast<std::uint8_t>(Version::v2)) return family == Family::ipv4;
  return version == static_cast<std::uint8_t>(Version::v3);
}

// v2 splits the word into Auth Type and Adver Int.
std::uint8_t auth_type_of(const Header& header) {
  return static_cast<std::uint8_t>(header.interval_field >> 8U);
}

Duration interval_of(const Header& header, Version version) {
  if (version == Version::v2) return std::chrono::seconds(header.interval_field & 0xffU);
  return Centiseconds(header.interval_field & kIntervalMaskV3);
}

std::uint16_t interval_field_of(const Advertisement& advertisement) {
  const Duration unit = min_interval(advertisement.version);
  const auto units = static_cast<std::uint16_t>(advertisement.interval / unit);
  if (advertisement.version == Version::v3) {
    return static_cast<std::uint16_t>(units & kIntervalMaskV3);
  }
  return static_cast<std::uint16_t>((static_cast<unsigned>(advertisement.auth_type) << 8U) |
                                    (units & 0xffU));
}

IpAddress read_address(WireReader& reader, Family family) {
  if (family == Family::ipv4) {
    std::array<std::uint8_t, 4> bytes{};
    reader.copy(bytes);
    return IpAddress::v4(bytes);
  }
  std::array<std::uint8_t, 16> bytes{};
  reader.copy(bytes);
  return IpAddress::v6(bytes);
}

// RFC 8200 section 8.1 for IPv6; the same idea with RFC 793's widths for IPv4.
std::uint32_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                std::size_t length) {
  WireWriter pseudo;
  pseudo.copy({source.data(), source.size()});
  pseudo.copy({destination.data(), destination.size()});
  pseudo.u32(static_cast<std::uint32_t>(length));
  pseudo.u32(kIpProtocolVrrp);
  return checksum_add(0, pseudo.bytes());
}

std::uint16_t checksum_of(std::span<const std::uint8_t> message, Version version, ChecksumForm form,
                          const IpAddress& source, const IpAddress& destination) {
  const bool pseudo = version == Version::v3 &&
                      (form == ChecksumForm::pseudo_header || source.family() == Family::ipv6);
  const std::uint32_t seed = pseudo ? pseudo_header_sum(source, destination, message.size()) : 0;
  return checksum_finish(checksum_add(seed, message));
}

std::optional<ChecksumForm> matching_form(std::span<const std::uint8_t> message, Version version,
                                          const IpAddress& source, const IpAddress& destination) {
  for (const auto form : {ChecksumForm::pseudo_header, ChecksumForm::message_only}) {
    if (checksum_of(message, version, form, source, destination) == 0) return form;
  }
  return std::nullopt;
}

}  // namespace

AuthPass make_auth_pass(std::string_view text) {
  AuthPass pass{};
  std::copy_n(text.begin(), std::min(text.size(), pass.size()), pass.begin());
  return pass;
}

std::vector<std::uint8_t> encode(const Advertisement& advertisement, const IpAddress& source,
                                 const IpAddress& destination, ChecksumForm form) {
  assert(is_valid_interval(advertisement.version, advertisement.interval));
  assert(!advertisement.addresses.empty() && advertisement.addresses.size() <= 0xff);
  const auto version = static_cast<unsigned>(advertisement.version);
  WireWriter writer;
  writer.u8(static_cast<std::uint8_t>((version << 4U) | kTypeAdvertisement));
  writer.u8(advertisement.vrid.value);
  writer.u8(advertisement.priority.value);
  writer.u8(static_cast<std::uint8_t>(advertisement.addresses.size()));
  writer.u16(interval_field_of(advertisement));
  writer.u16(0);
  for (const IpAddress& address : advertisement.addresses) {
    assert(address.family() == source.family());
    writer.copy({address.data(), address.size()});
  }
  if (advertisement.version == Version::v2) {
    const bool with_pass = advertisement.auth_type == AuthType::pass;
    writer.copy(with_pass ? advertisement.auth : AuthPass{});
  }
  writer.patch_u16(kChecksumOffset,
                   checksum_of(writer.bytes(), advertisement.version, form, source, destination));
  return writer.take();
}

std::variant<Decoded, DecodeError> decode(std::span<const std::uint8_t> packet,
                                          const IpAddress& source, const IpAddress& destination,
                                          std::size_t trailer_size) {
  if (packet.size() < kHeaderSize + trailer_size) return DecodeError::too_short;
  const auto message = packet.first(packet.size() - trailer_size);
  WireReader reader(message);
  const Header header = read_header(reader);
  if (!is_known_version(header.version, source.family())) return DecodeError::bad_version;
  if (header.type != kTypeAdvertisement) return DecodeError::bad_type;

  Decoded decoded;
  Advertisement& advertisement = decoded.advertisement;
  advertisement.version = static_cast<Version>(header.version);
  const bool v2 = advertisement.version == Version::v2;
  const std::size_t trailer = v2 ? AuthPass{}.size() : 0;
  const std::size_t expected = header.count * source.size() + trailer;
  if (reader.left() < expected) return DecodeError::too_short;
  if (reader.left() > expected) return DecodeError::too_long;

  if (v2 && auth_type_of(header) > static_cast<std::uint8_t>(AuthType::pass)) {
    return DecodeError::bad_auth_type;
  }
  const auto covered = source.family() == Family::ipv6 ? packet : message;
  const auto form = matching_form(covered, advertisement.version, source, destination);
  if (!form) return DecodeError::bad_checksum;
  decoded.checksum_form = *form;
  if (header.count == 0) return DecodeError::no_address;
  advertisement.interval = interval_of(header, advertisement.version);
  if (advertisement.interval == Duration::zero()) return DecodeError::bad_interval;

  advertisement.vrid = header.vrid;
  advertisement.priority = header.priority;
  advertisement.addresses.reserve(header.count);
  for (std::size_t i = 0; i < header.count; ++i) {
    advertisement.addresses.push_back(read_address(reader, source.family()));
  }
  if (v2 && auth_type_of(header) == static_cast<std::uint8_t>(AuthType::pass)) {
    advertisement.auth_type = AuthType::pass;
    reader.copy(advertisement.auth);
  }
  return decoded;
}

std::optional<std::size_t> claimed_length(std::span<const std::uint8_t> message, Family family) {
  if (message.size() < kHeaderSize) return std::nullopt;
  WireReader reader(message);
  const Header header = read_header(reader);
  if (!is_known_version(header.version, family)) return std::nullopt;
  const bool v2 = header.version == static_cast<std::uint8_t>(Version::v2);
  const std::size_t address_size = family == Family::ipv4 ? 4 : 16;
  return kHeaderSize + header.count * address_size + (v2 ? AuthPass{}.size() : 0);
}

void append_trailer(std::vector<std::uint8_t>& message, std::span<const std::uint8_t> trailer,
                    const IpAddress& source, const IpAddress& destination) {
  message.insert(message.end(), trailer.begin(), trailer.end());
  if (source.family() == Family::ipv4) return;
  message.at(kChecksumOffset) = message.at(kChecksumOffset + 1) = 0;
  const std::uint16_t sum =
      checksum_of(message, Version::v3, ChecksumForm::pseudo_header, source, destination);
  message.at(kChecksumOffset) = static_cast<std::uint8_t>(sum >> 8U);
  message.at(kChecksumOffset + 1) = static_cast<std::uint8_t>(sum & 0xffU);
}

std::string_view to_string(DecodeError error) {
  switch (error) {
    case DecodeError::too_short: return "too_short";
    case DecodeError::bad_version: return "bad_version";
    case DecodeError::bad_type: return "bad_type";
    case DecodeError::too_long: return "too_long";
    case DecodeError::bad_auth_type: return "bad_auth_type";
    case DecodeError::bad_checksum: return "bad_checksum";
    case DecodeError::no_address: return "no_address";
    case DecodeError::bad_interval: return "bad_interval";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, DecodeError error) {
  return out << to_string(error);
}

std::ostream& operator<<(std::ostream& out, const Advertisement& advertisement) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(advertisement.interval);
  out << 'v' << int{static_cast<std::uint8_t>(advertisement.version)} << " vrid "
      << int{advertisement.vrid.value} << " priority " << int{advertisement.priority.value}
      << " interval " << milliseconds.count() << " ms addresses";
  for (const IpAddress& address : advertisement.addresses) out << ' ' << address;
  return out << (advertisement.auth_type == AuthType::pass ? " with password" : "");
}

std::ostream& operator<<(std::ostream& out, const Decoded& decoded) {
  const bool pseudo = decoded.checksum_form == ChecksumForm::pseudo_header;
  return out << decoded.advertisement << (pseudo ? "" : ", checksum over the message only");
}

}  // namespace vrrp
