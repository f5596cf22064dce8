// See tripwire.hpp.
#include "tests/netns/tripwire.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/namespace.hpp"

namespace support {
namespace {

constexpr int kProcessor = 0;
constexpr int kLookMillis = 50;
constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kProtocol = 9;  // in the IPv4 header
constexpr int kVrrp = 112;
constexpr std::size_t kPriority = kIpHeader + 2;

void pin(pid_t thread) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(kProcessor, &one);
  ::sched_setaffinity(thread, sizeof one, &one);
}

void pin_all_threads(pid_t process) {
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
    pin(std::stoi(entry.path().filename().string()));
  }
}

// Before any other thread, a realtime one too.
void be_first() {
  pin(0);
  const sched_param first{::sched_get_priority_max(SCHED_FIFO)};
  ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &first);
}

int open_watch(Tripwire::On on) {
  if (on == Tripwire::On::last_advert) {
    return ::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
  }
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_IPV4_IFADDR;
  ::bind(fd, reinterpret_cast<const sockaddr*>(&groups), sizeof groups);
  return fd;
}

}  // namespace

Tripwire::Tripwire(const Host& host, On on, pid_t agent, std::function<void()> sprung)
    : on_(on), sprung_(std::move(sprung)) {
  const InNamespace here(host.netns);
  fd_ = open_watch(on);
  if (fd_ < 0) throw std::runtime_error("no socket for a tripwire on " + host.netns);
  pin_all_threads(agent);
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Tripwire::~Tripwire() {
  thread_.request_stop();
  thread_.join();
  ::close(fd_);
}

bool Tripwire::wait_until_sprung(Millis deadline) {
  return static_cast<bool>(eventually("the tripwire", deadline, [this] {
    return Seen{is_sprung_.load(), ""};
  }));
}

bool Tripwire::fits(const unsigned char* data, std::size_t size) const {
  if (on_ == On::last_advert) {
    return size > kPriority && data[kProtocol] == kVrrp && data[kPriority] == 0;
  }
  const auto* const header = reinterpret_cast<const nlmsghdr*>(data);
  if (header->nlmsg_type != RTM_NEWADDR) return false;
  const auto* const address = static_cast<const ifaddrmsg*>(NLMSG_DATA(header));
  std::size_t left = IFA_PAYLOAD(header);
  for (const rtattr* one = IFA_RTA(address); RTA_OK(one, left); one = RTA_NEXT(one, left)) {
    std::array<char, INET_ADDRSTRLEN> text{};
    if (one->rta_type != IFA_LOCAL) continue;
    ::inet_ntop(AF_INET, RTA_DATA(one), text.data(), text.size());
    if (kVip == text.data()) return true;
  }
  return false;
}

void Tripwire::watch(const std::stop_token& stop) {
  be_first();
  while (!stop.stop_requested()) {
    pollfd wanted{fd_, POLLIN, 0};
    if (::poll(&wanted, 1, kLookMillis) <= 0) continue;
    std::array<unsigned char, 4096> buffer{};
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (size <= 0 || !fits(buffer.data(), static_cast<std::size_t>(size))) continue;
    sprung_();
    is_sprung_ = true;
    return;
  }
}

}  // namespace support
