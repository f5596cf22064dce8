// The addresses among the values of the configuration. Numeric only, and why: a resolver that does
// not answer would stall a failover. Servers are reached over IPv4 only.
#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/io/config_values.hpp"

namespace agent::io {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

bool is_broadcast(const vrrp::IpAddress& address) {
  return address.to_string() == "255.255.255.255";
}

// "::ffff:192.168.1.120" is an IPv4 address in other clothes and never on the wire.
bool is_mapped(const vrrp::IpAddress& address) {
  const auto network = vrrp::Prefix::parse("::ffff:0.0.0.0/96");
  return network && network->contains(address);
}

// No address that one host of a network has.
bool is_special(const vrrp::IpAddress& address) {
  return address.is_unspecified() || address.is_multicast() || is_broadcast(address) ||
         is_loopback(address) || is_mapped(address);
}

// IPv4: all host bits zero or all one; /31 and /32 have none to spare (RFC 3021). IPv6: all zero
// (RFC 4291 section 2.6.1), and /127 has none to spare (RFC 6164).
bool is_network_address(const vrrp::Prefix& prefix) {
  const std::size_t size = prefix.address.size() * 8;
  if (prefix.length + std::size_t{2} > size) return false;
  bool all_zero = true;
  bool all_one = true;
  for (std::size_t bit = prefix.length; bit < size; ++bit) {
    const bool one = (prefix.address.data()[bit / 8] >> (7 - bit % 8) & 1U) != 0;
    all_zero = all_zero && !one;
    all_one = all_one && one;
  }
  return all_zero || (all_one && prefix.address.family() == vrrp::Family::ipv4);
}

bool looks_numeric(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool looks_like_ipv6(std::string_view text) {
  return text.front() == '[' || std::count(text.begin(), text.end(), ':') > 1;
}

// The one sentence for text that is no address; `text` is not empty.
Refusal refuse_address(std::string_view text) {
  if (looks_numeric(text)) return {quoted(text) + " is not an IPv4 address"};
  if (looks_like_ipv6(text)) {
    const bool zone = text.find('%') != std::string_view::npos;
    return {quoted(text) + " is not an IPv6 address" +
            (zone ? "; leave the zone out, the key `interface` names the link" : "")};
  }
  return {quoted(text) +
          " is not a numeric address; host names are refused because a resolver that does not "
          "answer would stall a failover"};
}

Parsed<Endpoint> parse_unix(std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return Refusal{"is not an absolute path; write \"unix:/run/redis/redis.sock\""};
  }
  if (path.size() > kMaxSocketPath) {
    return Refusal{"is longer than a Unix socket's path can be (107 bytes)"};
  }
  return Endpoint{{}, 0, std::string(path)};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

Parsed<Endpoint> parse_tcp(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  const auto address = vrrp::IpAddress::parse(host);
  if (!address || address->family() != vrrp::Family::ipv4) {
    if (host.empty()) return Refusal{"has no address before the port"};
    return refuse_address(host);
  }
  if (colon == std::string_view::npos) {
    return Refusal{"has no port; write \"" + std::string(host) + ":6379\""};
  }
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) {
    return Refusal{quoted(text.substr(colon + 1)) + " is not a port; allowed are 1 to 65535"};
  }
  if (address->is_unspecified() || address->is_multicast() || is_broadcast(*address)) {
    return Refusal{quoted(host) + " is not the address of one host"};
  }
  return Endpoint{std::string(host), *port, {}};
}

}  // namespace

Parsed<Endpoint> parse_endpoint(const ConfigNode& node, UnixSocket unix_socket) {
  const bool may_be_unix = unix_socket == UnixSocket::allowed;
  const Parsed<std::string> text = parse_text(node, kMaxPath);
  if (node.kind != ValueKind::text) {
    return wrong_type(node,
                      may_be_unix ? "\"ADDRESS:PORT\" or \"unix:/PATH\"" : "\"ADDRESS:PORT\"");
  }
  if (const auto* refusal = std::get_if<Refusal>(&text)) return *refusal;
  // Such a text may hold a password, so it is not repeated.
  if (node.text.find("://") != std::string::npos || node.text.find('@') != std::string::npos) {
    return Refusal{"is a URL; write address and port only, as in \"192.168.1.112:6379\""};
  }
  if (node.text.starts_with(kUnixPrefix)) {
    if (may_be_unix) return parse_unix(std::string_view(node.text).substr(kUnixPrefix.size()));
    return Refusal{
        "is a Unix socket, which the other node cannot reach; write address and port, as in "
        "\"192.168.1.112:6379\""};
  }
  if (looks_like_ipv6(node.text)) {
    return Refusal{"is an IPv6 address; this version speaks to servers over IPv4 only"};
  }
  return parse_tcp(node.text);
}

Parsed<vrrp::IpAddress> parse_host_address(const ConfigNode& node) {
  if (node.kind != ValueKind::text) return wrong_type(node, "an IP address");
  if (node.text.empty()) return Refusal{"is empty, must be an IP address"};
  const auto address = vrrp::IpAddress::parse(node.text);
  if (!address) return refuse_address(node.text);
  if (is_special(*address)) return Refusal{quoted(node.text) + " is not the address of a host"};
  return *address;
}

Parsed<vrrp::Prefix> parse_vip(const ConfigNode& node) {
  if (node.kind != ValueKind::text) {
    return wrong_type(node, "an address with prefix length such as \"192.168.1.120/24\"");
  }
  const std::size_t slash = node.text.find('/');
  const std::string host = node.text.substr(0, slash);
  if (host.empty()) return Refusal{"has no address; write \"192.168.1.120/24\""};
  const auto address = vrrp::IpAddress::parse(host);
  if (!address) return refuse_address(host);
  const bool ipv4 = address->family() == vrrp::Family::ipv4;
  if (slash == std::string::npos) {
    return Refusal{"has no prefix length; write that of the interface's network, as in \"" + host +
                   (ipv4 ? "/24\"" : "/64\"")};
  }
  const auto prefix = vrrp::Prefix::parse(node.text);
  if (!prefix || prefix->length == 0) {
    return Refusal{quoted(node.text.substr(slash + 1)) +
                   " is not a prefix length; allowed are 1 to " + (ipv4 ? "32" : "128")};
  }
  if (is_special(*address)) {
    return Refusal{quoted(host) + " cannot be a VIP; write an address of the interface's network"};
  }
  if (is_network_address(*prefix)) {
    return Refusal{quoted(node.text) +
                   (ipv4 ? " is the network's own or its broadcast address; write that of a host"
                         : " is the address of the network's routers; write that of a host")};
  }
  return *prefix;
}

bool is_loopback(const vrrp::IpAddress& address) {
  if (address.family() == vrrp::Family::ipv6) return address.to_string() == "::1";
  return address.data()[0] == 127;
}

}  // namespace agent::io
