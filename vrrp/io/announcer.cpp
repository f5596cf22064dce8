// Writes Ethernet frames on a packet socket: gratuitous ARP for IPv4, unsolicited neighbour
// advertisements (RFC 4861 section 7.2.6) for IPv6. Hears nothing, and does not ask who leads.
#include "vrrp/io/announcer.hpp"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "vrrp/wire.hpp"

namespace vrrp::io {

namespace {

constexpr MacAddress kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

// 14 bytes of Ethernet, 40 of IPv6, 32 of ICMPv6.
std::vector<std::uint8_t> neighbour_advertisement_frame(const MacAddress& mac,
                                                        const IpAddress& vip) {
  constexpr std::uint8_t kNextHeaderIcmp = 58;
  constexpr std::uint16_t kIcmpLength = 32;
  constexpr std::array<std::uint8_t, 16> kAllNodes{0xff, 0x02, 0, 0, 0, 0, 0, 0,
                                                   0,    0,    0, 0, 0, 0, 0, 1};
  constexpr MacAddress kAllNodesMac{0x33, 0x33, 0, 0, 0, 1};
  const std::span<const std::uint8_t> address(vip.data(), vip.size());

  WireWriter icmp;
  icmp.u8(136);  // Neighbor Advertisement
  icmp.u8(0);
  icmp.u16(0);           // checksum
  icmp.u32(0x20000000);  // Override
  icmp.copy(address);
  icmp.u8(2);  // option: target link-layer address, one unit of eight bytes
  icmp.u8(1);
  icmp.copy(mac);
  WireWriter pseudo_header;  // RFC 8200 section 8.1
  pseudo_header.copy(address);
  pseudo_header.copy(kAllNodes);
  pseudo_header.u32(kIcmpLength);
  pseudo_header.u32(kNextHeaderIcmp);
  const auto sum = checksum_add(checksum_add(0, pseudo_header.bytes()), icmp.bytes());
  icmp.patch_u16(2, checksum_finish(sum));

  WireWriter frame;
  frame.copy(kAllNodesMac);
  frame.copy(mac);
  frame.u16(ETHERTYPE_IPV6);
  frame.u32(0x60000000);
  frame.u16(kIcmpLength);
  frame.u8(kNextHeaderIcmp);
  frame.u8(255);  // hop limit: proof of the same link
  frame.copy(address);
  frame.copy(kAllNodes);
  frame.copy(icmp.bytes());
  return frame.take();
}

std::vector<std::uint8_t> announcement(const MacAddress& mac, const IpAddress& vip) {
  if (vip.family() == Family::ipv6) return neighbour_advertisement_frame(mac, vip);
  const auto frame = gratuitous_arp_frame(mac, vip);
  return {frame.begin(), frame.end()};
}

}  // namespace

std::array<std::uint8_t, 42> gratuitous_arp_frame(const MacAddress& mac, const IpAddress& vip) {
  const std::span<const std::uint8_t> address(vip.data(), 4);
  WireWriter frame;
  frame.copy(kBroadcast);
  frame.copy(mac);
  frame.u16(ETHERTYPE_ARP);
  frame.u16(1);  // hardware: Ethernet
  frame.u16(ETHERTYPE_IP);
  frame.u8(6);
  frame.u8(4);
  frame.u16(1);  // request
  frame.copy(mac);
  frame.copy(address);
  frame.copy(kBroadcast);
  frame.copy(address);
  std::array<std::uint8_t, 42> bytes{};
  std::copy_n(frame.bytes().begin(), bytes.size(), bytes.begin());
  return bytes;
}

struct Announcer::Impl : std::enable_shared_from_this<Impl> {
  Impl(const boost::asio::any_io_executor& executor, AnnounceConfig config,
       std::function<void(const std::string&)> problem)
      : config_(config), problem_(std::move(problem)), timer_(executor) {}
  ~Impl() {
    if (fd_ >= 0) ::close(fd_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // What goes wrong comes back, and is reported once until something was sent again.
  std::optional<std::string> send(int count);
  std::optional<std::string> send_frame(const std::vector<std::uint8_t>& frame);
  void report(const std::optional<std::string>& problem);
  void arm(std::chrono::nanoseconds after);
  void on_timer();

  const AnnounceConfig config_;
  const std::function<void(const std::string&)> problem_;
  boost::asio::steady_timer timer_;
  int fd_ = -1;
  bool running_ = false;
  bool repeat_due_ = false;
  bool reported_ = false;
  LinkFact link_;
  std::vector<IpAddress> vips_;
};

std::optional<std::string> Announcer::Impl::send(int count) {
  if (fd_ < 0) {
    // Protocol 0: a socket that hears nothing.
    fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) {
      return "opening a packet socket needs CAP_NET_RAW: " + std::generic_category().message(errno);
    }
  }
  for (const auto& vip : vips_) {
    const auto frame = announcement(link_.mac, vip);
    for (int sent = 0; sent < count; ++sent) {
      if (auto problem = send_frame(frame)) {
        return "announcing " + vip.to_string() + " on interface " + link_.name + ": " + *problem;
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> Announcer::Impl::send_frame(const std::vector<std::uint8_t>& frame) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(link_.index);
  to.sll_halen = static_cast<unsigned char>(link_.mac.size());
  std::copy_n(frame.begin(), link_.mac.size(), to.sll_addr);
  // The EtherType of the frame itself.
  to.sll_protocol = htons(static_cast<std::uint16_t>(frame[12] << 8 | frame[13]));
  const auto sent = ::sendto(fd_, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent < 0) return std::generic_category().message(errno);
  return std::nullopt;
}

void Announcer::Impl::report(const std::optional<std::string>& problem) {
  const bool is_new = problem && !reported_;
  reported_ = problem.has_value();
  if (is_new && problem_) problem_(*problem);
}

void Announcer::Impl::arm(std::chrono::nanoseconds after) {
  if (after <= std::chrono::nanoseconds::zero()) return;
  timer_.expires_after(after);
  timer_.async_wait([weak = weak_from_this()](auto error) {
    const auto self = weak.lock();
    if (self && !error && self->running_) self->on_timer();
  });
}

void Announcer::Impl::on_timer() {
  const int count = std::exchange(repeat_due_, false) ? config_.count : 1;
  arm(config_.refresh);
  report(send(count));
}

Announcer::Announcer(const boost::asio::any_io_executor& executor, AnnounceConfig config,
                     std::function<void(const std::string& problem)> problem)
    : impl_(std::make_shared<Impl>(executor, config, std::move(problem))) {}

Announcer::~Announcer() {
  stop();
}

void Announcer::start(const LinkFact& link, std::vector<IpAddress> vips) {
  stop();
  impl_->link_ = link;
  impl_->vips_ = std::move(vips);
  impl_->running_ = true;
  impl_->repeat_due_ = impl_->config_.repeat_after > std::chrono::nanoseconds::zero();
  impl_->arm(impl_->repeat_due_ ? impl_->config_.repeat_after : impl_->config_.refresh);
  impl_->report(impl_->send(impl_->config_.count));
}

void Announcer::burst() {
  if (impl_->running_) impl_->report(impl_->send(impl_->config_.count));
}

void Announcer::stop() {
  impl_->running_ = false;
  impl_->timer_.cancel();
}

}  // namespace vrrp::io
