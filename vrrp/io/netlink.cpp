// Keeps the picture of links and addresses that the kernel's messages paint, and tells of changes
// after a whole batch has been read: who is told sees the state after it, not one in the middle.
#include "vrrp/io/netlink.hpp"

#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "vrrp/io/netlink_parse.hpp"
#include "vrrp/io/netlink_requests.hpp"

namespace vrrp::io {

namespace {

constexpr int kMessagesPerWake = 256;
constexpr int kReceiveBuffer = 1 << 20;
constexpr auto kDumpRetry = std::chrono::milliseconds(100);
// "Best local address": never the source of the packet that waits (kernel's ip-sysctl).
constexpr std::uint32_t kAnnounceBestLocal = 2;

using Changes = std::vector<NetlinkChange>;

bool same_address(const AddressFact& left, const AddressFact& right) {
  return left.link_index == right.link_index && left.prefix == right.prefix;
}

}  // namespace

struct Netlink::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)), dump_retry_(executor_) {}
  ~Impl() { close(); }

  std::optional<std::string> start(NetlinkEvents events);
  void close();

  std::optional<std::string> subscribe();
  void wait();
  void receive();
  void discard_queue();
  void resynchronise();

  Changes apply(const Changes& received);
  bool apply_link(LinkFact link, bool removed, Changes& changes);
  void apply_address(const AddressFact& address, bool removed);
  Changes take_dump(const NetlinkDump& dump);
  void tell(const Changes& changes);

  bool is_loopback(unsigned link_index) const;
  std::shared_ptr<void> restrict_arp(unsigned link_index);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<const NetlinkEvents> events_;
  NetlinkRequests requests_;
  NlSocket event_socket_;
  std::optional<boost::asio::posix::stream_descriptor> readable_;  // event_socket_ owns the fd
  boost::asio::steady_timer dump_retry_;
  Changes received_;

  std::map<unsigned, LinkFact> links_;
  std::vector<AddressFact> addresses_;
  std::map<unsigned, std::weak_ptr<void>> arp_restrictions_;
};

std::optional<std::string> Netlink::Impl::start(NetlinkEvents events) {
  close();
  if (auto problem = requests_.open()) return problem;
  if (auto problem = subscribe()) return problem;
  const auto dump = requests_.dump();
  if (const auto* problem = std::get_if<std::string>(&dump)) return *problem;
  events_ = std::make_shared<const NetlinkEvents>(std::move(events));
  const Changes changes = take_dump(std::get<NetlinkDump>(dump));
  wait();
  tell(changes);
  return std::nullopt;
}

void Netlink::Impl::close() {
  events_.reset();
  dump_retry_.cancel();
  if (readable_) readable_->release();
  readable_.reset();
  event_socket_.reset();
  requests_.close();
  links_.clear();
  addresses_.clear();
}

std::optional<std::string> Netlink::Impl::subscribe() {
  event_socket_.reset(nl_socket_alloc());
  nl_sock* socket = event_socket_.get();
  if (!socket) return "opening a netlink socket: out of memory";
  nl_socket_disable_seq_check(socket);
  nl_socket_modify_cb(
      socket, NL_CB_VALID, NL_CB_CUSTOM,
      [](nl_msg* message, void* received) -> int {
        if (auto change = parse_change(message)) {
          static_cast<Changes*>(received)->push_back(std::move(*change));
        }
        return NL_OK;
      },
      &received_);
  int error = nl_connect(socket, NETLINK_ROUTE);
  if (error >= 0) error = nl_socket_set_nonblocking(socket);
  if (error >= 0) {
    error = nl_socket_add_memberships(socket, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
                                      RTNLGRP_IPV6_IFADDR, 0);
  }
  if (error < 0) return std::string("subscribing to netlink events: ") + nl_geterror(error);
  const int fd = nl_socket_get_fd(socket);
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
    nl_socket_set_buffer_size(socket, kReceiveBuffer, 0);
  }
  try {
    readable_.emplace(executor_, fd);
  } catch (const boost::system::system_error& failed) {
    return "watching netlink events: " + failed.code().message();
  }
  return std::nullopt;
}

void Netlink::Impl::wait() {
  readable_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [weak = weak_from_this()](auto error) {
                          const auto self = weak.lock();
                          if (self && !error && self->readable_) self->receive();
                        });
}

