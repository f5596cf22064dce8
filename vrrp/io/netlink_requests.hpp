// The synchronous half of rtnetlink: dumps and changes, on a socket of its own so that answers
// never mix with events. Keeps no state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vrrp/io/netlink.hpp"
#include "vrrp/io/netlink_parse.hpp"

namespace vrrp::io {

struct NetlinkDump {
  std::vector<LinkFact> links;
  std::vector<AddressFact> addresses;  // in the kernel's order: a link's primary one comes first
};

class NetlinkRequests {
 public:
  using Lifetime = std::optional<std::chrono::seconds>;

  std::optional<std::string> open();
  void close() { socket_.reset(); }

  std::variant<NetlinkDump, std::string> dump();
  std::optional<std::string> add_address(unsigned link_index, const Prefix& prefix,
                                         Lifetime lifetime, const AddressForm& form);
  std::optional<std::string> remove_address(unsigned link_index, const Prefix& prefix);

  // net.ipv4.conf.<link>.<key>; `key` is one of IPV4_DEVCONF_*.
  std::optional<std::uint32_t> inet_conf(unsigned link_index, unsigned key);
  bool set_inet_conf(unsigned link_index, unsigned key, std::uint32_t value);

 private:
  // 0 or libnl's negative error.
  int dump_into(NetlinkDump& dump, int type);

  NlSocket socket_;
};

}  // namespace vrrp::io
