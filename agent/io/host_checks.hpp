// What only this host can tell about a configuration that is good in itself: whether its VIPs and
// gateways fit the interfaces that are here. Asks netlink, changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/io/config_load.hpp"
#include "vrrp/io/netlink.hpp"
#include "vrrp/virtual_address.hpp"

namespace agent::io {

// Continues "VIP 192.168.1.120/24 ": a VIP outside its interface's networks works only with a route
// that somebody else must make. nullopt: it fits, or the interface is not there.
std::optional<std::string> network_warning(const vrrp::io::Netlink& netlink,
                                           const vrrp::VirtualAddress& vip);

// Continues "track_gateway 192.168.9.1 ".
std::optional<std::string> gateway_warning(const vrrp::io::Netlink& netlink,
                                           const std::string& interface,
                                           const vrrp::IpAddress& gateway);

// The same for each VIP and gateway of a loaded file, with its place. Empty when the kernel does
// not answer.
std::vector<ConfigProblem> network_warnings(const LoadedConfig& loaded);

// Scripts and users that the configuration names and this host does not have, or must not run.
std::vector<std::string> host_problems(const Config& config);

// What somebody else could change: the configuration, which names programs that run as root,
// state_dir, and the directories of the control socket, the log and the FIFOs. Sentences for an
// agent that is about to run.
std::vector<std::string> ownership_problems(const Config& config);

}  // namespace agent::io