void Netlink::Impl::receive() {
  int error = 0;
  for (int count = 0; count < kMessagesPerWake && error >= 0; ++count) {
    error = nl_recvmsgs_default(event_socket_.get());
  }
  const Changes changes = apply(std::exchange(received_, {}));
  wait();
  tell(changes);
  // ENOBUFS: the queue ran over and messages are lost. libnl has no other use for NLE_NOMEM here
  // but real want of memory, after which a dump is right as well.
  if (error == -NLE_NOMEM && event_socket_) {
    discard_queue();
    resynchronise();
  }
}

// What waits in the queue is older than the dump that follows.
void Netlink::Impl::discard_queue() {
  std::array<char, 1> byte{};
  const int fd = nl_socket_get_fd(event_socket_.get());
  for (int count = 0; count < kReceiveBuffer / 256; ++count) {
    if (::recv(fd, byte.data(), byte.size(), MSG_DONTWAIT | MSG_TRUNC) < 0) return;
  }
}

void Netlink::Impl::resynchronise() {
  const auto dump = requests_.dump();
  if (std::holds_alternative<std::string>(dump)) {
    dump_retry_.expires_after(kDumpRetry);
    dump_retry_.async_wait([weak = weak_from_this()](auto error) {
      const auto self = weak.lock();
      if (self && !error && self->event_socket_) self->resynchronise();
    });
    return;
  }
  tell(take_dump(std::get<NetlinkDump>(dump)));
  const auto events = events_;
  if (events && events->resynchronised) events->resynchronised();
}

// Returns what is worth telling.
Changes Netlink::Impl::apply(const Changes& received) {
  Changes changes;
  for (const auto& change : received) {
    if (const auto* link = std::get_if<LinkFact>(&change.fact)) {
      if (apply_link(*link, change.removed, changes)) changes.push_back(change);
    } else {
      apply_address(std::get<AddressFact>(change.fact), change.removed);
      changes.push_back(change);
    }
  }
  return changes;
}

bool Netlink::Impl::apply_link(LinkFact link, bool removed, Changes& changes) {
  const auto known = links_.find(link.index);
  if (removed) {
    // The kernel speaks of the addresses first; what is left here after an overrun goes too.
    std::erase_if(addresses_, [&](const AddressFact& address) {
      if (address.link_index != link.index) return false;
      changes.push_back({address, true});
      return true;
    });
    return links_.erase(link.index) > 0;
  }
  if (known == links_.end()) {
    links_.emplace(link.index, std::move(link));
    return true;
  }
  // Wireless extension events carry the name alone.
  if (link.mac == MacAddress{}) link.mac = known->second.mac;
  if (known->second == link) return false;
  known->second = std::move(link);
  return true;
}

void Netlink::Impl::apply_address(const AddressFact& address, bool removed) {
  const auto known = std::find_if(addresses_.begin(), addresses_.end(),
                                  [&](const auto& other) { return same_address(other, address); });
  if (removed) {
    if (known != addresses_.end()) addresses_.erase(known);
  } else if (known != addresses_.end()) {
    *known = address;
  } else {
    addresses_.push_back(address);
  }
}

// The differences to what was known, losses first.
Changes Netlink::Impl::take_dump(const NetlinkDump& dump) {
  Changes changes;
  const auto old_links = std::exchange(links_, {});
  const auto old_addresses = std::exchange(addresses_, dump.addresses);
  for (const auto& link : dump.links) links_.emplace(link.index, link);

  const auto contains = [](const auto& list, const AddressFact& address) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& other) { return same_address(other, address); });
  };
  for (const auto& address : old_addresses) {
    if (!contains(addresses_, address)) changes.push_back({address, true});
  }
  for (const auto& [index, link] : old_links) {
    if (!links_.contains(index)) changes.push_back({link, true});
  }
  for (const auto& [index, link] : links_) {
    const auto old = old_links.find(index);
    if (old == old_links.end() || old->second != link) changes.push_back({link, false});
  }
  for (const auto& address : addresses_) {
    if (!contains(old_addresses, address)) changes.push_back({address, false});
  }
  return changes;
}

// Each of those told may start or destroy this object: then the rest is nobody's business.
void Netlink::Impl::tell(const Changes& changes) {
  const auto events = events_;
  for (const auto& [fact, removed] : changes) {
    if (!events || events_ != events) return;
    if (const auto* link = std::get_if<LinkFact>(&fact)) {
      const auto& handler = removed ? events->link_removed : events->link_changed;
      if (handler) handler(*link);
    } else {
      const auto& handler = removed ? events->address_removed : events->address_added;
      if (handler) handler(std::get<AddressFact>(fact));
    }
  }
}

