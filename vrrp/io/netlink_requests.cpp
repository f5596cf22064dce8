// Each function is one request and its answer. Errors become sentences here; who retries is the
// caller's business.
#include "vrrp/io/netlink_requests.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link/inet.h>
#include <netlink/route/rtnl.h>

#include <utility>

namespace vrrp::io {

namespace {

constexpr int kDumpAttempts = 5;
constexpr const char* kNotStarted = "netlink is not started";

std::string nl_words(const std::string& doing, int error) {
  return doing + ": " + nl_geterror(error);
}

std::string on_link(const Prefix& prefix, unsigned link_index) {
  return prefix.to_string() + " on link " + std::to_string(link_index);
}

int collect(nl_msg* message, void* into) {
  auto change = parse_change(message);
  if (!change || change->removed) return NL_OK;
  auto& dump = *static_cast<NetlinkDump*>(into);
  if (auto* link = std::get_if<LinkFact>(&change->fact)) {
    dump.links.push_back(std::move(*link));
  } else {
    dump.addresses.push_back(std::get<AddressFact>(change->fact));
  }
  return NL_OK;
}

}  // namespace

std::optional<std::string> NetlinkRequests::open() {
  socket_.reset(nl_socket_alloc());
  if (!socket_) return "opening a netlink socket: out of memory";
  if (const int error = nl_connect(socket_.get(), NETLINK_ROUTE); error < 0) {
    socket_.reset();
    return nl_words("opening a netlink socket", error);
  }
  return std::nullopt;
}

std::variant<NetlinkDump, std::string> NetlinkRequests::dump() {
  if (!socket_) return kNotStarted;
  int error = 0;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    NetlinkDump dump;
    error = dump_into(dump, RTM_GETLINK);
    if (error >= 0) error = dump_into(dump, RTM_GETADDR);
    if (error >= 0) return dump;
    // NLM_F_DUMP_INTR: something changed in the middle, the list may have holes.
    if (error != -NLE_DUMP_INTR) break;
  }
  return nl_words("listing links and addresses", error);
}

std::optional<std::string> NetlinkRequests::add_address(unsigned link_index, const Prefix& prefix,
                                                        Lifetime lifetime,
                                                        const AddressForm& form) {
  if (!socket_) return kNotStarted;
  const auto address = make_address(link_index, prefix);
  if (!address) return "adding " + on_link(prefix, link_index) + ": not an address with a length";
  const bool is_host_route = prefix.length == prefix.address.size() * 8;
  unsigned flags = is_host_route ? 0 : IFA_F_NOPREFIXROUTE;
  // Duplicate address detection would hold the address back for a second while the old holder,
  // which may be hung, still answers.
  if (prefix.address.family() == Family::ipv6) flags |= IFA_F_NODAD;
  rtnl_addr_set_flags(address.get(), flags);
  rtnl_addr_set_scope(address.get(), static_cast<int>(form.scope));
  if (!form.label.empty() && rtnl_addr_set_label(address.get(), form.label.c_str()) < 0) {
    return "adding " + on_link(prefix, link_index) + ": the label " + form.label + " is too long";
  }
  if (lifetime) {
    const auto seconds = static_cast<std::uint32_t>(lifetime->count());
    rtnl_addr_set_valid_lifetime(address.get(), seconds);
    // A connection that left from an address about to move would be lost. For IPv4 noprefixroute
    // and the order of the addresses see to that (secondary), for IPv6 it takes this.
    const bool ipv6 = prefix.address.family() == Family::ipv6;
    rtnl_addr_set_preferred_lifetime(address.get(), ipv6 ? 0 : seconds);
  }
  const int error = rtnl_addr_add(socket_.get(), address.get(), NLM_F_REPLACE);
  if (error >= 0) return std::nullopt;
  std::string problem = nl_words("adding " + on_link(prefix, link_index), error);
  if (error == -NLE_INVAL && form.scope != AddressScope::global && !is_host_route) {
    problem += "; one network cannot have addresses of two scopes, give this one the length 32";
  }
  return problem;
}

std::optional<std::string> NetlinkRequests::remove_address(unsigned link_index,
                                                           const Prefix& prefix) {
  if (!socket_) return kNotStarted;
  const auto address = make_address(link_index, prefix);
  if (!address) return "removing " + on_link(prefix, link_index) + ": not an address with a length";
  const int error = rtnl_addr_delete(socket_.get(), address.get(), 0);
  if (error >= 0 || error == -NLE_NOADDR || error == -NLE_NODEV) return std::nullopt;
  return nl_words("removing " + on_link(prefix, link_index), error);
}

std::optional<std::uint32_t> NetlinkRequests::inet_conf(unsigned link_index, unsigned key) {
  rtnl_link* found = nullptr;
  if (!socket_ ||
      rtnl_link_get_kernel(socket_.get(), static_cast<int>(link_index), nullptr, &found) < 0) {
    return std::nullopt;
  }
  const RtnlLink link(found);
  std::uint32_t value = 0;
  if (rtnl_link_inet_get_conf(link.get(), key, &value) < 0) return std::nullopt;
  return value;
}

bool NetlinkRequests::set_inet_conf(unsigned link_index, unsigned key, std::uint32_t value) {
  const RtnlLink which(rtnl_link_alloc());
  const RtnlLink change(rtnl_link_alloc());
  if (!socket_ || !which || !change) return false;
  rtnl_link_set_ifindex(which.get(), static_cast<int>(link_index));
  return rtnl_link_inet_set_conf(change.get(), key, value) == 0 &&
         rtnl_link_change(socket_.get(), which.get(), change.get(), 0) == 0;
}

int NetlinkRequests::dump_into(NetlinkDump& dump, int type) {
  const int sent = nl_rtgen_request(socket_.get(), type, AF_UNSPEC, NLM_F_DUMP);
  if (sent < 0) return sent;
  const NlCallbacks callbacks(nl_cb_alloc(NL_CB_DEFAULT));
  if (!callbacks) return -NLE_NOMEM;
  nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, collect, &dump);
  return nl_recvmsgs(socket_.get(), callbacks.get());
}

}  // namespace vrrp::io
