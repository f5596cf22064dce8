// Packets between the wire and vrrp::Datagram, for both families. Knows sendmsg, recvmsg and errno,
// nothing of VRRP.
#include "vrrp/io/advert_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>

#include "vrrp/io/advert_socket_options.hpp"

namespace vrrp::io {

namespace {

// Between two adverts the loop's work is bounded, whatever a flooding neighbour sends.
constexpr std::size_t kPacketsPerWake = 64;
constexpr std::size_t kLargestPacket = 4200;  // 255 IPv6 addresses, and a header

// What one call takes from the queue, and where the kernel puts it.
constexpr std::size_t kPacketsPerCall = 16;

struct Slot {
  std::array<std::uint8_t, kLargestPacket> packet;
  alignas(cmsghdr) std::array<char, 256> control;
  sockaddr_in6 from;
  iovec vector;
};

struct Slots {
  std::array<Slot, kPacketsPerCall> slots;
  std::array<mmsghdr, kPacketsPerCall> messages;
};

// How long a packet waited in the socket, by the time of day: a clock that was set back meanwhile
// makes it none.
std::chrono::steady_clock::duration waited_since(const timespec& arrival) {
  const auto then =
      std::chrono::seconds(arrival.tv_sec) + std::chrono::nanoseconds(arrival.tv_nsec);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::max<std::chrono::steady_clock::duration>(now - then, {});
}

bool is_arrival(const cmsghdr& item) {
  return item.cmsg_level == SOL_SOCKET && item.cmsg_type == SCM_TIMESTAMPNS;
}

timespec arrival_in(const cmsghdr& item) {
  timespec arrival{};
  std::memcpy(&arrival, CMSG_DATA(&item), sizeof arrival);
  return arrival;
}

IpAddress to_address(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v6(bytes);
}

in6_addr to_in6(const IpAddress& address) {
  in6_addr out{};
  std::memcpy(&out, address.data(), sizeof out);
  return out;
}

std::span<const std::uint8_t> bytes_of(const mmsghdr& message) {
  const iovec& vector = *message.msg_hdr.msg_iov;
  return {static_cast<const std::uint8_t*>(vector.iov_base), message.msg_len};
}

// nullopt: not a whole packet.
std::optional<Datagram> ipv4_datagram(mmsghdr& message) {
  auto datagram = parse_ipv4(bytes_of(message));
  const cmsghdr* item = CMSG_FIRSTHDR(&message.msg_hdr);
  if (datagram && item != nullptr && is_arrival(*item)) {
    datagram->waited = waited_since(arrival_in(*item));
  }
  return datagram;
}

// A raw IPv6 socket delivers the payload alone; hop limit and destination come beside it.
std::optional<Datagram> ipv6_datagram(mmsghdr& message) {
  Datagram datagram;
  bool has_hops = false;
  bool has_destination = false;
  for (cmsghdr* item = CMSG_FIRSTHDR(&message.msg_hdr); item != nullptr;
       item = CMSG_NXTHDR(&message.msg_hdr, item)) {
    if (is_arrival(*item)) datagram.waited = waited_since(arrival_in(*item));
    if (item->cmsg_level != IPPROTO_IPV6) continue;
    if (item->cmsg_type == IPV6_HOPLIMIT) {
      int hops = 0;
      std::memcpy(&hops, CMSG_DATA(item), sizeof hops);
      datagram.ttl = static_cast<std::uint8_t>(hops);
      has_hops = true;
    } else if (item->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      datagram.destination = to_address(info.ipi6_addr);
      has_destination = true;
    }
  }
  const bool cut = (message.msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  if (cut || !has_hops || !has_destination) return std::nullopt;
  datagram.source =
      to_address(static_cast<const sockaddr_in6*>(message.msg_hdr.msg_name)->sin6_addr);
  datagram.payload = bytes_of(message);
  return datagram;
}

// How many packets came; fewer than there are slots: the queue is empty.
std::size_t receive_some(int fd, Slots& slots) {
  for (std::size_t i = 0; i < kPacketsPerCall; ++i) {
    Slot& slot = slots.slots.at(i);
    slot.vector = {slot.packet.data(), slot.packet.size()};
    msghdr& header = slots.messages.at(i).msg_hdr;
    header = {};
    header.msg_name = &slot.from;
    header.msg_namelen = sizeof slot.from;
    header.msg_iov = &slot.vector;
    header.msg_iovlen = 1;
    header.msg_control = slot.control.data();
    header.msg_controllen = slot.control.size();
  }
  const int count = ::recvmmsg(fd, slots.messages.data(), kPacketsPerCall, MSG_DONTWAIT, nullptr);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool send_ipv4(int fd, const IpAddress& source, const IpAddress& destination, std::uint16_t id,
               std::span<const std::uint8_t> message) {
  const auto packet = build_ipv4(source, destination, id, kVrrpTtl, message);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  std::memcpy(&to.sin_addr, destination.data(), sizeof to.sin_addr);
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (destination.is_multicast() ? MSG_DONTROUTE : 0);
  return ::sendto(fd, packet.data(), packet.size(), flags, reinterpret_cast<const sockaddr*>(&to),
                  sizeof to) >= 0;
}

// The source of the pseudo-header must be that of the packet, so the kernel is told which.
bool send_ipv6(int fd, unsigned interface_index, const IpAddress& source,
               const IpAddress& destination, std::span<const std::uint8_t> message) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_addr = to_in6(destination);
  const bool needs_scope = destination.is_multicast() || destination.is_link_local();
  to.sin6_scope_id = needs_scope ? interface_index : 0;
  iovec vector{const_cast<std::uint8_t*>(message.data()), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  msghdr packet{};
  packet.msg_name = &to;
  packet.msg_namelen = sizeof to;
  packet.msg_iov = &vector;
  packet.msg_iovlen = 1;
  packet.msg_control = control.data();
  packet.msg_controllen = control.size();
  cmsghdr* const item = CMSG_FIRSTHDR(&packet);
  item->cmsg_level = IPPROTO_IPV6;
  item->cmsg_type = IPV6_PKTINFO;
  item->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
  const in6_pktinfo info{to_in6(source), interface_index};
  std::memcpy(CMSG_DATA(item), &info, sizeof info);
  return ::sendmsg(fd, &packet, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

}  // namespace

struct AdvertSocket::Impl : std::enable_shared_from_this<Impl> {
  using Descriptor = boost::asio::posix::stream_descriptor;

  Impl(boost::asio::any_io_executor executor, Handler handler, Family family)
      : executor_(std::move(executor)), handler_(std::move(handler)), family_(family) {}

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

  // The handler may close or reopen the socket: then the rest is dropped, and waits for nobody.
  void receive(Descriptor& socket) {
    const auto slots = slots_;
    for (std::size_t taken = 0; taken < kPacketsPerWake; taken += kPacketsPerCall) {
      const std::size_t count = receive_some(socket.native_handle(), *slots);
      for (std::size_t i = 0; i < count; ++i) {
        mmsghdr& message = slots->messages.at(i);
        const auto datagram =
            family_ == Family::ipv4 ? ipv4_datagram(message) : ipv6_datagram(message);
        if (datagram) handler_(*datagram);
        if (socket_.get() != &socket) return;
      }
      if (count < kPacketsPerCall) break;
    }
    wait();
  }

  boost::asio::any_io_executor executor_;
  Handler handler_;
  const Family family_;
  unsigned interface_index_ = 0;
  std::shared_ptr<Descriptor> socket_;
  std::shared_ptr<Slots> slots_ = std::make_shared<Slots>();
};

AdvertSocket::AdvertSocket(boost::asio::any_io_executor executor, Handler handler, Family family)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(handler), family)) {}

AdvertSocket::~AdvertSocket() {
  close();
}

std::optional<std::string> AdvertSocket::open(unsigned interface_index,
                                              const std::string& interface_name,
                                              bool join_multicast) {
  close();
  auto opened = open_vrrp_socket(impl_->family_, interface_index, interface_name, join_multicast);
  if (const auto* problem = std::get_if<std::string>(&opened)) return *problem;
  auto& fd = std::get<FileDescriptor>(opened);
  try {
    impl_->open(fd.get());
    fd.release();
  } catch (const boost::system::system_error& error) {
    return "watching the VRRP socket: " + error.code().message();
  }
  impl_->interface_index_ = interface_index;
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
  const Family family = impl_->family_;
  if (source.family() != family || destination.family() != family) {
    return std::string("this socket sends over ") + to_string(family).data() + " only, not from " +
           source.to_string() + " to " + destination.to_string();
  }
  const int fd = impl_->socket_->native_handle();
  const bool sent = family == Family::ipv4
                        ? send_ipv4(fd, source, destination, id, message)
                        : send_ipv6(fd, impl_->interface_index_, source, destination, message);
  if (!sent) return system_words("sending to " + destination.to_string(), errno);
  return std::nullopt;
}

}  // namespace vrrp::io
