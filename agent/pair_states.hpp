// Where a pair is in its life, and at which step of its way: see pair.hpp.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "agent/candidacy.hpp"
#include "agent/record.hpp"

namespace agent {

struct Starting {
  bool vips_present = false;
};
struct Standby {};
struct Fault {};
struct Promoting {
  enum class Step : std::uint8_t { ask, fence_peer, drain_peer, promote, record, install };
  Step step = Step::promote;
  bool adopts = false;    // the server is a master already, and led under this epoch
  bool recorded = false;  // the new epoch is on disk, or has been waited for long enough
  bool gentle = false;
  // The operator said so: the old master is fenced if it can be, and that is all.
  bool accepts_loss = false;
  bool asked_for = false;  // by an operator: it does not count (rule 16)
  bool given = false;      // the leader resigned
  std::string reason;
  std::uint64_t epoch = 0;
};
std::string_view to_string(Promoting::Step step);
struct Leading {
  bool peer_must_follow = false;  // after a gentle takeover: its agent is not there to do it
};
enum class LeaveStep : std::uint8_t {
  hold,
  await_claim,
  failover,
  pause,
  drain_paused,
  fence,
  drain,
  resign,
  park,
  await_announcement,
  kill_clients,
  withdraw,
  await_successor,
  follow,
  unfence,
  unfence_peer,
  resume,
  finish
};
std::string_view to_string(LeaveStep step);
struct Leaving {
  std::deque<LeaveStep> steps{};  // front: under way
  std::string reason;
  bool stopping = false;
  std::optional<Duration> switchover{};  // its budget
  bool by_operator = false;
  bool server_failover = false;
  std::optional<TimePoint> claim_due{};         // by the successor, on its disk
  std::optional<TimePoint> announcement_due{};  // of the VIP, by the successor
  std::optional<TimePoint> successor_due{};
  std::optional<TimePoint> promoted_at{};  // its server, as far as it was seen
  bool successor_began = false;            // its agent said that it promotes
  bool guarded = false;  // rule 12: the server counted its standby's acknowledgements
  bool fenced = false;   // the local server takes no writes any more
  bool drained = false;  // the successor has all that the local server has
};
struct End {};
// Standing by, and the local server is not a replica of the leader yet.
struct Rejoining {
  enum class Step : std::uint8_t { fence, look, keep, failed, ask, follow };
  Step step = Step::fence;
  TimePoint since{};     // look: facts older than this do not count; failed: then once more
  bool looked = false;   // both servers have been asked since
  std::uint64_t id = 0;  // of Preserve
  bool precaution = false;
  std::string words{};  // what it holds beside the leader
  std::string problem{};
  std::string path{};
};

}  // namespace agent
