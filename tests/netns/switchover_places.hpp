// Where an agent can be stopped on its way down or up: for each step of the rulebook the commands
// to a server of which it consists, or what else of it shows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/pair_states.hpp"
#include "tests/support/redis_relay.hpp"

namespace support {

inline const Argv kFence{"CONFIG", "SET", "min-replicas-to-write", "99"};
inline const Argv kOpen{"CONFIG", "SET", "min-replicas-to-write", "0"};
inline const Argv kKillClients{"CLIENT", "KILL", "LADDR"};
inline const Argv kPromote{"REPLICAOF", "NO", "ONE"};

// How a step is met.
enum class By : std::uint8_t { relay, advert, address, script };
// What has to happen first for the step to be taken at all.
enum class Story : std::uint8_t { moves, by_servers, given_up, gentle };

struct Place {
  std::vector<Argv> commands{};
  RedisRelay::Moment moment = RedisRelay::Moment::before;
  By by = By::relay;
  Story story = Story::moves;
  bool at_peer = false;       // the peer's server
  bool by_successor = false;  // commands of the standby's agent to its own server
  // What the dead agent leaves on its host: "" or words to be found there.
  std::string leaves{};
};

// None: the step is not known here.
std::vector<Place> places(agent::LeaveStep step);
std::vector<Place> places(agent::Promoting::Step step);

}  // namespace support
