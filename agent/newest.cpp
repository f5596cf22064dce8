// See newest.hpp.
#include "agent/newest.hpp"

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
  if (own->epoch != other->epoch) {
    if (own->epoch > other->epoch) return yes("this node's data is of the newer epoch: " + epochs);
    // Its server came back with less than that epoch had, and it says itself that it may not lead.
    const bool void_claim = came_back_old(other, *sight.peer.facts) &&
                            !came_back_old(own, *sight.local.facts) &&
                            !sight.peer_agent.said->may_lead;
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
  if (led != (other->role == RecordRole::leader)) {
    if (led) return yes("this node led last");
    return no("the peer led last");
  }
  return ask_operator(unknown + " and their records are alike");
}

}  // namespace

Candidacy newest_leads(const Sight& sight, TimePoint now) {
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
