// See interface_hub.hpp.
#include "agent/io/interface_hub.hpp"

#include <algorithm>
#include <utility>

#include "vrrp/admission.hpp"

namespace agent::io {

InterfaceHub::InterfaceHub(const boost::asio::any_io_executor& executor, vrrp::io::Netlink& netlink,
                           std::string name, Log log)
    : netlink_(netlink),
      name_(std::move(name)),
      log_(std::move(log)),
      socket_(executor, [this](const vrrp::Datagram& datagram) { receive(datagram); }) {}

void InterfaceHub::subscribe(Subscriber subscriber) {
  const vrrp::Vrid vrid = subscriber.vrid;
  subscribers_.emplace(vrid, std::move(subscriber));
}

void InterfaceHub::update() {
  const auto link = netlink_.link(name_);
  bool usable = false;
  vrrp::IpAddress source;
  if (!link) {
    socket_.close();
    open_index_ = 0;
    say_once("interface " + name_ + " does not exist (yet): waiting for it");
  } else if (!link->up || !link->carrier) {
    say_once("interface " + name_ + (link->up ? " has no carrier" : " is down") + ": waiting");
  } else if (const auto chosen = choose_source(link->index); !chosen) {
    say_once("interface " + name_ + " has no IPv4 address to send from: waiting for one");
  } else if (open_socket(*link)) {
    usable = true;
    source = *chosen;
    last_said_.clear();
  }
  if (usable == usable_ && source == source_) return;
  usable_ = usable;
  source_ = source;
  for (const auto& [vrid, subscriber] : subscribers_) {
    subscriber.link_changed(vrrp::LinkChanged{usable, source});
  }
}

std::optional<std::string> InterfaceHub::send(const vrrp::IpAddress& destination, std::uint16_t id,
                                              std::span<const std::uint8_t> message) {
  return socket_.send(source_, destination, id, message);
}

void InterfaceHub::receive(const vrrp::Datagram& datagram) {
  const auto [first, last] = subscribers_.equal_range(vrrp::peek_vrid(datagram.payload));
  for (auto it = first; it != last; ++it) it->second.received(datagram);
}

// An interface that was deleted and made anew has another index and needs another socket.
bool InterfaceHub::open_socket(const vrrp::io::LinkFact& link) {
  if (open_index_ == link.index) return true;
  const bool multicast = std::any_of(subscribers_.begin(), subscribers_.end(),
                                     [](const auto& entry) { return entry.second.multicast; });
  socket_problem_ = socket_.open(link.index, name_, multicast);
  open_index_ = socket_problem_ ? 0 : link.index;
  if (socket_problem_) say_once(*socket_problem_);
  return !socket_problem_;
}

// The interface's first primary IPv4 address that is no VIP: the kernel lists primaries in the
// order in which they were added.
std::optional<vrrp::IpAddress> InterfaceHub::choose_source(unsigned link_index) const {
  for (const auto& fact : netlink_.addresses(link_index)) {
    if (fact.prefix.address.family() != vrrp::Family::ipv4 || fact.secondary) continue;
    const bool vip = std::any_of(subscribers_.begin(), subscribers_.end(), [&](const auto& entry) {
      return entry.second.vips.contains(fact.prefix.address);
    });
    if (!vip) return fact.prefix.address;
  }
  return std::nullopt;
}

void InterfaceHub::say_once(const std::string& sentence) {
  if (last_said_ == sentence) return;
  last_said_ = sentence;
  log_(sentence);
}

}  // namespace agent::io
