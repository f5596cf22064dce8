// See attacker.hpp.
#include "tests/netns/attacker.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/namespace.hpp"
#include "vrrp/datagram.hpp"
#include "vrrp/wire.hpp"

namespace support {
namespace {

using Bytes = std::vector<std::uint8_t>;
using vrrp::IpAddress;

constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kLargestRead = 4096;  // of the agent's socket
// Small against the receive buffer of a socket and against the kernel's backlog.
constexpr int kVolley = 500;
const Bytes kGroupMac = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x12};

IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

Bytes mac_of(const Host& host) {
  const InNamespace here(host.netns);
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) throw std::runtime_error("getifaddrs");
  Bytes mac;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_PACKET) continue;
    if (std::string(entry->ifa_name) != "eth0") continue;
    const auto* const link = reinterpret_cast<const sockaddr_ll*>(entry->ifa_addr);
    mac.assign(link->sll_addr, link->sll_addr + 6);
  }
  ::freeifaddrs(list);
  return mac;
}

void put_u16(Bytes& packet, std::size_t at, std::size_t value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8U);
  packet[at + 1] = static_cast<std::uint8_t>(value & 0xffU);
}

// Makes length and checksum of an IP header agree with the packet.
void seal(Bytes& packet) {
  const std::size_t header = (packet[0] & 0x0fU) * std::size_t{4};
  put_u16(packet, 2, packet.size());
  put_u16(packet, 10, 0);
  put_u16(packet, 10, vrrp::checksum_finish(vrrp::checksum_add(0, {packet.data(), header})));
}

void make_checksum_right(Bytes& message, const IpAddress& source, const IpAddress& destination) {
  vrrp::WireWriter pseudo;
  pseudo.copy({source.data(), source.size()});
  pseudo.copy({destination.data(), destination.size()});
  pseudo.u32(static_cast<std::uint32_t>(message.size()));
  pseudo.u32(vrrp::kIpProtocolVrrp);
  put_u16(message, 6, 0);
  const auto sum = vrrp::checksum_add(vrrp::checksum_add(0, pseudo.bytes()), message);
  put_u16(message, 6, vrrp::checksum_finish(sum));
}

// Router alert (RFC 2113) and no-operations, up to the largest header.
void insert_options(Bytes& packet, std::size_t words) {
  Bytes options = {148, 4, 0, 0};
  options.resize(words * 4, 1);
  packet[0] = static_cast<std::uint8_t>(0x45 + words);
  packet.insert(packet.begin() + kIpHeader, options.begin(), options.end());
  seal(packet);
}

// /proc/net/raw: a line for each raw socket, its queues as "00000000:00000000" in the fifth word,
// that of received packets behind the colon.
bool packets_wait_here() {
  std::ifstream sockets("/proc/thread-self/net/raw");
  std::string line;
  std::getline(sockets, line);
  while (std::getline(sockets, line)) {
    std::istringstream words(line);
    std::string queues;
    for (int word = 0; word < 5; ++word) words >> queues;
    if (!queues.ends_with(":00000000")) return true;
  }
  return false;
}

}  // namespace

Attacker::Attacker(const Lan& lan)
    : own_netns_(lan.client().netns),
      own_mac_(mac_of(lan.client())),
      wire_(lan.client().netns, ETHERTYPE_IP) {
  for (const Host& host : {lan.a(), lan.b()}) {
    Target target{host, {}, mac_of(host), {}};
    target.rules.vrid = vrrp::Vrid{51};
    target.rules.addresses = {ip(std::string(kVip))};
    target.rules.own_source = ip(host.ip);
    targets_.push_back(std::move(target));
  }
  sources_ = {ip(lan.client().ip), ip(lan.a().ip), ip(lan.b().ip)};
  destinations_ = {vrrp::ipv4_multicast_group(), ip(lan.a().ip), ip(lan.b().ip)};
}

void Attacker::flood(int count) {
  for (int sent = 0; sent < count; ++sent) {
    if (sent % kVolley == 0) wait_until_taken();
    fire(bad_shot(std::nullopt));
  }
  wait_until_taken();
}

long Attacker::storm(const Host& host, std::chrono::milliseconds length) {
  constexpr std::size_t kAtOnce = 256;
  const Bytes mac = mac_of(host);
  std::vector<Bytes> frames;
  while (frames.size() < kAtOnce) {
    const Shot shot = bad_shot(std::nullopt);
    const bool whole = shot.packets.size() == 1 && !shot.whole.empty();  // fragments: see flood()
    if (whole) frames.push_back(frame_of(shot.packets.front(), mac));
  }
  const InNamespace here(own_netns_);
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
  std::vector<iovec> pieces(kAtOnce);
  std::vector<mmsghdr> messages(kAtOnce);
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    pieces[i] = {frames[i].data(), frames[i].size()};
    messages[i].msg_hdr.msg_name = &to;
    messages[i].msg_hdr.msg_namelen = sizeof to;
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  long sent = 0;
  const auto end = std::chrono::steady_clock::now() + length;
  while (std::chrono::steady_clock::now() < end) {
    const int count = ::sendmmsg(fd, messages.data(), kAtOnce, 0);
    if (count < 0 && errno != ENOBUFS && errno != EINTR) throw std::runtime_error("sendmmsg");
    sent += std::max(count, 0);
  }
  ::close(fd);
  return sent;
}

