// See newest.hpp.
#include "agent/newest.hpp"

#include <algorithm>

namespace agent {

using health::ServerFacts;

namespace {

// Under which epoch a lineage was written to.
std::optional<std::uint64_t> epoch_of(const Record& record, const std::string& replid) {
  const auto& lineage = record.lineage;
  for (auto entry = lineage.rbegin(); entry != lineage.rend(); ++entry) {
    if (entry->replid == replid) return entry->epoch;
  }
  for (const LineageEntry& entry : lineage) {
    if (entry.parent == replid && entry.epoch > 0) return entry.epoch - 1;
  }
  if (record.replid == replid) return record.epoch;
  return std::nullopt;
}

}  // namespace

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

std::optional<LineageEntry> renaming(const ServerFacts& before, const ServerFacts& now) {
  const bool forgot = now.role == health::Role::master && now.replid2.empty();
  if (!forgot || before.run_id != now.run_id || before.replid == now.replid) return std::nullopt;
  if (before.replid.empty() || now.replid.empty()) return std::nullopt;
  LineageEntry entry;
  entry.replid = now.replid;
  entry.parent = before.replid;
  entry.fork = before.offset + 1;
  // Promoted and not written to since: what it was promoted out of is what others know.
  if (!before.replid2.empty() && before.second_offset == entry.fork) entry.parent = before.replid2;
  return entry;
}

void recall(const std::optional<Record>& record, ServerFacts& local) {
  if (!record || !record->renamed || !local.replid2.empty()) return;
  if (local.replid != record->renamed->replid) return;
  local.replid2 = record->renamed->parent;
  local.second_offset = record->renamed->fork;
}

Candidacy empty_server() {
  return ask_operator("the local server is empty, but it held data at last sight");
}

std::uint64_t data_epoch(const std::optional<Record>& record, const ServerFacts& local,
                         const std::optional<Record>& other) {
  if (!record || local.replid.empty()) return 0;
  if (const auto epoch = epoch_of(*record, local.replid)) return *epoch;
  if (other && other->replid == local.replid) return other->epoch;
  const bool same_run = record->run_id == local.run_id;
  if (!local.replid2.empty()) {
    // Promoted since: by this node to lead, or to be copied, or by somebody else.
    if (const auto parent = epoch_of(*record, local.replid2)) {
      return record->role == RecordRole::leader && same_run ? record->epoch : *parent;
    }
  }
  // A restart from an append-only file takes a new lineage; offset 0 is a file that holds none.
  const bool tells_nothing = local.aof_enabled || local.offset == 0;
  if (record->claimed > record->epoch && !tells_nothing) return record->claimed;
  return same_run || tells_nothing ? record->epoch : 0;
}

bool holds_all_of(const ServerFacts& whole, const ServerFacts& part) {
  if (part.role != health::Role::replica || part.keys == 0 || whole.keys == 0) return false;
  const bool promoted = !part.replid.empty() && whole.replid2 == part.replid;
  return promoted && whole.replid != part.replid && part.offset < whole.second_offset;
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

// It came back with older data, and who made it a master was not its node: that writes its run
// down.
bool old_and_promoted(const std::optional<Record>& record, const ServerFacts& own,
                      const ServerFacts& other) {
  return own.role == health::Role::master && came_back_old(record, own) &&
         left_its_lineage(own.replid2, own, other);
}

std::string followed_at_last_sight(const std::optional<Record>& record) {
  return record && record->role == RecordRole::standby ? record->replid : "";
}

}  // namespace

bool strayed(const Sight& sight) {
  if (!sight.local.facts || !sight.peer.facts) return false;
  if (old_and_promoted(sight.record, *sight.local.facts, *sight.peer.facts)) return true;
  const std::string& seen = sight.local.followed;
  return left_its_lineage(seen.empty() ? followed_at_last_sight(sight.record) : seen,
                          *sight.local.facts, *sight.peer.facts);
}

bool peer_strayed(const Sight& sight) {
  if (!sight.local.facts || !sight.peer.facts || !sight.peer_agent.said) return false;
  const auto& record = sight.peer_agent.said->record;
  if (old_and_promoted(record, *sight.peer.facts, *sight.local.facts)) return true;
  return left_its_lineage(followed_at_last_sight(record), *sight.peer.facts, *sight.local.facts);
}

namespace {

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

constexpr const char* kNoHistory = "the two servers' data have no common history";

// Both nodes say which promotion their data come from: one answer for both.
std::optional<Candidacy> by_data_epoch(const Sight& sight) {
  const PeerWord& said = *sight.peer_agent.said;
  const ServerFacts& local = *sight.local.facts;
  if (said.replid != sight.peer.facts->replid) {
    return no("the peer's agent has not said yet what its server holds");
  }
  const std::uint64_t here = data_epoch(sight.record, local, said.record);
  const std::uint64_t there = said.data_epoch;
  if (here == there && here != 0) return std::nullopt;
  const std::string epochs =
      ": epoch " + std::to_string(here) + " here, " + std::to_string(there) + " there";
  if (here != 0 && there != 0) {
    if (here > there) return yes("the local data is of the newer epoch" + epochs);
    return no("the peer's data is of the newer epoch" + epochs);
  }
  const bool older = (here == 0 || came_back_old(sight.record, local)) &&
                     (there == 0 || came_back_old(said.record, *sight.peer.facts));
  if (older) {
    std::string words = kNoHistory;
    return ask_operator(words + ", and both came back with older data than they had");
  }
  if (here != 0) return yes("the peer's server came back with data from before its record");
  return no("the local server came back with data from before its record");
}

// Rule 11 where the servers have lost their lineage (AOF restarts): the epochs that both nodes
// wrote down, then who led. Whoever loses is kept before it is replaced.
Candidacy by_record(const Sight& sight) {
  const std::string unknown = kNoHistory;
  const auto& own = sight.record;
  if (!own) return ask_operator(unknown);
  if (!sight.peer_agent.said) {
    return ask_operator(unknown + ", and the peer's agent is not there to compare epochs");
  }
  const auto& other = sight.peer_agent.said->record;
  // It may have been torn: what it does not say proves nothing.
  if (!other) return ask_operator(unknown + ", and the peer's node has no record of the pair");
  if (const auto answer = by_data_epoch(sight)) return *answer;
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

namespace {

// Rule 11 begins with the epochs: a promotion out of the other's lineage is not the newer one when
// that lineage has been led with since.
Fresher compare_epochs(const Sight& sight) {
  const auto& said = sight.peer_agent.said;
  const ServerFacts& local = *sight.local.facts;
  const ServerFacts& peer = *sight.peer.facts;
  if (holds_all_of(local, peer) || holds_all_of(peer, local)) return Fresher::unknown;
  if (!said || said->replid != peer.replid || local.replid == peer.replid) return Fresher::unknown;
  if (local.keys == 0 || peer.keys == 0) return Fresher::unknown;
  const std::uint64_t here = data_epoch(sight.record, local, said->record);
  if (here == 0 || said->data_epoch == 0 || here == said->data_epoch) return Fresher::unknown;
  return here > said->data_epoch ? Fresher::local : Fresher::peer;
}

}  // namespace

Fresher newer_data(const Sight& sight) {
  if (strayed(sight)) return Fresher::peer;
  if (peer_strayed(sight)) return Fresher::local;
  const Fresher epochs = compare_epochs(sight);
  if (epochs != Fresher::unknown) return epochs;
  const Fresher compared = compare_data(*sight.local.facts, *sight.peer.facts);
  if (compared != Fresher::unknown || !sight.record) return compared;
  const auto local = generation_of(sight.record->lineage, sight.local.facts->replid);
  const auto peer = generation_of(sight.record->lineage, sight.peer.facts->replid);
  if (!local || !peer || *local == *peer) return Fresher::unknown;
  return *local > *peer ? Fresher::local : Fresher::peer;
}

Candidacy newest_leads(const Sight& sight) {
  // Without the agents' words the peer's node takes it for a promotion: one of the two has to lead.
  if (strayed(sight) && (sight.peer.is_master() || sight.peer_agent.said)) {
    return no("what the local server followed goes on at the peer's");
  }
  if (peer_strayed(sight)) return yes("what the peer's server followed goes on here");
  if (compare_epochs(sight) != Fresher::unknown) return *by_data_epoch(sight);
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
  return by_record(sight);
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
