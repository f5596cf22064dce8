// The simulated network between two hosts: what is cut, in which direction, and what waits in the
// senders' kernels until it can pass.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "tests/sim/clockwork.hpp"

namespace sim {

enum class Path : std::uint8_t {
  vrrp,
  agents,       // the peer link
  servers,      // an agent to the other node's server
  replication,  // between the servers
};
inline constexpr std::size_t kPaths = 4;

struct Network {
  std::array<std::array<bool, 2>, kPaths> blocked{};  // [path][from]
  std::array<bool, 2> host_up{true, true};
  bool partitioned = false;  // clients reach only the host of their own side
  double vrrp_loss = 0;

  bool open(Path path, std::size_t from) const {
    return host_up[0] && host_up[1] && !blocked.at(static_cast<std::size_t>(path)).at(from);
  }
  // TCP needs both directions.
  bool open(Path path) const { return open(path, 0) && open(path, 1); }
  bool whole() const {
    for (const auto& path : blocked) {
      if (path[0] || path[1]) return false;
    }
    return host_up[0] && host_up[1];
  }
  // No word of any kind passes between the hosts, in one direction at least.
  bool apart() const {
    const auto cut = [this](std::size_t from) {
      return !open(Path::vrrp, from) && !open(Path::agents) && !open(Path::servers);
    };
    return cut(0) || cut(1);
  }
};

}  // namespace sim