void Attacker::send_one(const std::optional<std::string>& source) {
  fire(bad_shot(source ? std::optional(ip(*source)) : std::nullopt));
}

std::string Attacker::refused_by(const Host& host) const {
  const auto found = std::find_if(targets_.begin(), targets_.end(), [&](const Target& target) {
    return target.host.name == host.name;
  });
  std::ostringstream text;
  for (std::size_t i = 0; i < vrrp::kRefusalCount; ++i) {
    text << (i == 0 ? "{" : ",") << '"' << vrrp::to_string(static_cast<vrrp::Refusal>(i))
         << "\":" << found->refused.at(i);
  }
  return text.str() + "}";
}

// Draws until no host would admit it.
Attacker::Shot Attacker::bad_shot(const std::optional<IpAddress>& source) {
  for (;;) {
    Shot shot = random_shot(source.value_or(sources_[below(sources_.size())]),
                            destinations_[below(destinations_.size())]);
    const auto datagram = vrrp::parse_ipv4(shot.whole);
    const bool admitted =
        datagram && std::any_of(targets_.begin(), targets_.end(), [&](const Target& target) {
          return std::holds_alternative<vrrp::Admitted>(vrrp::admit(*datagram, target.rules));
        });
    if (!admitted) return shot;
  }
}

Attacker::Shot Attacker::random_shot(const IpAddress& source, const IpAddress& destination) {
  Shot shot{source, destination, {}, {}};
  const auto kind = static_cast<unsigned>(below(14));
  const bool damaged = kind < 9;
  const Bytes message = damaged ? spoiled_message(kind, shot) : advert(shot);
  Bytes packet = vrrp::build_ipv4(source, destination, 1, vrrp::kVrrpTtl, message);
  if (kind >= 10) {
    packet[8] = static_cast<std::uint8_t>(below(255));  // TTL: never 255
    seal(packet);
  }
  if (kind == 11) insert_options(packet, 1 + below(10));
  // A lone fragment occupies the kernel's memory for half a minute, so there are few of them.
  if (kind == 12) return fragmented(std::move(shot), packet, below(50) != 0);
  shot.whole = packet;
  if (kind == 13) {  // one wrong bit behind the first byte of the IP header: the kernel's to refuse
    packet[1 + below(kIpHeader - 1)] ^= static_cast<std::uint8_t>(1U << below(8));
    shot.whole.clear();
  }
  const Bytes padding = random_bytes(below(2) * below(20));
  packet.insert(packet.end(), padding.begin(), padding.end());
  shot.packets = {packet};
  return shot;
}

Attacker::Shot Attacker::fragmented(Shot shot, const Bytes& packet, bool complete) {
  constexpr std::size_t kFirst = kIpHeader + 8;
  constexpr std::size_t kMoreFragments = 0x2000;
  Bytes first(packet.begin(), packet.begin() + kFirst);
  Bytes second(packet.begin(), packet.begin() + kIpHeader);
  second.insert(second.end(), packet.begin() + kFirst, packet.end());
  ++fragment_id_;
  for (Bytes* const piece : {&first, &second}) {
    put_u16(*piece, 4, fragment_id_);
    put_u16(*piece, 6, piece == &first ? kMoreFragments : 1);
    seal(*piece);
  }
  shot.packets = {first};
  if (!complete) return shot;
  shot.packets.push_back(second);
  shot.whole = packet;
  return shot;
}

Attacker::Bytes Attacker::spoiled_message(unsigned kind, const Shot& shot) {
  Bytes message = advert(shot);
  switch (kind) {
    case 0:
      for (std::size_t flips = 1 + below(8); flips > 0; --flips) {
        message[below(message.size())] ^= static_cast<std::uint8_t>(1U << below(8));
      }
      return message;
    case 1: message.resize(below(message.size())); return message;
    case 2: put_u16(message, 6, below(0x10000)); return message;
    case 3: return advert(shot, vrrp::Vrid{static_cast<std::uint8_t>(52 + below(200))});
    case 4: return advert(shot, vrrp::Vrid{51}, vrrp::Version::v2);
    case 5:  // any version and type, reserved bits, interval 0
      message[0] = static_cast<std::uint8_t>(below(256));
      put_u16(message, 4, below(2) * below(0x10000));
      make_checksum_right(message, shot.source, shot.destination);
      return message;
    case 6: {
      const Bytes more = random_bytes(1 + below(1400));
      message.insert(message.end(), more.begin(), more.end());
      make_checksum_right(message, shot.source, shot.destination);
      return message;
    }
    case 7:  // more addresses promised than there are
      message[3] = static_cast<std::uint8_t>(2 + below(254));
      make_checksum_right(message, shot.source, shot.destination);
      return message;
    default:
      message = random_bytes(below(120));
      if (message.size() > 1 && below(2) == 0) message[1] = 51;
      return message;
  }
}

