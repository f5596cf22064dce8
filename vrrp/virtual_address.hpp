// An address that moves between hosts, and the form in which a host carries it. A value: whether it
// is on the host is seen by io/vip_table.
#pragma once

#include <cstdint>
#include <string>

#include "vrrp/address.hpp"

namespace vrrp {

// How far an IPv4 address is valid (`ip address add ... scope`), in the kernel's numbers
// (RT_SCOPE_*). The kernel derives an IPv6 address's scope from the address.
enum class AddressScope : std::uint8_t { global = 0, site = 200, link = 253, host = 254 };

struct VirtualAddress {
  Prefix prefix;
  std::string interface;
  std::string label;  // IPv4: "eth0:vip", begins with the interface's name; empty: none
  AddressScope scope = AddressScope::global;

  bool operator==(const VirtualAddress&) const = default;
};

}  // namespace vrrp
