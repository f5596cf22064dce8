// See lan.hpp.
#include "tests/support/lan.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <csignal>
#include <cstring>

#include "tests/support/namespace.hpp"
#include "tests/support/process.hpp"

namespace support {

bool Host::has_address(std::string_view address, const std::string& interface) const {
  const InNamespace here(netns);
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  const std::string text(address.empty() ? std::string_view(vip) : address);
  in_addr wanted{};
  in6_addr wanted6{};
  const bool is_ipv4 = ::inet_pton(AF_INET, text.c_str(), &wanted) == 1;
  ::inet_pton(AF_INET6, text.c_str(), &wanted6);
  bool found = false;
  for (const ifaddrs* entry = list; entry != nullptr && !found; entry = entry->ifa_next) {
    const sockaddr* const has = entry->ifa_addr;
    // The name of an IPv4 address with a label is the label.
    const std::string_view labelled(entry->ifa_name);
    if (has == nullptr || labelled.substr(0, labelled.find(':')) != interface) continue;
    if (is_ipv4 && has->sa_family == AF_INET) {
      const auto* const ipv4 = reinterpret_cast<const sockaddr_in*>(has);
      found = ipv4->sin_addr.s_addr == wanted.s_addr;
    } else if (!is_ipv4 && has->sa_family == AF_INET6) {
      const auto* const ipv6 = reinterpret_cast<const sockaddr_in6*>(has);
      found = std::memcmp(&ipv6->sin6_addr, &wanted6, sizeof wanted6) == 0;
    }
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
  make_interface(host);
}

void Lan::remove_interface(const Host& host) const {
  must_run({"ip", "link", "del", "eth0"}, host.netns);
}

void Lan::make_interface(const Host& host) const {
  const std::string& name = host.name;
  must_run({"ip", "link", "add", "p" + name, "type", "veth", "peer", "name", "eth0", "netns",
            host.netns},
           bridge_);
  must_run({"ip", "link", "set", "p" + name, "master", "br0", "up"}, bridge_);
  must_run({"ip", "link", "set", "eth0", "up"}, host.netns);
  host.add_address(host.ip + "/24");
}

void Lan::enable_ipv6() const {
  for (const auto& host : hosts_) enable_ipv6(host);
}

// Without the second of duplicate address detection: nobody else is here.
void Lan::enable_ipv6(const Host& host) const {
  must_run({"sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=0",
            "net.ipv6.conf.default.disable_ipv6=0", "net.ipv6.conf.all.accept_dad=0",
            "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.eth0.accept_dad=0",
            "net.ipv6.conf.eth0.disable_ipv6=0"},
           host.netns);
  const std::string last = host.ip.substr(host.ip.rfind('.') + 1);
  must_run({"ip", "address", "add", "fd00:77::" + last + "/64", "dev", "eth0", "nodad"},
           host.netns);
}

std::vector<std::string> Lan::namespaces() const {
  std::vector<std::string> names;
  for (const auto& host : hosts_) names.push_back(host.netns);
  names.push_back(bridge_);
  return names;
}

}  // namespace support