// What a router of this group could send, of any priority, 0 and 255 among them.
Attacker::Bytes Attacker::advert(const Shot& shot, vrrp::Vrid vrid, vrrp::Version version) {
  constexpr std::array<std::uint8_t, 6> kPriorities = {0, 1, 100, 250, 254, 255};
  vrrp::Advertisement advertisement;
  advertisement.version = version;
  advertisement.vrid = vrid;
  advertisement.priority = {kPriorities.at(below(kPriorities.size()))};
  advertisement.interval =
      version == vrrp::Version::v2 ? std::chrono::seconds(1) : std::chrono::milliseconds(100);
  advertisement.addresses = {ip(std::string(kVip))};
  return vrrp::encode(advertisement, shot.source, shot.destination);
}

Attacker::Bytes Attacker::random_bytes(std::size_t count) {
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(below(256));
  return bytes;
}

std::size_t Attacker::below(std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
}

// The kernel drops what claims to come from the host itself (a martian source).
void Attacker::fire(const Shot& shot) {
  const bool to_all = shot.destination.is_multicast();
  Bytes mac = kGroupMac;
  for (Target& target : targets_) {
    const IpAddress& own = target.rules.own_source;
    if (!to_all && shot.destination != own) continue;
    if (!to_all) mac = target.mac;
    const auto datagram = vrrp::parse_ipv4(shot.whole);
    if (!datagram || shot.whole.size() > kLargestRead || shot.source == own) continue;
    if (vrrp::peek_vrid(datagram->payload).value == 0) continue;  // nobody's
    const auto judged = vrrp::admit(*datagram, target.rules);
    ++target.refused.at(static_cast<std::size_t>(std::get<vrrp::Refused>(judged).reason));
  }
  for (const Bytes& packet : shot.packets) wire_.send(frame_of(packet, mac));
}

Attacker::Bytes Attacker::frame_of(const Bytes& packet, const Bytes& mac) const {
  Bytes frame = mac;
  frame.insert(frame.end(), own_mac_.begin(), own_mac_.end());
  frame.insert(frame.end(), {ETHERTYPE_IP >> 8U, ETHERTYPE_IP & 0xffU});
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

void Attacker::wait_until_taken() const {
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  for (const Target& target : targets_) {
    const InNamespace here(target.host.netns);
    while (packets_wait_here()) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error("the agent of " + target.host.name + " does not read its packets");
      }
      wait_a_moment(Millis(1));
    }
  }
}

// ---- the ear ------------------------------------------------------------------------------------

AdvertEar::AdvertEar(const Lan& lan, const Host& host) {
  const InNamespace inside(lan.bridge());
  fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(("p" + host.name).c_str()));
  const int on = 1;
  const int room = 4 << 20;
  if (fd_ < 0 || ::setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
      ::setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0 ||
      ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot listen to " + host.name);
  }
}

AdvertEar::~AdvertEar() {
  ::close(fd_);
}

const std::vector<std::chrono::nanoseconds>& AdvertEar::times() {
  constexpr std::size_t kProtocolAt = 23;
  std::array<std::uint8_t, 128> frame{};
  std::array<char, 128> control{};
  for (;;) {
    iovec piece{frame.data(), frame.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto size = ::recvmsg(fd_, &message, MSG_DONTWAIT);
    if (size < 0) return times_;
    const bool is_vrrp = size > static_cast<ssize_t>(kProtocolAt) && frame[12] == 0x08 &&
                         frame[13] == 0x00 && frame[kProtocolAt] == vrrp::kIpProtocolVrrp;
    const cmsghdr* const extra = CMSG_FIRSTHDR(&message);
    if (!is_vrrp || extra == nullptr) continue;
    timespec time{};
    std::copy_n(CMSG_DATA(extra), sizeof time, reinterpret_cast<unsigned char*>(&time));
    times_.push_back(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
}

std::chrono::milliseconds AdvertEar::longest_gap() {
  std::chrono::nanoseconds longest{};
  times();
  for (std::size_t i = 1; i < times_.size(); ++i) {
    longest = std::max(longest, times_[i] - times_[i - 1]);
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(longest);
}

}  // namespace support
