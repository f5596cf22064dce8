// Failback (rule 6): the node with the higher configured priority takes the role back by the
// planned move, once it has been a standby in sync for failback_delay. It asks the leader's agent,
// which looks at its own side as for an operator. What an operator moved away stays away.
#include <algorithm>

#include "agent/pair.hpp"

namespace agent {

namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

constexpr auto kFirstPause = seconds(10);
constexpr auto kLongestPause = std::chrono::minutes(10);
// A deadline that is looked at so late is that of an agent which was held up, and both servers are
// asked once a second.
constexpr auto kLate = std::chrono::milliseconds(50);
constexpr auto kLooksAgain = seconds(2);

}  // namespace

// Not known, as without a word of the other node, counts as wanted: the obstacle says so.
bool Pair::wants_the_role_back() const {
  if (!rules_.failback || !std::holds_alternative<Standby>(state_)) return false;
  const auto& said = sight_.peer_agent.said;
  if (said && said->configured > 0) return rules_.priority > said->configured;
  return sight_.leader_advertises;
}

std::optional<std::string> Pair::failback_obstacle(TimePoint now) const {
  const auto& agent = sight_.peer_agent;
  if (maintained()) return "maintenance is on";
  if (sight_.record && sight_.record->moved_away) {
    return "an operator moved the role away; tandem switchover brings it back";
  }
  if (flapping_until(now)) return flapping_words();
  if (!agent.linked) return "the leader cannot be asked, the peer link is down";
  if (!agent.said) return "the other node has not said yet what it does";
  if (!agent.said->leads()) return "the other node does not lead, it is " + agent.said->state;
  if (const auto problems = takeover_problems(now); !problems.empty()) return problems.front();
  const auto& record = agent.said->record;
  if (!record || !record->in_sync) return "the leader does not see this node in sync yet";
  return std::nullopt;
}

void Pair::settle_failback(TimePoint now) {
  if (std::holds_alternative<Leading>(state_)) {
    const bool asked = failback_.asked;
    failback_ = {};
    failback_.asked = asked;
  }
  const bool wants = wants_the_role_back();
  const auto obstacle = wants ? failback_obstacle(now) : std::nullopt;
  failback_.obstacle = obstacle.value_or("");
  if (!wants || obstacle) return failback_.clear_since.reset();
  if (!failback_.clear_since) failback_.clear_since = now;
  const auto due = failback_due();
  if (!due || now < *due) return;
  if (now > *due + kLate) {  // what it knows of the pair is of before
    failback_.not_before = now + kLooksAgain;
    return;
  }
  failback_.asked = true;
  std::string words = "this node is preferred, with priority " + std::to_string(rules_.priority);
  words += " over " + std::to_string(sight_.peer_agent.said->configured);
  words += ", and in sync: it asks for the role back";
  emit(Say{Weight::info, std::move(words)});
  emit(AskForTheRole{});
}

std::optional<TimePoint> Pair::failback_due() const {
  if (failback_.asked || !failback_.clear_since) return std::nullopt;
  if (!std::holds_alternative<Standby>(state_)) return std::nullopt;
  const TimePoint due = *failback_.clear_since + rules_.failback_delay;
  return std::max(due, failback_.not_before.value_or(due));
}

// An attempt may have held the leader's writes for its budget: the next one has time.
void Pair::on(TimePoint now, const RoleAnswered& answered) {
  failback_.asked = false;
  if (answered.done) return;
  const Duration longest = std::max<Duration>(kLongestPause, rules_.failback_delay);
  const Duration first = std::max<Duration>(kFirstPause, rules_.failback_delay);
  failback_.pause = std::clamp<Duration>(2 * failback_.pause, first, longest);
  failback_.not_before = now + failback_.pause;
  failback_.failed = answered.why;
  emit(Say{Weight::warning, "failback came to nothing: " + answered.why + "; asked again in " +
                                std::to_string(duration_cast<seconds>(failback_.pause).count()) +
                                " s at the earliest"});
}

FailbackReport Pair::failback_report() const {
  if (!wants_the_role_back()) return {};
  if (failback_.asked) return {{}, "the leader has been asked"};
  if (!failback_.obstacle.empty()) return {{}, failback_.obstacle};
  return {failback_due(), failback_.failed};
}

}  // namespace agent
