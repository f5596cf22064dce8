// A veth cable between two network namespaces, for tests of one socket against the kernel: the
// test's own thread stands in `here`. Knows nothing of VRRP.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/namespace.hpp"
#include "vrrp/io/netlink.hpp"

namespace vrrp::io {

inline constexpr MacAddress kMacHere{0x02, 0, 0, 0, 0, 0x01};
inline constexpr MacAddress kMacThere{0x02, 0, 0, 0, 0, 0x02};
// 10.88.0.1/24 on eth0 here, 10.88.0.2/24 on eth0 there.
inline const IpAddress kIpHere = IpAddress::v4({10, 88, 0, 1});
inline const IpAddress kIpThere = IpAddress::v4({10, 88, 0, 2});

class Cable {
 public:
  Cable();
  ~Cable();
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;

  const std::string& here() const { return here_; }
  const std::string& there() const { return there_; }

  // Tools, with their output; the test fails when they do.
  std::string run_here(const std::string& command) const;
  std::string run_there(const std::string& command) const;
  // Deleted on both ends; plug() makes new interfaces with the same names and other indices.
  void cut() const;
  void plug() const;
  unsigned index_here() const;

 private:
  std::string here_;
  std::string there_;
  std::optional<support::InNamespace> inside_;
};

// Runs the loop until the condition holds; false after the deadline.
bool run_until(boost::asio::io_context& loop, const std::function<bool()>& condition);

// A packet socket on eth0 of a namespace.
class Sniffer {
 public:
  Sniffer(const std::string& netns, std::uint16_t ether_type);
  ~Sniffer();
  Sniffer(const Sniffer&) = delete;
  Sniffer& operator=(const Sniffer&) = delete;

  using Frame = std::vector<std::uint8_t>;
  // What arrived from the other end and was not taken yet; returns at once.
  std::vector<Frame> take();
  // The next frame that fits, waited for; nothing after the deadline.
  std::optional<Frame> wait_for(const std::function<bool(const Frame&)>& fits);
  void send(const Frame& frame);

 private:
  int fd_ = -1;
};

}  // namespace vrrp::io
