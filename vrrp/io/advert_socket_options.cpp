// See advert_socket_options.hpp. RFC 9568 section 5.1 in the words of setsockopt.
#include "vrrp/io/advert_socket_options.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <system_error>

#include "vrrp/datagram.hpp"

namespace vrrp::io {

namespace {

constexpr int kReceiveBuffer = 1 << 20;
constexpr int kPriorityControl = 7;      // TC_PRIO_CONTROL: before bulk traffic in the send queue
constexpr int kTrafficClass = 0xc0;      // internetwork control, as the TOS of IPv4
constexpr int kMostPacketsWaiting = 64;  // between two system calls

template <typename Value>
bool set_option(int fd, int level, int option, const Value& value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// What was being done when it failed; errno says why.
using Failure = std::optional<std::string>;

Failure configure_ipv4(int fd, unsigned interface_index, bool join_multicast) {
  if (!set_option(fd, IPPROTO_IP, IP_HDRINCL, 1)) return "setting IP_HDRINCL";
  // Without this a socket also gets what another program on this host has joined.
  if (!set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0)) return "setting IP_MULTICAST_ALL";
  if (!set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0)) return "setting IP_MULTICAST_LOOP";
  ip_mreqn membership{};
  membership.imr_ifindex = static_cast<int>(interface_index);
  if (!set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, membership)) {
    return "choosing the multicast interface";
  }
  const IpAddress group = ipv4_multicast_group();
  std::memcpy(&membership.imr_multiaddr, group.data(), group.size());
  if (join_multicast && !set_option(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership)) {
    return "joining " + group.to_string();
  }
  return std::nullopt;
}

// IPV6_CHECKSUM stays off: the message comes with its checksum, and a received one is judged by
// decode(), which names it as the reason.
Failure configure_ipv6(int fd, unsigned interface_index, bool join_multicast) {
  const int hops = kVrrpTtl;
  if (!set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops)) {
    return "setting IPV6_MULTICAST_HOPS";
  }
  if (!set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops)) return "setting IPV6_UNICAST_HOPS";
  if (!set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, kTrafficClass)) return "setting IPV6_TCLASS";
  if (!set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0)) return "setting IPV6_MULTICAST_LOOP";
  if (!set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)) return "setting IPV6_RECVHOPLIMIT";
  if (!set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) return "setting IPV6_RECVPKTINFO";
  if (!set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(interface_index))) {
    return "choosing the multicast interface";
  }
  ipv6_mreq membership{};
  membership.ipv6mr_interface = interface_index;
  const IpAddress group = ipv6_multicast_group();
  std::memcpy(&membership.ipv6mr_multiaddr, group.data(), group.size());
  if (join_multicast && !set_option(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, membership)) {
    return "joining " + group.to_string();
  }
  return std::nullopt;
}

// Between socket() and SO_BINDTODEVICE packets of other interfaces may have slipped in.
void discard_waiting(int fd) {
  std::array<std::uint8_t, 1> byte{};
  for (int count = 0; count < kMostPacketsWaiting; ++count) {
    if (::recv(fd, byte.data(), byte.size(), MSG_DONTWAIT) < 0) return;
  }
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::variant<FileDescriptor, std::string> open_vrrp_socket(Family family, unsigned interface_index,
                                                           const std::string& interface_name,
                                                           bool join_multicast) {
  const bool ipv4 = family == Family::ipv4;
  const int domain = ipv4 ? AF_INET : AF_INET6;
  FileDescriptor socket(::socket(domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, kIpProtocolVrrp));
  const int fd = socket.get();
  if (fd < 0) {
    if (errno == EAFNOSUPPORT) return std::string("this kernel has no ") + to_string(family).data();
    return system_words("opening a raw socket needs CAP_NET_RAW", errno);
  }
  const auto failed = [&](const std::string& doing) {
    return system_words(doing + " on interface " + interface_name, errno);
  };
  if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface_name.c_str(),
                   static_cast<socklen_t>(interface_name.size())) != 0) {
    return failed("binding the VRRP socket");
  }
  if (const auto doing = ipv4 ? configure_ipv4(fd, interface_index, join_multicast)
                              : configure_ipv6(fd, interface_index, join_multicast)) {
    return failed(*doing);
  }
  // Comfort: a refusal costs nothing but headroom, or how long a packet waited.
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set_option(fd, SOL_SOCKET, SO_PRIORITY, kPriorityControl);
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer)) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  }
  discard_waiting(fd);
  return socket;
}

std::string system_words(const std::string& doing, int error) {
  return doing + ": " + std::generic_category().message(error);
}

}  // namespace vrrp::io
