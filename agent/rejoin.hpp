// What a server that does not lead holds beside what the leader holds (rule 8): a pure judgement
// from lineage and offsets (INFO replication). It decides nothing; agent::Pair asks before it makes
// a server a replica, because a full resync replaces all that the server holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/record.hpp"
#include "health/facts.hpp"
#include "hooks/psync.hpp"

namespace agent {

enum class Rejoin : std::uint8_t {
  empty,         // nothing to lose
  ancestor,      // the leader has all of it, and perhaps more
  ahead,         // it took bytes after the leader was promoted out of its lineage
  unrelated,     // no common history: nobody can tell what the leader lacks
  leader_empty,  // the leader has nothing, this server has
};

struct RejoinVerdict {
  Rejoin rejoin = Rejoin::unrelated;
  // ahead: the part of the server's replication stream that the leader lacks.
  std::optional<hooks::StreamRange> lost{};
  // unrelated: it was the leader's replica at last sight, and probably has been ever since.
  bool precaution = false;
  std::string words;  // "137 bytes ahead of the leader's fork"

  bool loses_data() const { return rejoin == Rejoin::ahead || rejoin == Rejoin::unrelated; }
};

// `record` is this node's, of its own server: after two promotions only its journal knows the way
// from the one lineage to the other.
RejoinVerdict judge_rejoin(const health::ServerFacts& local, const health::ServerFacts& leader,
                           const std::optional<Record>& record);

}  // namespace agent
