// Reads what the kernel said. Judges nothing: an odd object is no fact.
#include "vrrp/io/netlink_parse.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>

namespace vrrp::io {

namespace {

constexpr std::uint32_t kForEver = 0xffffffff;  // INFINITY_LIFE_TIME

std::optional<IpAddress> ip_address(nl_addr* address) {
  const auto bytes_of = [&](auto bytes) {
    std::memcpy(bytes.data(), nl_addr_get_binary_addr(address), bytes.size());
    return bytes;
  };
  if (!address) return std::nullopt;
  const int family = nl_addr_get_family(address);
  const auto length = nl_addr_get_len(address);
  if (family == AF_INET && length == 4) {
    return IpAddress::v4(bytes_of(std::array<std::uint8_t, 4>{}));
  }
  if (family == AF_INET6 && length == 16) {
    return IpAddress::v6(bytes_of(std::array<std::uint8_t, 16>{}));
  }
  return std::nullopt;
}

int family_of(const IpAddress& address) {
  return address.family() == Family::ipv4 ? AF_INET : AF_INET6;
}

}  // namespace

std::optional<LinkFact> link_fact(rtnl_link* link) {
  const char* name = rtnl_link_get_name(link);
  if (!name) return std::nullopt;
  LinkFact fact;
  fact.index = static_cast<unsigned>(rtnl_link_get_ifindex(link));
  fact.name = name;
  const unsigned flags = rtnl_link_get_flags(link);
  fact.up = (flags & IFF_UP) != 0;
  fact.carrier = (flags & IFF_LOWER_UP) != 0;
  nl_addr* mac = rtnl_link_get_addr(link);
  if (mac && nl_addr_get_len(mac) == fact.mac.size()) {
    std::memcpy(fact.mac.data(), nl_addr_get_binary_addr(mac), fact.mac.size());
  }
  return fact;
}

std::optional<AddressFact> address_fact(rtnl_addr* address) {
  const auto local = ip_address(rtnl_addr_get_local(address));
  if (!local) return std::nullopt;
  AddressFact fact;
  fact.link_index = static_cast<unsigned>(rtnl_addr_get_ifindex(address));
  fact.prefix.address = *local;
  fact.prefix.length = static_cast<std::uint8_t>(rtnl_addr_get_prefixlen(address));
  // The same bit means "temporary" (RFC 8981) in IPv6.
  fact.secondary =
      local->family() == Family::ipv4 && (rtnl_addr_get_flags(address) & IFA_F_SECONDARY) != 0;
  if (local->family() == Family::ipv6) {
    const unsigned flags = rtnl_addr_get_flags(address);
    fact.tentative = (flags & IFA_F_TENTATIVE) != 0;
    fact.dad_failed = (flags & IFA_F_DADFAILED) != 0;
  }
  const std::uint32_t lifetime = rtnl_addr_get_valid_lifetime(address);
  if (lifetime != kForEver) fact.valid_lifetime = lifetime;
  return fact;
}

std::optional<NetlinkChange> parse_change(nl_msg* message) {
  const auto type = nlmsg_hdr(message)->nlmsg_type;
  const bool is_link = type == RTM_NEWLINK || type == RTM_DELLINK;
  if (!is_link && type != RTM_NEWADDR && type != RTM_DELADDR) return std::nullopt;

  // A bridge tells of its ports in messages of its own family: a port that leaves it is deleted
  // there, and lives on as a link. Asked of the message, since libnl calls each bridge AF_BRIDGE.
  if (is_link && nlmsg_datalen(nlmsg_hdr(message)) >= static_cast<int>(sizeof(ifinfomsg)) &&
      static_cast<const ifinfomsg*>(nlmsg_data(nlmsg_hdr(message)))->ifi_family != AF_UNSPEC) {
    return std::nullopt;
  }

  using Parsed = std::optional<std::variant<LinkFact, AddressFact>>;
  Parsed parsed;
  nl_msg_parse(
      message,
      is_link ? [](nl_object* object, void* out) {
        if (auto fact = link_fact(reinterpret_cast<rtnl_link*>(object))) {
          *static_cast<Parsed*>(out) = std::move(*fact);
        }
      } : [](nl_object* object, void* out) {
        if (auto fact = address_fact(reinterpret_cast<rtnl_addr*>(object))) {
          *static_cast<Parsed*>(out) = *fact;
        }
      },
      &parsed);
  if (!parsed) return std::nullopt;
  return NetlinkChange{std::move(*parsed), type == RTM_DELLINK || type == RTM_DELADDR};
}

RtnlAddress make_address(unsigned link_index, const Prefix& prefix) {
  const NlAddress local(
      nl_addr_build(family_of(prefix.address), prefix.address.data(), prefix.address.size()));
  RtnlAddress address(rtnl_addr_alloc());
  if (!local || !address) return nullptr;
  nl_addr_set_prefixlen(local.get(), prefix.length);
  rtnl_addr_set_ifindex(address.get(), static_cast<int>(link_index));
  if (rtnl_addr_set_local(address.get(), local.get()) != 0) return nullptr;
  rtnl_addr_set_prefixlen(address.get(), prefix.length);
  return address;
}

}  // namespace vrrp::io
