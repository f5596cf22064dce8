// When the local server is brought back as a replica (rule 9): only beside a leader whose server is
// a master that answers, so that what is replaced is replaced by what the pair works with. Never on
// the word of this node's own record, and never while this node has, takes or gives away the role.
#include <algorithm>

#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {
constexpr auto kFirstRetry = std::chrono::seconds(5);
constexpr auto kLastRetry = std::chrono::minutes(5);
constexpr int kMostDoublings = 6;

Duration back_off(int failures) {
  const Duration wait = kFirstRetry * (1 << std::clamp(failures - 1, 0, kMostDoublings));
  return std::min<Duration>(wait, kLastRetry);
}

std::string in_seconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}
}  // namespace

void Pair::on(TimePoint /*now*/, const RecoveryRequested& /*requested*/) {
  recovery_.requested = true;
  recovery_.failures = 0;
  recovery_.retry_at.reset();
}

void Pair::on(TimePoint now, const RecoveryEnded& ended) {
  recovery_.running = recovery_.abandoning = false;
  recovery_.retry_at.reset();
  switch (ended.outcome) {
    case hooks::RecoveryOutcome::done:
      recovery_ = {};
      emit(Say{Weight::info, "recovery: " + ended.words, Topic::recovery});
      emit(RefreshFacts{hooks::Target::local});
      return;
    case hooks::RecoveryOutcome::abandoned:
      emit(Say{Weight::warning, "recovery was given up: " + ended.words, Topic::recovery});
      recovery_.problem.clear();
      recovery_.retry_at = now + kFirstRetry;
      return;
    case hooks::RecoveryOutcome::failed: {
      const Duration wait = back_off(++recovery_.failures);
      emit(Say{Weight::warning,
               "recovery failed, it is tried again in " + in_seconds(wait) + ": " + ended.words,
               Topic::recovery});
      recovery_.problem = ended.words;
      recovery_.retry_at = now + wait;
      return;
    }
  }
}

// Why it must not be begun; nullopt: the leader is known and is what the local server may become a
// copy of.
std::optional<std::string> Pair::recovery_obstacle() const {
  if (auto why = recovery_is_void()) return why;
  const ServerSight& leader = sight_.peer;
  if (leader.health != Health::up) {
    return "the leader's server is " + std::string(health::to_string(leader.health));
  }
  if (leader.facts->keys.value_or(0) == 0 && sight_.record && sight_.record->has_data) {
    return "the leader's server is empty while this node's record says that data exists";
  }
  const auto& said = sight_.peer_agent.said;
  if (said && sight_.record && said->epoch < sight_.record->epoch) {
    return "the leader's epoch " + std::to_string(said->epoch) + " is older than this node's, " +
           std::to_string(sight_.record->epoch);
  }
  return std::nullopt;
}

// Why one that runs has lost its ground. A leader that is silent for a moment (it forks for our
// sake) is no reason: the fetch has its own patience.
std::optional<std::string> Pair::recovery_is_void() const {
  if (!idle()) {
    return "this node is " + std::string(to_string(name_)) + ", it does not stand by";
  }
  if (!sight_.leader_advertises) return "no leader advertises";
  if (!sight_.peer.is_master()) return "the leader's server is not known to be a master";
  return std::nullopt;
}

std::optional<std::string> Pair::recovery_problem() const {
  if (!rules_.recovery.possible) {
    return "there is no start command; write start in [pair.server]";
  }
  if (recovery_.running) return "a recovery runs already; see tandem status";
  switch (sight_.local.health) {
    case Health::dead:
    case Health::hung:
    case Health::unreachable: break;
    default:
      return "the local server is " + std::string(health::to_string(sight_.local.health)) +
             ", and follows the leader by itself; stop it first to have it recovered";
  }
  return recovery_obstacle();
}

void Pair::settle_recovery(TimePoint now) {
  recovery_.wake.reset();
  if (!rules_.recovery.possible) return;
  if (recovery_.running) {
    const auto why = recovery_is_void();
    if (!why || recovery_.abandoning) return;
    recovery_.abandoning = true;
    emit(AbandonRecovery{*why});
    return;
  }
  const Health health = sight_.local.health;
  if (health == Health::up) {
    recovery_ = {};
    return;
  }
  // One that dies while it loads, again and again, is down all the time.
  if (health == Health::dead && !recovery_.down_since) recovery_.down_since = now;
  const bool down =
      health == Health::dead || health == Health::unreachable || health == Health::hung;
  const bool by_itself = rules_.recovery.automatic && recovery_.down_since && !maintained();
  const bool wanted = down && (recovery_.requested || by_itself);
  if (!wanted) return;
  // What a recovery that failed has stopped is not left lying when there is nothing to copy any
  // more: it may be the last server of the pair.
  if (const auto why = recovery_is_void(); why && recovery_.failures > 0) {
    recovery_.failures = 0;
    recovery_.running = recovery_.abandoning = true;
    emit(AbandonRecovery{*why});
    return;
  }
  if (const auto why = recovery_obstacle()) {
    // A leader that is not one, or is away, has its own alarms.
    const bool leads = !recovery_is_void() && sight_.peer.health == Health::up;
    if (leads && recovery_.failures == 0) recovery_.problem = *why;
    return;
  }
  std::optional<TimePoint> due = recovery_.retry_at;
  if (!recovery_.requested && !due) due = *recovery_.down_since + rules_.recovery.delay;
  if (due && now < *due) {
    recovery_.wake = due;
    return;
  }
  recovery_.running = true;
  recovery_.retry_at.reset();
  if (recovery_.failures == 0) recovery_.problem.clear();
  emit(Say{Weight::info,
           "the local server is down and " + rules_.candidacy.peer.to_string() +
               " leads: it is brought back as its replica",
           Topic::recovery});
  emit(StartRecovery{});
}

}  // namespace agent
