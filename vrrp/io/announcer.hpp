// Tells the network where virtual addresses are: gratuitous ARP for IPv4, unsolicited neighbour
// advertisements for IPv6 (announce_frames), on a schedule that no switch has to drop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/io/frame_socket.hpp"
#include "vrrp/io/netlink.hpp"

namespace vrrp::io {

struct AnnounceConfig {
  int count = 5;                                                    // frames per VIP in a burst
  std::chrono::nanoseconds repeat_after = std::chrono::seconds(5);  // and again; 0: not
  std::chrono::nanoseconds refresh = std::chrono::seconds(60);      // while leading; 0: never
};

// An address and the link that has it.
struct Announcement {
  LinkFact link;
  IpAddress address;
};

class Announcer {
 public:
  Announcer(const boost::asio::any_io_executor& executor, AnnounceConfig config,
            std::function<void(const std::string& problem)> problem,
            std::shared_ptr<FrameSocket> frames = std::make_shared<FrameSocket>());
  ~Announcer();

  // A burst now, another after `repeat_after`, then one frame for each VIP each `refresh`. Called
  // again: starts over with the burst (never two refresh timers). A burst is `count` rounds of one
  // frame for each VIP, 10 ms apart, the first at once; 64 frames leave in one go, what is more
  // follows 1 ms later.
  void start(std::vector<Announcement> announcements);
  // One burst now of what is there now; the running schedule stays.
  void burst(std::vector<Announcement> announcements);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vrrp::io
