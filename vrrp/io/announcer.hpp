// Gratuitous ARP for virtual addresses, in the form keepalived sends: an ARP request whose sender
// and target address are the VIP, broadcast, from the real MAC.
// IPv6 addresses are announced by unsolicited neighbour advertisements with the Override flag.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/io/netlink.hpp"

namespace vrrp::io {

struct AnnounceConfig {
  int count = 5;                                                    // frames per VIP, at once
  std::chrono::nanoseconds repeat_after = std::chrono::seconds(5);  // and again; 0: not
  std::chrono::nanoseconds refresh = std::chrono::seconds(60);      // while leading; 0: never
};

class Announcer {
 public:
  Announcer(const boost::asio::any_io_executor& executor, AnnounceConfig config,
            std::function<void(const std::string& problem)> problem);
  ~Announcer();

  // `count` frames for each VIP now, again after `repeat_after`, then one each `refresh`.
  // Called again: starts over with the burst (never two refresh timers).
  void start(const LinkFact& link, std::vector<IpAddress> vips);
  // One burst now, the running schedule stays.
  void burst();
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// The 42 bytes of the frame.
std::array<std::uint8_t, 42> gratuitous_arp_frame(const MacAddress& mac, const IpAddress& vip);

}  // namespace vrrp::io
