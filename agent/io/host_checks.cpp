// See host_checks.hpp.
#include "agent/io/host_checks.hpp"

#include "agent/io/track_runner.hpp"
#include "hooks/io/notifier.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>

namespace agent::io {

std::optional<std::string> network_warning(const vrrp::io::Netlink& netlink,
                                           const vrrp::VirtualAddress& vip) {
  const vrrp::IpAddress& address = vip.prefix.address;
  const auto link = netlink.link(vip.interface);
  // Link-local addresses are on every link.
  if (!link || address.is_link_local()) return std::nullopt;
  const auto facts = netlink.addresses(link->index);
  const bool inside = std::any_of(facts.begin(), facts.end(), [&](const auto& fact) {
    return fact.prefix.address != address && fact.prefix.contains(address);
  });
  if (inside) return std::nullopt;
  return "is not on a network of " + vip.interface + "; is the prefix or the interface right?";
}

std::vector<ConfigProblem> network_warnings(const LoadedConfig& loaded) {
  std::vector<ConfigProblem> out;
  boost::asio::io_context loop(1);
  vrrp::io::Netlink netlink(loop.get_executor());
  if (netlink.start({})) return out;
  for (const VipPlace& place : loaded.vips) {
    if (const auto warning = network_warning(netlink, place.vip)) {
      out.push_back({place.line, place.key, place.vip.prefix.to_string() + " " + *warning});
    }
  }
  return out;
}

std::vector<std::string> host_problems(const Config& config) {
  std::vector<std::string> out;
  for (const auto& pair : config.pairs) {
    for (const auto& problem : hooks::io::Notifier::problems(pair.notify)) {
      out.push_back(config.file + ": pair[" + pair.name + "].notify: " + problem);
    }
    for (const auto& problem : TrackRunner::problems(pair.tracking)) {
      out.push_back(config.file + ": pair[" + pair.name + "]." + problem);
    }
  }
  return out;
}

}  // namespace agent::io
