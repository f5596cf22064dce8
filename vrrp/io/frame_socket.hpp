// A packet socket that only sends: whole Ethernet frames, on any link of this host. One for all who
// announce, because closing one makes the kernel wait (some 10 ms, in which no advert leaves).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "vrrp/io/netlink.hpp"

namespace vrrp::io {

class FrameSocket {
 public:
  FrameSocket() = default;
  ~FrameSocket();
  FrameSocket(const FrameSocket&) = delete;
  FrameSocket& operator=(const FrameSocket&) = delete;

  // `frame` begins with its Ethernet header. Opens the socket at the first time. One clause on
  // failure.
  std::optional<std::string> send(const LinkFact& link, std::span<const std::uint8_t> frame);

 private:
  int fd_ = -1;
};

}  // namespace vrrp::io
