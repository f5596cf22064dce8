// One network interface and its VRRP socket, shared by all pairs on it: follows the link, picks the
// address to send from, hands each packet to the pair of its VRID.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/datagram.hpp"
#include "vrrp/instance.hpp"
#include "vrrp/io/advert_socket.hpp"
#include "vrrp/io/netlink.hpp"

namespace agent::io {

class InterfaceHub {
 public:
  using Log = std::function<void(const std::string& sentence)>;

  struct Subscriber {
    vrrp::Vrid vrid;
    bool multicast = true;
    std::set<vrrp::IpAddress> vips;  // never a source address
    std::function<void(const vrrp::Datagram&)> received;
    std::function<void(const vrrp::LinkChanged&)> link_changed;
  };

  InterfaceHub(const boost::asio::any_io_executor& executor, vrrp::io::Netlink& netlink,
               std::string name, Log log);

  void subscribe(Subscriber subscriber);
  // Looks at link and addresses anew: after start, and whenever netlink says that one changed.
  // Subscribers hear of it when it means something else to them.
  void update();

  const std::string& name() const { return name_; }
  std::optional<vrrp::io::LinkFact> link() const { return netlink_.link(name_); }
  const vrrp::IpAddress& source() const { return source_; }
  std::optional<std::string> send(const vrrp::IpAddress& destination, std::uint16_t id,
                                  std::span<const std::uint8_t> message);
  // Set when the socket could not be opened for lack of rights: nothing will mend that.
  const std::optional<std::string>& socket_problem() const { return socket_problem_; }

 private:
  void receive(const vrrp::Datagram& datagram);
  bool open_socket(const vrrp::io::LinkFact& link);
  std::optional<vrrp::IpAddress> choose_source(unsigned link_index) const;
  void say_once(const std::string& sentence);

  vrrp::io::Netlink& netlink_;
  std::string name_;
  Log log_;
  vrrp::io::AdvertSocket socket_;
  std::multimap<vrrp::Vrid, Subscriber> subscribers_;  // v2 and v3 may share a VRID
  unsigned open_index_ = 0;                            // 0: socket closed
  bool usable_ = false;
  vrrp::IpAddress source_;
  std::optional<std::string> socket_problem_;
  std::string last_said_;
};

}  // namespace agent::io
