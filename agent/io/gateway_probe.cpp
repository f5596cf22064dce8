// See gateway_probe.hpp. The socket stays open between questions, because closing a packet socket
// makes the kernel wait; a filter keeps it from waking for all else on the link.
#include "agent/io/gateway_probe.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "agent/io/config_values.hpp"
#include "agent/neighbour.hpp"
#include "hooks/io/unique_fd.hpp"

namespace agent::io {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

constexpr int kAttempts = 3;
// Between two adverts the loop reads at most this much from the link.
constexpr int kPacketsPerWake = 16;

std::string system_words(const std::string& doing) {
  return doing + ": " + std::generic_category().message(errno);
}

template <typename Value>
bool set_option(int fd, int level, int option, const Value& value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// ARP replies whose sender is `target`; offsets from the Ethernet header on.
bool accept_only_replies_of(int fd, const vrrp::IpAddress& target) {
  std::uint32_t address = 0;
  std::memcpy(&address, target.data(), sizeof address);
  std::array<sock_filter, 6> code{{BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 3),
                                   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 28),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(address), 0, 1),
                                   BPF_STMT(BPF_RET | BPF_K, 128), BPF_STMT(BPF_RET | BPF_K, 0)}};
  const sock_fprog program{code.size(), code.data()};
  return set_option(fd, SOL_SOCKET, SO_ATTACH_FILTER, program);
}

// -1 with errno set when a step fails.
hooks::io::UniqueFd open_arp(unsigned link, const vrrp::IpAddress& target) {
  // Protocol 0 hears nothing; bind() turns it on, when the filter is in place.
  hooks::io::UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_ll here{};
  here.sll_family = AF_PACKET;
  here.sll_protocol = htons(ETHERTYPE_ARP);
  here.sll_ifindex = static_cast<int>(link);
  const bool good = fd && accept_only_replies_of(fd.get(), target) &&
                    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0;
  return good ? std::move(fd) : hooks::io::UniqueFd();
}

hooks::io::UniqueFd open_icmp6(const std::string& link) {
  constexpr int kSameLink = 255;  // RFC 4861 section 7.1.1
  hooks::io::UniqueFd fd(
      ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
  if (!fd) return fd;
  icmp6_filter filter{};
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
  const bool good = set_option(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, filter) &&
                    ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, link.c_str(),
                                 static_cast<socklen_t>(link.size())) == 0 &&
                    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kSameLink);
  return good ? std::move(fd) : hooks::io::UniqueFd();
}

}  // namespace

struct GatewayProbe::Impl : std::enable_shared_from_this<Impl> {
  Impl(const boost::asio::any_io_executor& with, vrrp::IpAddress whom,
       std::chrono::nanoseconds limit, Answer handler)
      : executor(with), target(whom), timeout(limit), answer(std::move(handler)), timer(with) {}

  bool ipv6() const { return target.family() == vrrp::Family::ipv6; }
  std::optional<std::string> open();
  std::optional<std::string> send();
  void attempt();
  void wait();
  void receive(Descriptor& from);
  void finish(const std::string& why);

  const boost::asio::any_io_executor executor;
  const vrrp::IpAddress target;
  const std::chrono::nanoseconds timeout;
  const Answer answer;
  boost::asio::steady_timer timer;
  std::shared_ptr<Descriptor> socket;
  unsigned open_on = 0;  // link index; 0: closed
  vrrp::io::LinkFact link;
  vrrp::IpAddress source;
  bool asking = false;
  int attempts = 0;
};

GatewayProbe::GatewayProbe(const boost::asio::any_io_executor& executor, vrrp::IpAddress target,
                           std::chrono::nanoseconds timeout, Answer answer)
    : impl_(std::make_shared<Impl>(executor, target, timeout, std::move(answer))) {}

GatewayProbe::~GatewayProbe() {
  impl_->timer.cancel();
  impl_->socket.reset();
}

void GatewayProbe::ask(const vrrp::io::LinkFact& link, const vrrp::IpAddress& source) {
  const auto impl = impl_;  // the answer may end this probe
  if (impl->asking) return;
  impl->link = link;
  impl->source = source;
  impl->asking = true;
  impl->attempts = 0;
  impl->attempt();
}

void GatewayProbe::fail(const std::string& why) {
  const auto impl = impl_;
  if (!impl->asking) impl->finish(why);
}

void GatewayProbe::Impl::attempt() {
  if (attempts++ == kAttempts) return finish("no answer within " + to_text(timeout));
  if (auto problem = open()) return finish(*problem);
  if (auto problem = send()) return finish(*problem);
  timer.expires_after(timeout / kAttempts);
  timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error && self->asking) self->attempt();
  });
}

// An interface that was made anew has another index and needs another socket.
std::optional<std::string> GatewayProbe::Impl::open() {
  if (open_on == link.index) return std::nullopt;
  socket.reset();
  open_on = 0;
  auto fd = ipv6() ? open_icmp6(link.name) : open_arp(link.index, target);
  if (!fd) return system_words("opening a socket on " + link.name);
  try {
    socket = std::make_shared<Descriptor>(executor, fd.get());
    fd.release();
  } catch (const boost::system::system_error& error) {
    return "watching a socket on " + link.name + ": " + error.code().message();
  }
  open_on = link.index;
  wait();
  return std::nullopt;
}

std::optional<std::string> GatewayProbe::Impl::send() {
  sockaddr_storage to{};
  socklen_t size = 0;
  std::vector<std::uint8_t> bytes;
  if (ipv6()) {
    bytes = neighbour_solicitation(link.mac, target);
    auto& address = reinterpret_cast<sockaddr_in6&>(to);
    address.sin6_family = AF_INET6;
    address.sin6_scope_id = link.index;
    std::memcpy(&address.sin6_addr, solicited_node(target).data(), sizeof address.sin6_addr);
    size = sizeof address;
  } else {
    bytes = arp_request(link.mac, source, target);
    auto& address = reinterpret_cast<sockaddr_ll&>(to);
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETHERTYPE_ARP);
    address.sll_ifindex = static_cast<int>(link.index);
    address.sll_halen = ETH_ALEN;
    std::memset(address.sll_addr, 0xff, ETH_ALEN);
    size = sizeof address;
  }
  const auto sent = ::sendto(socket->native_handle(), bytes.data(), bytes.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to), size);
  if (sent < 0) return system_words("asking on " + link.name);
  return std::nullopt;
}

void GatewayProbe::Impl::wait() {
  socket->async_wait(Descriptor::wait_read, [weak = weak_from_this(), from = std::weak_ptr(socket)](
                                                const boost::system::error_code& error) {
    const auto self = weak.lock();
    const auto same = from.lock();
    if (self && same && !error && self->socket == same) self->receive(*same);
  });
}

void GatewayProbe::Impl::receive(Descriptor& from) {
  std::array<std::uint8_t, 256> buffer{};
  bool answered = false;
  for (int count = 0; count < kPacketsPerWake; ++count) {
    const auto length = ::recv(from.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    // The interface went down: the question's own time decides, the link's facts say why.
    if (length < 0) break;
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(length));
    answered = answered ||
               (ipv6() ? is_neighbour_advertisement(bytes, target) : is_arp_reply(bytes, target));
  }
  wait();
  if (answered && asking) finish({});
}

void GatewayProbe::Impl::finish(const std::string& why) {
  asking = false;
  timer.cancel();
  answer(why);
}

}  // namespace agent::io
