// See frame_socket.hpp.
#include "vrrp/io/frame_socket.hpp"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace vrrp::io {
namespace {

constexpr std::size_t kEtherType = 12;  // where it is in a frame

}  // namespace

FrameSocket::~FrameSocket() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<std::string> FrameSocket::send(const LinkFact& link,
                                             std::span<const std::uint8_t> frame) {
  if (fd_ < 0) {
    // Protocol 0: a socket that hears nothing.
    fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) {
      return "opening a packet socket needs CAP_NET_RAW: " + std::generic_category().message(errno);
    }
  }
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(link.index);
  to.sll_halen = static_cast<unsigned char>(link.mac.size());
  std::copy_n(frame.begin(), link.mac.size(), to.sll_addr);
  to.sll_protocol =
      htons(static_cast<std::uint16_t>(frame[kEtherType] << 8 | frame[kEtherType + 1]));
  const auto sent = ::sendto(fd_, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent < 0) return std::generic_category().message(errno);
  return std::nullopt;
}

}  // namespace vrrp::io
