// See lan.hpp.
#include "tests/support/lan.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <csignal>

#include "tests/support/namespace.hpp"
#include "tests/support/process.hpp"

namespace support {

bool Host::has_address(std::string_view address, const std::string& interface) const {
  const InNamespace here(netns);
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  in_addr wanted{};
  ::inet_pton(AF_INET, std::string(address).c_str(), &wanted);
  bool found = false;
  for (const ifaddrs* entry = list; entry != nullptr && !found; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const auto* const ipv4 = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
    found = ipv4->sin_addr.s_addr == wanted.s_addr && interface == entry->ifa_name;
  }
  ::freeifaddrs(list);
  return found;
}

void Host::add_address(std::string_view prefix, const std::string& interface) const {
  must_run({"ip", "address", "add", std::string(prefix), "dev", interface}, netns);
}

void Host::delete_address(std::string_view prefix, const std::string& interface) const {
  must_run({"ip", "address", "del", std::string(prefix), "dev", interface}, netns);
}

Lan::Lan() {
  require_root_and_tools();
  remove_leftovers();
  std::signal(SIGPIPE, SIG_IGN);  // hiredis writes with write()
  prefix_ = next_namespace_prefix();
  bridge_ = prefix_ + "sw";
  add_namespace(bridge_);
  must_run({"ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0",
            "mcast_snooping", "0"},
           bridge_);
  must_run({"ip", "link", "set", "br0", "up"}, bridge_);
  hosts_.reserve(3);
  add_host("a", "10.77.0.1");
  add_host("b", "10.77.0.2");
  add_host("c", "10.77.0.3");
  drop_nothing();
}

Lan::~Lan() {
  delete_namespaces(namespaces());
}

void Lan::unplug(const Host& host) const {
  must_run({"ip", "link", "set", "p" + host.name, "down"}, bridge_);
}

void Lan::plug(const Host& host) const {
  must_run({"ip", "link", "set", "p" + host.name, "up"}, bridge_);
}

void Lan::drop(const Host& from, const Host& to, Traffic traffic) const {
  const std::string what = traffic == Traffic::vrrp ? " ip protocol 112" : "";
  must_run({"nft", "add rule bridge lan cut iifname p" + from.name + " oifname p" + to.name + what +
                       " drop"},
           bridge_);
}

void Lan::drop_nothing() const {
  must_run({"nft",
            "add table bridge lan; delete table bridge lan; add table bridge lan; "
            "add chain bridge lan cut { type filter hook forward priority 0; }"},
           bridge_);
}

void Lan::power_off(const Host& host) const {
  unplug(host);
  kill_processes_in(host.netns);
  must_run({"ip", "address", "flush", "dev", "eth0"}, host.netns);
  host.add_address(host.ip + "/24");
}

void Lan::add_host(const std::string& name, const std::string& ip) {
  const Host host{name, prefix_ + name, ip, dir() / name};
  std::filesystem::create_directories(host.dir);
  add_namespace(host.netns);
  hosts_.push_back(host);
  must_run({"ip", "link", "add", "p" + name, "type", "veth", "peer", "name", "eth0", "netns",
            host.netns},
           bridge_);
  must_run({"ip", "link", "set", "p" + name, "master", "br0", "up"}, bridge_);
  must_run({"ip", "link", "set", "eth0", "up"}, host.netns);
  host.add_address(ip + "/24");
}

std::vector<std::string> Lan::namespaces() const {
  std::vector<std::string> names;
  for (const auto& host : hosts_) names.push_back(host.netns);
  names.push_back(bridge_);
  return names;
}

}  // namespace support
