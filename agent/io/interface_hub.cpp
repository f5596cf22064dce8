// See interface_hub.hpp.
#include "agent/io/interface_hub.hpp"

#include <algorithm>
#include <utility>

#include "vrrp/admission.hpp"

namespace agent::io {

namespace {

// What a sentence calls the address that is missing.
std::string missing_source(const Voice& voice) {
  if (voice.wanted_source) return "not the address " + voice.wanted_source->to_string();
  return voice.family == vrrp::Family::ipv4 ? "no IPv4 address"
                                            : "no IPv6 link-local address that is ready";
}

bool has_voice(const std::vector<Voice>& voices, vrrp::Family family) {
  return std::any_of(voices.begin(), voices.end(),
                     [family](const Voice& voice) { return voice.family == family; });
}

}  // namespace

InterfaceHub::InterfaceHub(const boost::asio::any_io_executor& executor, vrrp::io::Netlink& netlink,
                           std::shared_ptr<vrrp::io::FrameSocket> frames, std::string name,
                           std::set<vrrp::IpAddress> vips, Log log)
    : netlink_(netlink),
      frames_(std::move(frames)),
      name_(std::move(name)),
      vips_(std::move(vips)),
      log_(std::move(log)),
      ipv4_{{executor, [this](const vrrp::Datagram& datagram) { receive(datagram); }}, 0, {}},
      ipv6_{{executor, [this](const vrrp::Datagram& datagram) { receive(datagram); },
             vrrp::Family::ipv6},
            0,
            {}} {}

void InterfaceHub::subscribe(Subscriber subscriber) {
  members_.push_back({std::move(subscriber), {}});
  const Subscriber& one = members_.back().subscriber;
  by_vrid_.at(one.vrid.value).push_back(&one);
}

void InterfaceHub::unsubscribe(const std::string& pair) {
  for (auto& subscribers : by_vrid_) {
    std::erase_if(subscribers, [&](const Subscriber* one) { return one->pair == pair; });
  }
  members_.remove_if([&](const Member& member) { return member.subscriber.pair == pair; });
}

void InterfaceHub::update() {
  Sentences now;
  const auto link = usable_link(now);
  const Addresses addresses = link ? netlink_.addresses(link->index) : Addresses{};
  std::vector<Member*> changed;
  for (Member& member : members_) {
    Sources sources = link ? find_sources(member.subscriber, *link, addresses, now) : Sources{};
    if (sources == member.sources) continue;
    member.sources = std::move(sources);
    changed.push_back(&member);
  }
  say_new(std::move(now));
  for (const Member* member : changed) member->subscriber.sources_changed(member->sources);
}

void InterfaceHub::address_changed(const vrrp::io::AddressFact& address) {
  const bool named = std::any_of(members_.begin(), members_.end(), [&](const Member& member) {
    const auto& voices = member.subscriber.voices;
    return std::any_of(voices.begin(), voices.end(), [&](const Voice& voice) {
      return voice.wanted_source == address.prefix.address;
    });
  });
  if (named || !vips_.contains(address.prefix.address)) update();
}

std::optional<std::string> InterfaceHub::send(const vrrp::IpAddress& source,
                                              const vrrp::IpAddress& destination, std::uint16_t id,
                                              std::span<const std::uint8_t> message) {
  return channel(source.family()).socket.send(source, destination, id, message);
}

vrrp::IpAddress InterfaceHub::source() const {
  const auto on = link();
  const auto found = on ? choose_source(netlink_.addresses(on->index), Voice{}) : std::nullopt;
  return found.value_or(vrrp::IpAddress());
}

InterfaceHub::Channel& InterfaceHub::channel(vrrp::Family family) {
  return family == vrrp::Family::ipv4 ? ipv4_ : ipv6_;
}

// v2 and v3 may share a VRID, and so may groups of different families.
void InterfaceHub::receive(const vrrp::Datagram& datagram) {
  const vrrp::Vrid vrid = vrrp::peek_vrid(datagram.payload);
  bool known = false;
  for (const Subscriber* one : by_vrid_.at(vrid.value)) {
    if (!has_voice(one->voices, datagram.source.family())) continue;
    known = true;
    one->received(datagram);
  }
  if (!known && vrid.value != 0) ++foreign_;
}

std::optional<vrrp::io::LinkFact> InterfaceHub::usable_link(Sentences& now) {
  auto link = netlink_.link(name_);
  if (!link) {
    for (Channel* channel : {&ipv4_, &ipv6_}) {
      channel->socket.close();
      channel->open_index = 0;
    }
    now.insert("interface " + name_ + " does not exist (yet): waiting for it");
    return std::nullopt;
  }
  if (link->up && link->carrier) return link;
  now.insert("interface " + name_ + (link->up ? " has no carrier" : " is down") + ": waiting");
  return std::nullopt;
}

InterfaceHub::Sources InterfaceHub::find_sources(const Subscriber& subscriber,
                                                 const vrrp::io::LinkFact& link,
                                                 const Addresses& addresses, Sentences& now) {
  Sources sources;
  for (const Voice& voice : subscriber.voices) {
    const auto source = choose_source(addresses, voice);
    if (!source) {
      now.insert("interface " + name_ + " has " + missing_source(voice) +
                 " to send from: " + subscriber.pair + " waits for it");
    } else if (open_socket(voice.family, link, now)) {
      sources.emplace(voice.family, *source);
    }
  }
  return sources;
}

// IPv4: the first primary one, since the kernel lists primaries in the order in which they were
// added. IPv6: a link-local one (RFC 9568 section 5.1.2.1). Another one where the pair names it.
std::optional<vrrp::IpAddress> InterfaceHub::choose_source(const Addresses& addresses,
                                                           const Voice& voice) const {
  for (const auto& fact : addresses) {
    const vrrp::IpAddress& address = fact.prefix.address;
    if (address.family() != voice.family || fact.tentative || fact.dad_failed) continue;
    if (voice.wanted_source ? address != *voice.wanted_source : vips_.contains(address)) continue;
    if (voice.wanted_source) return address;
    if (fact.secondary) continue;
    if (address.family() == vrrp::Family::ipv4 || address.is_link_local()) return address;
  }
  return std::nullopt;
}

// An interface that was deleted and made anew has another index and needs another socket.
bool InterfaceHub::open_socket(vrrp::Family family, const vrrp::io::LinkFact& link,
                               Sentences& now) {
  Channel& one = channel(family);
  if (one.open_index != link.index) {
    const bool multicast = std::any_of(members_.begin(), members_.end(), [&](const Member& member) {
      const auto& voices = member.subscriber.voices;
      return std::any_of(voices.begin(), voices.end(), [&](const Voice& voice) {
        return voice.family == family && voice.rules.unicast_peers.empty();
      });
    });
    one.problem = one.socket.open(link.index, name_, multicast);
    one.open_index = one.problem ? 0 : link.index;
  }
  if (one.problem) now.insert(*one.problem);
  return !one.problem;
}

// What lasts is said once.
void InterfaceHub::say_new(Sentences now) {
  for (const std::string& sentence : now) {
    if (!said_.contains(sentence)) log_(sentence);
  }
  said_ = std::move(now);
}

}  // namespace agent::io
