// Links and addresses of this host over rtnetlink (libnl). Subscribes first, then dumps, so that
// nothing falls between. Requests are synchronous: the kernel answers within microseconds.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vrrp/virtual_address.hpp"

namespace vrrp::io {

using MacAddress = std::array<std::uint8_t, 6>;

struct LinkFact {
  unsigned index = 0;
  std::string name;
  bool up = false;       // IFF_UP
  bool carrier = false;  // IFF_LOWER_UP
  MacAddress mac{};
  bool operator==(const LinkFact&) const = default;
};

struct AddressFact {
  unsigned link_index = 0;
  Prefix prefix;
  bool secondary = false;
  // Seconds left to live; nullopt: for ever.
  std::optional<std::uint32_t> valid_lifetime;
  // IPv6: duplicate address detection is not through, or found another holder. Not to send from.
  bool tentative = false;
  bool dad_failed = false;
  bool operator==(const AddressFact&) const = default;
};

// How an IPv4 address is dressed; without meaning for IPv6.
struct AddressForm {
  std::string label;
  AddressScope scope = AddressScope::global;
};

struct NetlinkEvents {
  std::function<void(const LinkFact&)> link_changed;  // new or changed
  std::function<void(const LinkFact&)> link_removed;
  std::function<void(const AddressFact&)> address_added;  // new, or its lifetime was renewed
  std::function<void(const AddressFact&)> address_removed;
  // Messages were lost and everything was dumped again: compare wanted with present.
  std::function<void()> resynchronised;
};

class Netlink {
 public:
  explicit Netlink(boost::asio::any_io_executor executor);
  ~Netlink();

  // Sentence on failure. Events of what exists come from inside this call.
  std::optional<std::string> start(NetlinkEvents events);

  std::optional<LinkFact> link(const std::string& name) const;
  std::vector<AddressFact> addresses(unsigned link_index) const;
  bool has_address(unsigned link_index, const Prefix& prefix) const;

  // Adds the address or renews its lifetime (RTM_NEWADDR with NLM_F_REPLACE). `lifetime` is
  // rounded up to whole seconds, as the kernel counts; nullopt: for ever. `noprefixroute` is set.
  // An IPv6 address with a lifetime is never the kernel's choice of a source (deprecated).
  // Both return a sentence on failure; removing what is not there is no failure.
  std::optional<std::string> add_address(unsigned link_index, const Prefix& prefix,
                                         std::optional<std::chrono::seconds> lifetime,
                                         const AddressForm& form = {});
  std::optional<std::string> remove_address(unsigned link_index, const Prefix& prefix);

  // net.ipv4.conf.<link>.arp_ignore through IFLA_INET_CONF. Returns the value before, nullopt when
  // it could not be read or set.
  std::optional<std::uint32_t> set_arp_ignore(unsigned link_index, std::uint32_t value);

  // While a handle for the link lives, the link answers ARP for its own addresses only
  // (arp_ignore 1) and names no other as sender (arp_announce 2). Handles of several pairs share
  // one setting; the values from before return with the last of them. nullptr: could not be set.
  std::shared_ptr<void> restrict_arp(unsigned link_index);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vrrp::io
