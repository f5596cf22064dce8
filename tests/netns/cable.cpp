// See cable.hpp.
#include "tests/netns/cable.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"

namespace vrrp::io {
namespace {

support::Argv words(const std::string& command) {
  support::Argv argv;
  std::istringstream text(command);
  for (std::string word; text >> word;) argv.push_back(word);
  return argv;
}

}  // namespace

Cable::Cable() {
  const std::string prefix = support::next_namespace_prefix();
  here_ = prefix + "here";
  there_ = prefix + "there";
  support::add_namespace(here_);
  support::add_namespace(there_);
  inside_.emplace(here_);
  plug();
}

Cable::~Cable() {
  inside_.reset();
  support::delete_namespaces({here_, there_});
}

std::string Cable::run_here(const std::string& command) const {
  return support::must_run(words(command), here_);
}

std::string Cable::run_there(const std::string& command) const {
  return support::must_run(words(command), there_);
}

void Cable::cut() const {
  run_here("ip link del eth0");
}

void Cable::plug() const {
  run_here(
      "ip link add eth0 address 02:00:00:00:00:01 type veth peer name eth0 address "
      "02:00:00:00:00:02 netns " +
      there_);
  run_here("ip addr add 10.88.0.1/24 dev eth0");
  run_there("ip addr add 10.88.0.2/24 dev eth0");
  run_here("ip link set eth0 up");
  run_there("ip link set eth0 up");
  // Until the kernel has given both ends their queues, it drops what is sent.
  const auto both_up = [this] {
    const auto state = run_here("ip -o link show eth0") + run_there("ip -o link show eth0");
    const auto first = state.find("state UP");
    return support::Seen{
        first != std::string::npos && state.find("state UP", first + 1) != std::string::npos,
        state};
  };
  EXPECT_TRUE(support::eventually("both ends are up", support::kSoon, both_up));
}

unsigned Cable::index_here() const {
  return ::if_nametoindex("eth0");
}

bool run_until(boost::asio::io_context& loop, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + support::kSoon;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

Sniffer::Sniffer(const std::string& netns, std::uint16_t ether_type) {
  const support::InNamespace inside(netns);
  fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ether_type));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ether_type);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
  if (fd_ < 0 || ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot listen on eth0 in " + netns);
  }
}

Sniffer::~Sniffer() {
  ::close(fd_);
}

std::vector<Sniffer::Frame> Sniffer::take() {
  std::vector<Frame> frames;
  std::array<std::uint8_t, 2048> buffer{};
  for (;;) {
    sockaddr_ll from{};
    socklen_t length = sizeof from;
    const auto size = ::recvfrom(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) return frames;
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    frames.emplace_back(buffer.begin(), buffer.begin() + size);
  }
}

std::optional<Sniffer::Frame> Sniffer::wait_for(const std::function<bool(const Frame&)>& fits) {
  const auto deadline = std::chrono::steady_clock::now() + support::kSoon;
  while (std::chrono::steady_clock::now() < deadline) {
    for (auto& frame : take()) {
      if (fits(frame)) return frame;
    }
    support::wait_a_moment(support::Millis(2));
  }
  return std::nullopt;
}

void Sniffer::send(const Frame& frame) {
  if (::send(fd_, frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size())) {
    throw std::runtime_error("cannot send a frame");
  }
}

}  // namespace vrrp::io
