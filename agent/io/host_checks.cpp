// See host_checks.hpp.
#include "agent/io/host_checks.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>

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

std::string directory_of(const std::string& file) {
  return std::filesystem::path(file).parent_path().string();
}

// Some distributions give /var/log to a group of their own, and links in the log's place are
// refused: a directory of root is the group's to which root has given it.
std::optional<std::string> refuse_log_place(const std::string& directory) {
  constexpr const char* kWhat = "where the log goes";
  const auto walked = hooks::io::walk_path(directory);
  const auto* places = std::get_if<std::vector<hooks::PathComponent>>(&walked);
  if (places == nullptr || places->empty() || places->back().owner != 0) {
    return hooks::io::refuse_place(directory, kWhat);
  }
  return hooks::refuse_place(*places, ::geteuid(),
                             {"this agent's user", kWhat, places->back().group});
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
  const auto judge = [&](const std::string& label, const std::string& file, const char* what) {
    if (auto why = hooks::io::refuse_place(directory_of(file), what)) {
      out.push_back(label + " " + *why);
    }
  };
  if (auto why = hooks::io::refuse_place(config.file, "which programs run as root")) {
    out.push_back(*std::move(why));
  }
  if (auto why = hooks::io::refuse_place(config.state_dir, "what decides who leads")) {
    out.push_back("state_dir " + *why);
  }
  judge("control_socket", config.control_socket, "who answers operators");
  if (config.log.target == LogTarget::file) {
    if (auto why = refuse_log_place(directory_of(config.log.file))) {
      out.push_back("log.file " + *why);
    }
  }
  for (const auto& pair : config.pairs) {
    if (pair.notify.fifo.empty()) continue;
    judge("pair[" + pair.name + "].notify.fifo", pair.notify.fifo, "who hears of the role");
  }
  return out;
}

}  // namespace agent::io
