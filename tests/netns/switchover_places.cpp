// See switchover_places.hpp.
#include "tests/netns/switchover_places.hpp"

namespace support {
namespace {

using agent::LeaveStep;
using Moment = RedisRelay::Moment;
using Up = agent::Promoting::Step;

const Argv kPause{"CLIENT", "PAUSE"};
const Argv kUnpause{"CLIENT", "UNPAUSE"};
const Argv kOffsets{"INFO", "replication"};
const Argv kInfo{"INFO"};
const Argv kFollow{"REPLICAOF"};
const Argv kFailover{"FAILOVER"};

constexpr Moment kBefore = Moment::before;
constexpr Moment kAfter = Moment::after;

}  // namespace

std::vector<Place> places(LeaveStep step) {
  constexpr By kRelay = By::relay;
  constexpr Story kGivenUp = Story::given_up;
  switch (step) {
    case LeaveStep::hold:
      return {};  // no part of a planned move
    // It ends with the pause, which is not answered.
    case LeaveStep::await_claim: return {{.commands = {kPause}, .leaves = "VIP on eth0"}};
    case LeaveStep::failover:
      return {{{kFailover}, kBefore, kRelay, Story::by_servers},
              {{kFailover}, kAfter, kRelay, Story::by_servers}};
    case LeaveStep::pause: return {{{kPause}, kBefore}, {{kPause}, kAfter}};
    case LeaveStep::drain_paused: return {{{kPause, kOffsets}, kBefore}};
    case LeaveStep::fence: return {{{kPause, kFence}, kBefore}, {{kFence}, kAfter}};
    case LeaveStep::drain: return {{{kFence, kOffsets}, kAfter}};
    case LeaveStep::resign: return {{.by = By::advert, .leaves = "VIP on eth0"}};
    case LeaveStep::park:
      return {{.commands = {kPromote}, .by_successor = true, .leaves = "VIP on lo"}};
    case LeaveStep::await_announcement:
      return {{.commands = {kKillClients}, .leaves = "VIP on lo"}};
    case LeaveStep::kill_clients:
      return {{.commands = {kKillClients}, .moment = kAfter, .leaves = "VIP on lo"}};
    case LeaveStep::withdraw:
      return {{.commands = {kInfo}, .at_peer = true, .leaves = "no VIP, fenced"}};
    case LeaveStep::await_successor:
      return {{.commands = {kInfo}, .moment = kAfter, .at_peer = true, .leaves = "no VIP, fenced"}};
    case LeaveStep::follow:
      return {{{kFence, kFollow}, kBefore}, {{kFollow}, kAfter}, {{kFollow, kOpen}, kAfter}};
    case LeaveStep::unfence:
      return {{{kPause, kOpen}, kBefore, kRelay, kGivenUp},
              {{kPause, kUnpause}, kBefore, kRelay, kGivenUp}};
    case LeaveStep::resume: return {{{kPause, kUnpause, kInfo}, kBefore, kRelay, kGivenUp}};
    case LeaveStep::unfence_peer:
      return {{{kOpen}, kBefore, kRelay, Story::gentle, true},
              {{kOpen}, kAfter, kRelay, Story::gentle, true}};
    case LeaveStep::finish: return {{{kFollow, kUnpause, kInfo}, kBefore}};
  }
  return {};
}

std::vector<Place> places(Up step) {
  constexpr By kRelay = By::relay;
  switch (step) {
    case Up::ask: return {{.by = By::script}};
    case Up::fence_peer:
      return {{{kPause}, kAfter, kRelay, Story::gentle, true},
              {{kFence}, kAfter, kRelay, Story::gentle, true}};
    case Up::drain_peer: return {{{kOffsets}, kBefore, kRelay, Story::gentle}};
    case Up::promote: return {{{kPromote}, kBefore}, {{kPromote}, kAfter}};
    // What opens and verifies the server has been sent by then.
    case Up::record: return {{.commands = {kPromote}, .moment = kAfter, .leaves = "claimed"}};
    case Up::install: return {{.by = By::address, .leaves = "VIP on eth0, claimed"}};
  }
  return {};
}

}  // namespace support
