// See host_checks.hpp.
#include "agent/io/host_checks.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>

#include "agent/io/fence_script.hpp"
#include "agent/io/track_runner.hpp"
#include "hooks/io/notifier.hpp"
#include "hooks/io/path_walk.hpp"

namespace agent::io {

namespace {

bool on_a_network(const vrrp::io::Netlink& netlink, const vrrp::io::LinkFact& link,
                  const vrrp::IpAddress& address) {
  const auto facts = netlink.addresses(link.index);
  return std::any_of(facts.begin(), facts.end(), [&](const auto& fact) {
    return fact.prefix.address != address && fact.prefix.contains(address);
  });
}

}  // namespace

std::optional<std::string> network_warning(const vrrp::io::Netlink& netlink,
                                           const vrrp::VirtualAddress& vip) {
  const vrrp::IpAddress& address = vip.prefix.address;
  const auto link = netlink.link(vip.interface);
  // Link-local addresses are on every link.
  if (!link || address.is_link_local()) return std::nullopt;
  if (on_a_network(netlink, *link, address)) return std::nullopt;
  return "is not on a network of " + vip.interface + "; is the prefix or the interface right?";
}

std::optional<std::string> gateway_warning(const vrrp::io::Netlink& netlink,
                                           const std::string& interface,
                                           const vrrp::IpAddress& gateway) {
  const auto link = netlink.link(interface);
  if (!link || gateway.is_link_local()) return std::nullopt;
  if (on_a_network(netlink, *link, gateway)) return std::nullopt;
  return "is not on a network of " + interface +
         ", where it is asked without a router in between: it will hardly answer; write the "
         "address "
         "that it has there";
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
  for (const GatewayPlace& place : loaded.gateways) {
    if (const auto warning = gateway_warning(netlink, place.interface, place.address)) {
      out.push_back({place.line, place.key, place.address.to_string() + " " + *warning});
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
    if (const auto problem = FenceScript::problem(pair.fence)) {
      out.push_back(config.file + ": pair[" + pair.name + "]." + *problem);
    }
  }
  return out;
}

std::vector<std::string> ownership_problems(const Config& config) {
  std::vector<std::string> out;
  if (auto why = hooks::io::refuse_place(config.file, "which programs run as root")) {
    out.push_back(*std::move(why));
  }
  if (auto why = hooks::io::refuse_place(config.state_dir, "what decides who leads")) {
    out.push_back("state_dir " + *why);
  }
  return out;
}

}  // namespace agent::io