bool Netlink::Impl::is_loopback(unsigned link_index) const {
  const auto link = links_.find(link_index);
  return link != links_.end() && link->second.name == "lo";
}

// A value other than 0 is the operator's own restriction and stays.
std::shared_ptr<void> Netlink::Impl::restrict_arp(unsigned link_index) {
  auto& shared = arp_restrictions_[link_index];
  if (auto held = shared.lock()) return held;
  const auto ignore = requests_.inet_conf(link_index, IPV4_DEVCONF_ARP_IGNORE);
  const auto announce = requests_.inet_conf(link_index, IPV4_DEVCONF_ARP_ANNOUNCE);
  if (!ignore || !announce) return nullptr;
  const auto restore = [weak = weak_from_this(), link_index, ignore, announce](void*) {
    const auto self = weak.lock();
    if (!self) return;
    self->requests_.set_inet_conf(link_index, IPV4_DEVCONF_ARP_IGNORE, *ignore);
    self->requests_.set_inet_conf(link_index, IPV4_DEVCONF_ARP_ANNOUNCE, *announce);
  };
  std::shared_ptr<void> held(this, restore);
  if (*ignore == 0 && !requests_.set_inet_conf(link_index, IPV4_DEVCONF_ARP_IGNORE, 1)) {
    return nullptr;
  }
  if (!requests_.set_inet_conf(link_index, IPV4_DEVCONF_ARP_ANNOUNCE, kAnnounceBestLocal)) {
    return nullptr;
  }
  shared = held;
  return held;
}

Netlink::Netlink(boost::asio::any_io_executor executor)
    : impl_(std::make_shared<Impl>(std::move(executor))) {}

Netlink::~Netlink() {
  impl_->close();
}

std::optional<std::string> Netlink::start(NetlinkEvents events) {
  return impl_->start(std::move(events));
}

std::optional<LinkFact> Netlink::link(const std::string& name) const {
  for (const auto& [index, link] : impl_->links_) {
    if (link.name == name) return link;
  }
  return std::nullopt;
}

std::vector<AddressFact> Netlink::addresses(unsigned link_index) const {
  std::vector<AddressFact> found;
  std::copy_if(impl_->addresses_.begin(), impl_->addresses_.end(), std::back_inserter(found),
               [&](const auto& address) { return address.link_index == link_index; });
  return found;
}

bool Netlink::has_address(unsigned link_index, const Prefix& prefix) const {
  return std::any_of(impl_->addresses_.begin(), impl_->addresses_.end(), [&](const auto& address) {
    return address.link_index == link_index && address.prefix == prefix;
  });
}

// The picture follows at once, without waiting for the kernel's own message about it.
std::optional<std::string> Netlink::add_address(unsigned link_index, const Prefix& prefix,
                                                std::optional<std::chrono::seconds> lifetime,
                                                const AddressForm& form) {
  const AddressForm on_loopback{{}, AddressScope::host};
  auto problem = impl_->requests_.add_address(link_index, prefix, lifetime,
                                              impl_->is_loopback(link_index) ? on_loopback : form);
  if (problem) return problem;
  AddressFact fact;
  fact.link_index = link_index;
  fact.prefix = prefix;
  for (const auto& known : impl_->addresses_) {
    if (same_address(known, fact)) fact.secondary = known.secondary;
  }
  if (lifetime) fact.valid_lifetime = static_cast<std::uint32_t>(lifetime->count());
  impl_->apply_address(fact, false);
  return std::nullopt;
}

std::optional<std::string> Netlink::remove_address(unsigned link_index, const Prefix& prefix) {
  auto problem = impl_->requests_.remove_address(link_index, prefix);
  if (problem) return problem;
  AddressFact fact;
  fact.link_index = link_index;
  fact.prefix = prefix;
  impl_->apply_address(fact, true);
  return std::nullopt;
}

std::optional<std::uint32_t> Netlink::set_arp_ignore(unsigned link_index, std::uint32_t value) {
  const auto before = impl_->requests_.inet_conf(link_index, IPV4_DEVCONF_ARP_IGNORE);
  if (!before || !impl_->requests_.set_inet_conf(link_index, IPV4_DEVCONF_ARP_IGNORE, value)) {
    return std::nullopt;
  }
  return before;
}

std::shared_ptr<void> Netlink::restrict_arp(unsigned link_index) {
  return impl_->restrict_arp(link_index);
}

}  // namespace vrrp::io
