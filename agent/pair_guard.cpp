// Rule 12, mode "safe": while a standby is in sync the leader takes writes only as long as a
// replica acknowledges (min-replicas-to-write 1), so that an isolated leader stops by itself within
// max_lag_time, and its standby waits for that. It goes on alone only when something proves that
// nobody else leads.
#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {
constexpr auto kGuardBudget = std::chrono::milliseconds(500);
// After this time without contact a peer link is down on both sides: a later word was spoken after
// the standby was lost.
constexpr auto kWordsOfBefore = std::chrono::seconds(2);
}  // namespace

// Why the peer cannot lead; nullopt: nothing proves it. Silence proves nothing, and neither does
// what was seen or said before the standby was lost.
std::optional<std::string> Pair::proof_that_nobody_else_leads(TimePoint now) const {
  if (sight_.peer.health == Health::dead) return "the peer's host refuses: its server is down";
  if (sight_.peer_fenced) return "the fence script says that the peer's host is down";
  if (!unprotected_since_) return std::nullopt;
  // One that is linked and merely behind is counted by the server itself, and may lead tomorrow.
  const bool seen =
      sight_.peer.health == Health::up && sight_.peer.is_replica() && !sight_.peer.link_up_since;
  if (seen && *sight_.peer.facts_at > *unprotected_since_) return "the peer's server is a replica";
  const PeerWord* word = fresh_word(sight_, rules_.candidacy, now);
  const bool since = word != nullptr &&
                     sight_.peer_agent.said_at >= *unprotected_since_ + kWordsOfBefore &&
                     !peer_says_it_leads(sight_, rules_.candidacy, now);
  if (since) return "the peer's agent says that it is " + word->state;
  return std::nullopt;
}

void Pair::guard_writes(TimePoint now) {
  if (!rules_.candidacy.safe || work_ || follow_retry_) return;
  if (standby_in_sync()) opened_by_operator_ = false;
  if (!standby_in_sync() && !guarded() && !stopped_for_a_rival_) return;
  if (!standby_in_sync()) {
    const auto proof =
        opened_by_operator_ ? "an operator said so" : proof_that_nobody_else_leads(now);
    if (proof) {
      emit(Say{Weight::warning, "the leader goes on without a standby: " + *proof});
      return set_guard(now, 0);
    }
  }
  // What only a further replica acknowledges is on nobody who could lead.
  const int wanted = 1 + further_acknowledgements();
  const bool more = !stopped_for_a_rival_ && guard_ < wanted;
  if (standby_in_sync() ? stopped_for_a_rival_ || guard_ != wanted : more) set_guard(now, wanted);
}

void Pair::set_guard(TimePoint now, int replicas) {
  guarding_ = replicas;
  start_work(now, GuardWork{replicas, rules_.candidacy.max_lag_time}, kGuardBudget);
}

void Pair::guard_work_done(TimePoint now, const WorkDone& work) {
  if (work.done) {
    guard_ = guarding_;
    stopped_for_a_rival_ = false;
  }
  guarding_.reset();
  opened_by_operator_ = opened_by_operator_ && guarded();
  follow_problem_ = work.done ? "" : "min-replicas-to-write cannot be set: " + work.why;
  if (!work.done) follow_retry_ = now + std::chrono::seconds(1);
}

std::string Pair::guard_alarm() const {
  if (!guarded() || standby_in_sync() || !std::holds_alternative<Leading>(state_)) return {};
  return "mode is \"safe\" and no standby acknowledges: the server refuses writes. Bring the peer "
         "back, or open it alone: tandem promote " +
         rules_.name + " --accept-data-loss";
}

}  // namespace agent
