// Text to address and back by libc's inet_pton and inet_ntop; everything else is comparing bytes.
#include "vrrp/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <ostream>

namespace vrrp {

std::string_view to_string(Family family) {
  return family == Family::ipv4 ? "IPv4" : "IPv6";
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  IpAddress address;
  address.family_ = Family::ipv6;
  address.bytes_ = bytes;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton stops at the first zero byte and would not see what follows.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, terminated.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return std::nullopt;
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const {
  return family_ == Family::ipv4 ? (bytes_[0] & 0xf0U) == 0xe0U : bytes_[0] == 0xffU;
}

bool IpAddress::is_link_local() const {
  return family_ == Family::ipv6 && bytes_[0] == 0xfeU && (bytes_[1] & 0xc0U) == 0x80U;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = family_ == Family::ipv4 ? AF_INET : AF_INET6;
  if (inet_ntop(family, bytes_.data(), text.data(), text.size()) == nullptr) return {};
  return text.data();
}

std::ostream& operator<<(std::ostream& out, const IpAddress& address) {
  return out << address.to_string();
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  if (!address || digits.empty() || (digits.size() > 1 && digits.front() == '0')) {
    return std::nullopt;
  }
  std::uint8_t length = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, length);
  if (error != std::errc{} || stopped != end || length > address->size() * 8) return std::nullopt;
  return Prefix{*address, length};
}

bool Prefix::contains(const IpAddress& other) const {
  if (other.family() != address.family()) return false;
  const std::size_t bits = std::min<std::size_t>(length, address.size() * 8);
  const std::size_t whole = bits / 8;
  if (!std::equal(address.data(), address.data() + whole, other.data())) return false;
  const std::size_t rest = bits % 8;
  if (rest == 0) return true;
  const unsigned difference = static_cast<unsigned>(address.data()[whole] ^ other.data()[whole]);
  return (difference >> (8 - rest)) == 0;
}

std::string Prefix::to_string() const {
  return address.to_string() + '/' + std::to_string(length);
}

std::ostream& operator<<(std::ostream& out, const Prefix& prefix) {
  return out << prefix.to_string();
}

IpAddress ipv4_multicast_group() {
  return IpAddress::v4({224, 0, 0, 18});
}

IpAddress ipv6_multicast_group() {
  return IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12});
}

IpAddress multicast_group(Family family) {
  return family == Family::ipv4 ? ipv4_multicast_group() : ipv6_multicast_group();
}

}  // namespace vrrp
