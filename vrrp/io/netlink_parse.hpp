// Between libnl's objects and facts, both ways, as plain functions. No socket is touched here.
#pragma once

#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>

#include <memory>
#include <optional>
#include <variant>

#include "vrrp/io/netlink.hpp"

namespace vrrp::io {

template <auto Free>
struct FreeWith {
  template <typename Object>
  void operator()(Object* object) const {
    Free(object);
  }
};
using NlSocket = std::unique_ptr<nl_sock, FreeWith<nl_socket_free>>;
using NlCallbacks = std::unique_ptr<nl_cb, FreeWith<nl_cb_put>>;
using NlAddress = std::unique_ptr<nl_addr, FreeWith<nl_addr_put>>;
using RtnlAddress = std::unique_ptr<rtnl_addr, FreeWith<rtnl_addr_put>>;
using RtnlLink = std::unique_ptr<rtnl_link, FreeWith<rtnl_link_put>>;

// A link or an address that is there, or no longer is.
struct NetlinkChange {
  std::variant<LinkFact, AddressFact> fact;
  bool removed = false;
};

// nullopt: a link without a name.
std::optional<LinkFact> link_fact(rtnl_link* link);
// nullopt: neither IPv4 nor IPv6.
std::optional<AddressFact> address_fact(rtnl_addr* address);
// RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR; nullopt for all else.
std::optional<NetlinkChange> parse_change(nl_msg* message);

// The object for a request; nullptr when memory is short.
RtnlAddress make_address(unsigned link_index, const Prefix& prefix);

}  // namespace vrrp::io
