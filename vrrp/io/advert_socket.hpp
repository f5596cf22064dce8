// The raw VRRP socket of one interface and family: all pairs on it share it. Receives multicast and
// unicast advertisements; sends IPv4 with a header of our own (IP_HDRINCL), IPv6 with the kernel's.
// It judges nothing.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "vrrp/datagram.hpp"

namespace vrrp::io {

class AdvertSocket {
 public:
  using Handler = std::function<void(const Datagram&)>;

  AdvertSocket(boost::asio::any_io_executor executor, Handler handler,
               Family family = Family::ipv4);
  ~AdvertSocket();

  // Binds to the interface (SO_BINDTODEVICE) and joins 224.0.0.18 or ff02::12 when asked. Returns a
  // sentence on failure ("opening a raw socket needs CAP_NET_RAW: ..."), and can be called again,
  // also with another index when the interface was deleted and made anew.
  std::optional<std::string> open(unsigned interface_index, const std::string& interface_name,
                                  bool join_multicast);
  void close();
  bool is_open() const;

  // One advertisement; its checksum is in the message (encode()). Multicast leaves by MSG_DONTROUTE
  // or the scope of its group, unicast by the routing table. The IPv4 ID counts up per logical
  // advert: pass the same `id` to each unicast copy. A failure comes back as the system's words;
  // the caller limits how often it is logged.
  std::optional<std::string> send(const IpAddress& source, const IpAddress& destination,
                                  std::uint16_t id, std::span<const std::uint8_t> message);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vrrp::io
