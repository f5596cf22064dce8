// A small LAN in network namespaces: two hosts and a client on a bridge that has a namespace of its
// own. Everything in it, processes included, is gone when the Lan is. Knows cables and addresses,
// nothing of Redis or VRRP.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace support {

inline constexpr std::string_view kVip = "10.77.0.100";
inline constexpr std::string_view kVipPrefix = "10.77.0.100/24";

// A namespace with eth0 on the bridge.
struct Host {
  std::string name;   // "a"
  std::string netns;  // "tdm4711-0-a"
  std::string ip;     // "10.77.0.1"
  std::filesystem::path dir;
  std::string vip = std::string(kVip);

  // IPv4 or IPv6; the VIP when none is named.
  [[nodiscard]] bool has_address(std::string_view address = {},
                                 const std::string& interface = "eth0") const;
  void add_address(std::string_view prefix, const std::string& interface = "eth0") const;
  void delete_address(std::string_view prefix, const std::string& interface = "eth0") const;
};

enum class Traffic { all, vrrp };

class Lan {
 public:
  Lan();
  ~Lan();
  Lan(const Lan&) = delete;
  Lan& operator=(const Lan&) = delete;

  [[nodiscard]] const Host& a() const { return hosts_[0]; }
  [[nodiscard]] const Host& b() const { return hosts_[1]; }
  [[nodiscard]] const Host& client() const { return hosts_[2]; }
  [[nodiscard]] const std::filesystem::path& dir() const { return dir_.path(); }
  // The namespace of the bridge; the cable of host "a" ends there in the interface "pa".
  [[nodiscard]] const std::string& bridge() const { return bridge_; }

  // The host's cable: its eth0 loses and regains carrier.
  void unplug(const Host& host) const;
  void plug(const Host& host) const;
  // The interface is deleted, or made anew with another index and the host's IPv4 address.
  void remove_interface(const Host& host) const;
  void make_interface(const Host& host) const;
  // IPv6 on all hosts: link-local addresses, and fd00:77::1 to ::3.
  void enable_ipv6() const;
  void enable_ipv6(const Host& host) const;
  // Frames from one host to the other are dropped in the bridge, in this direction only.
  void drop(const Host& from, const Host& to, Traffic traffic = Traffic::all) const;
  void drop_nothing() const;
  // The power goes: cable first, so that nothing of the dying escapes, then all processes and the
  // addresses that no restart would bring back.
  void power_off(const Host& host) const;

 private:
  void add_host(const std::string& name, const std::string& ip);
  [[nodiscard]] std::vector<std::string> namespaces() const;

  TempDir dir_;
  std::string prefix_;
  std::string bridge_;  // namespace of the bridge
  std::vector<Host> hosts_;
};

}  // namespace support
