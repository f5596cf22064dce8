// See config_metrics.hpp. Other than where servers are, this is where to listen: all addresses of
// the host will do, and IPv6 too.
#include "agent/io/config_metrics.hpp"

#include <charconv>

#include "agent/io/config_values.hpp"
#include "vrrp/address.hpp"

namespace agent::io {
namespace {

constexpr const char* kExample = "; write address and port, as in \"127.0.0.1:9112\"";

Parsed<MetricsConfig> parse_metrics(const ConfigNode& node) {
  if (node.kind != ValueKind::text) return wrong_type(node, "\"ADDRESS:PORT\"");
  const std::string_view text = node.text;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    return Refusal{"has no port" + std::string(kExample)};
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = vrrp::IpAddress::parse(host);
  const bool v6 = address && address->family() == vrrp::Family::ipv6;
  if (!address || address->is_multicast() || v6 != bracketed) {
    std::string why = quoted(text.substr(0, colon));
    why += " is not a numeric address; an IPv6 address stands in brackets";
    return Refusal{why + kExample};
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
    return Refusal{quoted(digits) + " is not a port; allowed are 1 to 65535"};
  }
  return MetricsConfig{std::string(host), port};
}

}  // namespace

void read_metrics(TableReader& agent, MetricsConfig& config) {
  agent.read("metrics", config, parse_metrics);
}

}  // namespace agent::io
