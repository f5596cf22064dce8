// One raw socket per interface, for sending and receiving: it is bound to the device but to no
// address, so that multicast and unicast both arrive. Knows socket options and errno, nothing of
// VRRP beyond its protocol number.
#include "vrrp/io/advert_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace vrrp::io {

namespace {

// Between two adverts the loop's work is bounded, whatever a flooding neighbour sends.
constexpr int kPacketsPerWake = 64;
constexpr std::size_t kLargestPacket = 4096;
constexpr int kReceiveBuffer = 1 << 20;
constexpr int kPriorityControl = 7;  // TC_PRIO_CONTROL: before bulk traffic in the send queue

std::string system_words(const std::string& doing, int error) {
  return doing + ": " + std::generic_category().message(error);
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

template <typename Value>
bool set_option(int fd, int level, int option, const Value& value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

in_addr group_in_addr() {
  in_addr group{};
  std::memcpy(&group, ipv4_multicast_group().data(), sizeof group);
  return group;
}

std::optional<std::string> configure(int fd, unsigned interface_index,
                                     const std::string& interface_name, bool join_multicast) {
  const auto failed = [&](const std::string& doing) {
    return system_words(doing + " on interface " + interface_name, errno);
  };
  if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface_name.c_str(),
                   static_cast<socklen_t>(interface_name.size())) != 0) {
    return failed("binding the VRRP socket");
  }
  if (!set_option(fd, IPPROTO_IP, IP_HDRINCL, 1)) return failed("setting IP_HDRINCL");
  // Without this a socket also gets what another program on this host has joined.
  if (!set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0)) return failed("setting IP_MULTICAST_ALL");
  if (!set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0)) return failed("setting IP_MULTICAST_LOOP");
  ip_mreqn membership{};
  membership.imr_ifindex = static_cast<int>(interface_index);
  if (!set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, membership)) {
    return failed("choosing the multicast interface");
  }
  membership.imr_multiaddr = group_in_addr();
  if (join_multicast && !set_option(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership)) {
    return failed("joining " + ipv4_multicast_group().to_string());
  }
  // Comfort: a refusal costs nothing but headroom.
  set_option(fd, SOL_SOCKET, SO_PRIORITY, kPriorityControl);
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer)) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  }
  return std::nullopt;
}

// Between socket() and SO_BINDTODEVICE packets of other interfaces may have slipped in.
void discard_waiting(int fd) {
  std::array<std::uint8_t, 1> byte{};
  for (int count = 0; count < kPacketsPerWake; ++count) {
    if (::recv(fd, byte.data(), byte.size(), MSG_DONTWAIT) < 0) return;
  }
}

}  // namespace

struct AdvertSocket::Impl : std::enable_shared_from_this<Impl> {
  using Descriptor = boost::asio::posix::stream_descriptor;

  Impl(boost::asio::any_io_executor executor, Handler handler)
      : executor_(std::move(executor)), handler_(std::move(handler)) {}

  void open(int fd) { socket_ = std::make_shared<Descriptor>(executor_, fd); }

  void wait() {
    socket_->async_wait(Descriptor::wait_read,
                        [weak = weak_from_this(), socket = std::weak_ptr(socket_)](auto error) {
                          const auto self = weak.lock();
                          const auto same = socket.lock();
                          if (!self || error || !same || self->socket_ != same) return;
                          self->receive(*same);
                        });
  }

  // The handler may close or reopen the socket: then the rest waits for another wake, or for none.
  void receive(Descriptor& socket) {
    std::array<std::uint8_t, kLargestPacket> buffer;
    for (int count = 0; count < kPacketsPerWake; ++count) {
      const auto length =
          ::recv(socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (length < 0) break;
      const auto datagram = parse_ipv4(std::span(buffer.data(), static_cast<std::size_t>(length)));
      if (datagram) handler_(*datagram);
      if (socket_.get() != &socket) return;
    }
    wait();
  }

  boost::asio::any_io_executor executor_;
  Handler handler_;
  std::shared_ptr<Descriptor> socket_;
};

AdvertSocket::AdvertSocket(boost::asio::any_io_executor executor, Handler handler)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(handler))) {}

AdvertSocket::~AdvertSocket() {
  close();
}

std::optional<std::string> AdvertSocket::open(unsigned interface_index,
                                              const std::string& interface_name,
                                              bool join_multicast) {
  close();
  FileDescriptor fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, kIpProtocolVrrp));
  if (fd.get() < 0) return system_words("opening a raw socket needs CAP_NET_RAW", errno);
  if (auto problem = configure(fd.get(), interface_index, interface_name, join_multicast)) {
    return problem;
  }
  discard_waiting(fd.get());
  try {
    impl_->open(fd.get());
    fd.release();
  } catch (const boost::system::system_error& error) {
    return "watching the VRRP socket: " + error.code().message();
  }
  impl_->wait();
  return std::nullopt;
}

void AdvertSocket::close() {
  impl_->socket_.reset();
}

bool AdvertSocket::is_open() const {
  return impl_->socket_ != nullptr;
}

std::optional<std::string> AdvertSocket::send(const IpAddress& source, const IpAddress& destination,
                                              std::uint16_t id,
                                              std::span<const std::uint8_t> message) {
  if (!is_open()) return "the VRRP socket is not open";
  if (source.family() != Family::ipv4 || destination.family() != Family::ipv4) {
    return "adverts are sent over IPv4 only, not from " + source.to_string() + " to " +
           destination.to_string();
  }
  const auto packet = build_ipv4(source, destination, id, kVrrpTtl, message);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  std::memcpy(&to.sin_addr, destination.data(), sizeof to.sin_addr);
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (destination.is_multicast() ? MSG_DONTROUTE : 0);
  const auto sent = ::sendto(impl_->socket_->native_handle(), packet.data(), packet.size(), flags,
                             reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent < 0) return system_words("sending to " + destination.to_string(), errno);
  return std::nullopt;
}

}  // namespace vrrp::io
