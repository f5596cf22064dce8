// See rejoin.hpp.
#include "agent/rejoin.hpp"

#include <algorithm>

namespace agent {
namespace {

using health::ServerFacts;

// REPLICAOF NO ONE keeps the old lineage as master_replid2, of which the server has all bytes below
// second_repl_offset. nullopt: the two have no common history. Otherwise the first offset that the
// leader has from elsewhere, or not at all.
std::optional<std::int64_t> fork_of(const ServerFacts& local, const ServerFacts& leader,
                                    const std::optional<Record>& record) {
  if (local.replid.empty()) return std::nullopt;
  if (local.replid == leader.replid) return leader.offset + 1;
  if (local.replid == leader.replid2) return leader.second_offset;
  const bool promoted = !local.replid2.empty();
  if (promoted && local.replid2 == leader.replid) {
    return std::min(local.second_offset, leader.offset + 1);
  }
  if (promoted && local.replid2 == leader.replid2) {
    return std::min(local.second_offset, leader.second_offset);
  }
  // Two promotions or more ago: the servers have forgotten it, the journal has not.
  if (!record) return std::nullopt;
  if (auto fork = fork_from(record->lineage, leader.replid, local.replid)) return fork;
  const auto older = fork_from(record->lineage, leader.replid2, local.replid);
  if (leader.replid2.empty() || !older) return std::nullopt;
  return std::min(*older, leader.second_offset);
}

// INFO says slave_repl_offset 1 of a replica that has had no master in this run, and whose file
// named none: an append-only file never does, an RDB file names its lineage and offset.
constexpr std::int64_t kNoMasterYet = 1;

// The leader goes on in the lineage that it followed at last sight. That proves nothing: between
// two looks, or while the agent was off, somebody may have made it a master, written to it and
// started it again, and it looks the same.
bool was_a_replica_at_last_sight(const ServerFacts& local, const ServerFacts& leader,
                                 const std::optional<Record>& record) {
  if (!record || record->role != RecordRole::standby || record->replid.empty()) return false;
  if (local.role != health::Role::replica || record->run_id == local.run_id) return false;
  return local.offset <= kNoMasterYet && record->replid == leader.replid;
}

}  // namespace

RejoinVerdict judge_rejoin(const ServerFacts& local, const ServerFacts& leader,
                           const std::optional<Record>& record) {
  const auto fork = fork_of(local, leader, record);
  // Its last writes may have been deletions, or functions.
  const bool ahead_of_it = fork && local.offset >= *fork;
  if (local.keys == 0 && !ahead_of_it) return {.rejoin = Rejoin::empty, .words = "it is empty"};
  if (leader.keys == 0 && local.keys != 0) {
    return {.rejoin = Rejoin::leader_empty, .words = "the leader's server is empty"};
  }
  if (!fork) {
    if (was_a_replica_at_last_sight(local, leader, record)) {
      return {.precaution = true,
              .words =
                  "it was restarted, and its file does not tell whether it was a master "
                  "meanwhile"};
    }
    return {.words = "it has no common history with the leader's server"};
  }
  const std::int64_t ahead = local.offset - *fork + 1;
  if (ahead <= 0) return {.rejoin = Rejoin::ancestor, .words = "the leader has all that it holds"};
  std::string words = "it is ";
  words += std::to_string(ahead) + " bytes ahead of the leader's fork";
  return {.rejoin = Rejoin::ahead,
          .lost = hooks::StreamRange{local.replid, *fork, local.offset},
          .words = std::move(words)};
}

}  // namespace agent
