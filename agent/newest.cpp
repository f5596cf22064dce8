// See newest.hpp.
#include "agent/newest.hpp"

#include <algorithm>

namespace agent {

using health::ServerFacts;

bool lost_its_data(const Sight& sight) {
  return sight.record && sight.record->has_data && sight.local.facts->keys == 0;
}

bool came_back_old(const std::optional<Record>& record, const ServerFacts& local) {
  if (!record || record->run_id == local.run_id || record->replid.empty()) return false;
  const bool same_history = local.replid == record->replid || local.replid2 == record->replid;
  // A restart from an AOF takes a new lineage; the file is at most appendfsync behind.
  if (!same_history) return !local.aof_enabled;
  return local.offset < record->offset;
}

Candidacy empty_server() {
  return ask_operator("the local server is empty, but it held data at last sight");
}

bool outlived(const ServerFacts& old, const ServerFacts& other) {
  return old.replid != other.replid && compare_data(old, other) == Fresher::peer;
}

namespace {

bool left_its_lineage(const std::string& followed, const ServerFacts& own,
                      const ServerFacts& other) {
  if (followed.empty() || own.replid == followed || own.replid2 != followed) return false;
  const bool goes_on = other.role == health::Role::master || other.offset >= own.second_offset;
  return other.replid == followed && goes_on;
}

std::string followed_at_last_sight(const std::optional<Record>& record) {
  return record && record->role == RecordRole::standby ? record->replid : "";
}

}  // namespace

bool strayed(const Sight& sight) {
  if (!sight.local.facts || !sight.peer.facts) return false;
  const std::string& seen = sight.local.followed;
  return left_its_lineage(seen.empty() ? followed_at_last_sight(sight.record) : seen,
                          *sight.local.facts, *sight.peer.facts);
}

bool peer_strayed(const Sight& sight) {
  if (!sight.local.facts || !sight.peer.facts || !sight.peer_agent.said) return false;
  return left_its_lineage(followed_at_last_sight(sight.peer_agent.said->record), *sight.peer.facts,
                          *sight.local.facts);
}

namespace {

// It restarted with a lineage from before the promotion that the record is about. Offset 0 is a new
// lineage: a file that holds none says nothing about its age.
bool came_back_before_its_epoch(const Record& record, const ServerFacts& local) {
  const bool same_history = local.replid == record.replid || local.replid2 == record.replid;
  return came_back_old(record, local) && !same_history && local.offset > 0;
}

// Both restarted, and the standby was in sync: an append-only file lacks a second at most, an RDB
// file all since it was saved.
bool log_beats_snapshot(const Record& standby, const ServerFacts& log, const Record& leader,
                        const ServerFacts& snapshot) {
  if (standby.role != RecordRole::standby || leader.role != RecordRole::leader) return false;
  const bool in_sync = standby.in_sync && leader.in_sync;
  const bool restarted = standby.run_id != log.run_id && leader.run_id != snapshot.run_id;
  return in_sync && restarted && log.aof_enabled && !snapshot.aof_enabled;
}
constexpr const char* kLogIsNewer =
    "the standby came back with its append-only file, the leader with an RDB file";

// Under which epoch a lineage was written to, as far as the two records tell.
std::optional<std::uint64_t> epoch_of(const std::string& replid, const Record& one,
                                      const Record& other) {
  std::optional<std::uint64_t> epoch;
  for (const Record* record : {&one, &other}) {
    if (!replid.empty() && record->replid == replid) {
      epoch = std::max(epoch.value_or(0), record->epoch);
    }
  }
  return epoch;
}

// Long enough for the peer's agent to have said its last word.
constexpr auto kSecondThought = std::chrono::seconds(2);
bool waited_for_a_leader(const Sight& sight, TimePoint now) {
  return sight.leader_silent_since && now >= *sight.leader_silent_since + kSecondThought;
}

// Rule 11 where the servers have lost their lineage (AOF restarts): the epochs that both nodes
// wrote down, then who led. Whoever loses is kept before it is replaced.
Candidacy by_record(const Sight& sight, TimePoint now) {
  const std::string unknown = "the two servers' data have no common history";
  const auto& own = sight.record;
  if (!own) return ask_operator(unknown);
  if (!sight.peer_agent.said) {
    return ask_operator(unknown + ", and the peer's agent is not there to compare epochs");
  }
  const auto& other = sight.peer_agent.said->record;
  if (!other) return yes("the peer has no record of this pair");
  const std::string epochs =
      "epoch " + std::to_string(own->epoch) + " here, " + std::to_string(other->epoch) + " there";
  const auto data_here = epoch_of(sight.local.facts->replid, *own, *other);
  const auto data_there = epoch_of(sight.peer.facts->replid, *own, *other);
  if (data_here && data_there && *data_here != *data_there) {
    if (*data_here > *data_there) return yes("the local data is of the newer epoch");
    return no("the peer's data is of the newer epoch");
  }
  if (own->epoch != other->epoch) {
    const bool void_here = came_back_before_its_epoch(*own, *sight.local.facts);
    const bool void_there = came_back_before_its_epoch(*other, *sight.peer.facts);
    if (own->epoch > other->epoch) {
      if (void_here && !void_there)
        return no("the local server came back with data from before its epoch");
      return yes("this node's data is of the newer epoch: " + epochs);
    }
    // Its server came back with less than that epoch had, and it says itself that it may not lead.
    const bool older =
        came_back_old(other, *sight.peer.facts) && !came_back_old(own, *sight.local.facts);
    const bool void_claim =
        ((void_there && !void_here) || older) && !sight.peer_agent.said->may_lead;
    if (void_claim && waited_for_a_leader(sight, now)) {
      return yes("the peer's server came back with older data than its epoch had");
    }
    Candidacy answer = no("the peer's data is of the newer epoch: " + epochs);
    if (void_claim && sight.leader_silent_since)
      answer.recheck = *sight.leader_silent_since + kSecondThought;
    return answer;
  }
  // Who led last may have come back with less than the other one took from it.
  const bool old = came_back_old(own, *sight.local.facts);
  if (old != came_back_old(other, *sight.peer.facts)) {
    if (old) return no("the local server came back with older data than it had");
    return yes("the peer's server came back with older data than it had");
  }
  const bool led = own->role == RecordRole::leader;
  const ServerFacts& local = *sight.local.facts;
  const ServerFacts& peer = *sight.peer.facts;
  if (led && log_beats_snapshot(*other, peer, *own, local)) return no(kLogIsNewer);
  if (!led && log_beats_snapshot(*own, local, *other, peer)) return yes(kLogIsNewer);
  if (led != (other->role == RecordRole::leader)) {
    if (led) return yes("this node led last");
    return no("the peer led last");
  }
  return ask_operator(unknown + " and their records are alike");
}

}  // namespace

Candidacy newest_leads(const Sight& sight, TimePoint now) {
  // Without the agents' words the peer's node takes it for a promotion: one of the two has to lead.
  if (strayed(sight) && (sight.peer.is_master() || sight.peer_agent.said)) {
    return no("what the local server followed goes on at the peer's");
  }
  if (peer_strayed(sight)) return yes("what the peer's server followed goes on here");
  switch (compare_data(*sight.local.facts, *sight.peer.facts)) {
    case Fresher::local: return yes("the local data is the newer");
    case Fresher::peer: return no("the peer's data is the newer");
    case Fresher::same:
      if (lost_its_data(sight)) return empty_server();
      return yes("both servers hold the same data");
    case Fresher::unknown: break;
  }
  // Servers know one generation; what came before it stands in the journal of promotions.
  if (sight.record) {
    const auto& lineage = sight.record->lineage;
    const auto local = generation_of(lineage, sight.local.facts->replid);
    const auto peer = generation_of(lineage, sight.peer.facts->replid);
    if (local && peer && *local > *peer) return yes("the local data is of the newer promotion");
    if (local && peer && *local < *peer) return no("the peer's data is of the newer promotion");
  }
  return by_record(sight, now);
}

Fresher compare_data(const ServerFacts& local, const ServerFacts& peer) {
  if (local.keys == 0 && peer.keys == 0) return Fresher::same;
  if (local.keys == 0) return Fresher::peer;
  if (peer.keys == 0) return Fresher::local;
  if (!local.replid.empty() && local.replid == peer.replid) {
    if (local.offset == peer.offset) return Fresher::same;
    return local.offset > peer.offset ? Fresher::local : Fresher::peer;
  }
  // One was promoted out of the other's lineage: the promotion is the newer.
  if (!peer.replid2.empty() && peer.replid2 == local.replid) return Fresher::peer;
  if (!local.replid2.empty() && local.replid2 == peer.replid) return Fresher::local;
  return Fresher::unknown;
}

}  // namespace agent
