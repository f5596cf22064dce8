// One network interface and its VRRP sockets, shared by all pairs on it: follows the link, finds
// the addresses to send from, hands each packet to the pair of its VRID and family.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/voices.hpp"
#include "vrrp/datagram.hpp"
#include "vrrp/io/advert_socket.hpp"
#include "vrrp/io/frame_socket.hpp"
#include "vrrp/io/netlink.hpp"

namespace agent::io {

class InterfaceHub {
 public:
  using Log = std::function<void(const std::string& sentence)>;
  // From where a pair can send now; a family that is missing cannot.
  using Sources = std::map<vrrp::Family, vrrp::IpAddress>;

  struct Subscriber {
    std::string pair;  // its name, for sentences
    vrrp::Vrid vrid;
    std::vector<Voice> voices;  // families, sources and whether by multicast
    std::function<void(const vrrp::Datagram&)> received;
    std::function<void(const Sources&)> sources_changed;
  };

  // `vips`: of all pairs; never a source.
  // `frames`: what all pairs of this host announce by.
  InterfaceHub(const boost::asio::any_io_executor& executor, vrrp::io::Netlink& netlink,
               std::shared_ptr<vrrp::io::FrameSocket> frames, std::string name,
               std::set<vrrp::IpAddress> vips, Log log);

  void subscribe(Subscriber subscriber);
  void unsubscribe(const std::string& pair);
  bool idle() const { return members_.empty(); }
  void set_vips(std::set<vrrp::IpAddress> vips) { vips_ = std::move(vips); }
  // Looks at link and addresses anew: after start, and whenever netlink says that one changed.
  // Subscribers hear of it when it means something else to them.
  void update();
  // The same, when the address that came or went may mean something to anybody here: that of a
  // pair, which each of its leader's renewals tells of, mostly does not.
  void address_changed(const vrrp::io::AddressFact& address);

  const std::string& name() const { return name_; }
  const std::shared_ptr<vrrp::io::FrameSocket>& frames() const { return frames_; }
  std::optional<vrrp::io::LinkFact> link() const { return netlink_.link(name_); }
  // This host's own IPv4 address there, for what is no advert; unspecified: there is none.
  vrrp::IpAddress source() const;
  std::optional<std::string> send(const vrrp::IpAddress& source, const vrrp::IpAddress& destination,
                                  std::uint16_t id, std::span<const std::uint8_t> message);
  // Packets of VRIDs that no pair here has.
  std::uint64_t foreign() const { return foreign_; }
  // Set when the IPv4 socket could not be opened for lack of rights: nothing will mend that. For
  // IPv6 a setting of the interface may be in the way, which can change.
  const std::optional<std::string>& socket_problem() const { return ipv4_.problem; }

 private:
  struct Channel {
    vrrp::io::AdvertSocket socket;
    unsigned open_index = 0;  // 0: socket closed
    std::optional<std::string> problem;
  };
  struct Member {
    Subscriber subscriber;
    Sources sources;
  };
  using Sentences = std::set<std::string>;

  Channel& channel(vrrp::Family family);
  void receive(const vrrp::Datagram& datagram);
  // The link when adverts can leave by it; otherwise the sockets are closed or wait, and why.
  std::optional<vrrp::io::LinkFact> usable_link(Sentences& now);
  using Addresses = std::vector<vrrp::io::AddressFact>;
  Sources find_sources(const Subscriber& subscriber, const vrrp::io::LinkFact& link,
                       const Addresses& addresses, Sentences& now);
  std::optional<vrrp::IpAddress> choose_source(const Addresses& addresses,
                                               const Voice& voice) const;
  bool open_socket(vrrp::Family family, const vrrp::io::LinkFact& link, Sentences& now);
  void say_new(Sentences now);

  vrrp::io::Netlink& netlink_;
  std::shared_ptr<vrrp::io::FrameSocket> frames_;
  std::string name_;
  std::set<vrrp::IpAddress> vips_;
  Log log_;
  Channel ipv4_;
  Channel ipv6_;
  std::list<Member> members_;
  std::array<std::vector<const Subscriber*>, 256> by_vrid_;  // of members_
  std::uint64_t foreign_ = 0;
  Sentences said_;  // what is so and was said
};

}  // namespace agent::io
