// Somebody on the LAN who sends what no router may accept: random, damaged, foreign and misdirected
// VRRP packets, and who knows how each host has to count them. Beside it, an ear for the adverts
// that a host really sends. Never sends a packet that would be admitted: VRRP without
// authentication has to obey that one.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/netns/cable.hpp"
#include "tests/support/lan.hpp"
#include "vrrp/admission.hpp"

namespace support {

class Attacker {
 public:
  // Stands on the client's host, against the default pair of a scene: VRID 51, version 3.
  explicit Attacker(const Lan& lan);

  // Random bad packets to the group, to A and to B, from the client's, A's and B's address; no
  // faster than the hosts take them, so that each is counted.
  void flood(int count);
  // To one host as fast as the kernel takes them, for so long and whether it keeps up or not, so
  // that nobody knows what it counts. How many were sent.
  long storm(const Host& host, std::chrono::milliseconds length);
  // One bad packet of a random kind; in the name of `source` when given.
  void send_one(const std::optional<std::string>& source = std::nullopt);

  // What `tandem status --json` of that host has to say in /vrrp/refused after all of this.
  [[nodiscard]] std::string refused_by(const Host& host) const;

 private:
  using Bytes = std::vector<std::uint8_t>;

  struct Target {
    Host host;
    vrrp::AdmissionRules rules;
    Bytes mac;
    std::array<std::uint64_t, vrrp::kRefusalCount> refused{};
  };

  // What leaves: one IP packet or its fragments. What arrives at the socket: `whole`, if anything.
  struct Shot {
    vrrp::IpAddress source;
    vrrp::IpAddress destination;
    std::vector<Bytes> packets;
    Bytes whole;
  };

  Shot bad_shot(const std::optional<vrrp::IpAddress>& source);
  Shot random_shot(const vrrp::IpAddress& source, const vrrp::IpAddress& destination);
  Shot fragmented(Shot shot, const Bytes& packet, bool complete);
  Bytes spoiled_message(unsigned kind, const Shot& shot);
  Bytes advert(const Shot& shot, vrrp::Vrid vrid = vrrp::Vrid{51},
               vrrp::Version version = vrrp::Version::v3);
  Bytes random_bytes(std::size_t count);
  std::size_t below(std::size_t limit);
  void fire(const Shot& shot);
  Bytes frame_of(const Bytes& packet, const Bytes& mac) const;
  void wait_until_taken() const;

  std::vector<Target> targets_;
  std::string own_netns_;
  Bytes own_mac_;
  vrrp::io::Sniffer wire_;
  std::vector<vrrp::IpAddress> sources_;
  std::vector<vrrp::IpAddress> destinations_;
  std::uint16_t fragment_id_ = 0;
  std::mt19937 random_{20240611};
};

// The adverts that a host sends, where its cable ends in the bridge: nothing that is sent to the
// host is heard here.
class AdvertEar {
 public:
  AdvertEar(const Lan& lan, const Host& host);
  ~AdvertEar();
  AdvertEar(const AdvertEar&) = delete;
  AdvertEar& operator=(const AdvertEar&) = delete;

  // The kernel's times of all adverts since the beginning.
  const std::vector<std::chrono::nanoseconds>& times();
  std::chrono::milliseconds longest_gap();

 private:
  int fd_ = -1;
  std::vector<std::chrono::nanoseconds> times_;
};

}  // namespace support
