// Rule 16: a pair whose role goes to and fro has a trouble that more failovers do not mend. After
// so many of them in an hour a node leads again only when an operator has looked. The record keeps
// them: a host that restarts again and again is such a trouble, too.
#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {
constexpr std::chrono::seconds kWindow = std::chrono::hours(1);
}  // namespace

// Whether the leader that resigned was told to. Without its agent's word: a leader that goes by
// itself mostly has a server that does not serve any more.
bool Pair::given_by_an_operator() const {
  const auto& agent = sight_.peer_agent;
  if (agent.linked && agent.said) return agent.said->by_operator || agent.said->maintenance;
  return sight_.peer.health == Health::up;
}

// At the end of a promotion, however it ends: by then it is known what the leader died of.
void Pair::count_takeover(TimePoint now) {
  auto* promoting = std::get_if<Promoting>(&state_);
  if (promoting == nullptr || rules_.max_takeovers == 0) return;
  const bool guessed = promoting->given && !sight_.peer_agent.linked;
  const bool asked_for = promoting->asked_for && (!guessed || given_by_an_operator());
  // Once for each promotion.
  promoting->asked_for = true;
  promoting->given = false;
  if (asked_for) return;
  auto& takeovers = sight_.record->takeovers;
  const std::int64_t present = unix_time(now);
  std::erase_if(takeovers, [&](std::int64_t then) {
    return then > present || present - then >= kWindow.count();
  });
  if (takeovers.size() == kMostTakeovers) takeovers.erase(takeovers.begin());
  takeovers.push_back(present);
  emit(Persist{*sight_.record, false});
}

// Until when the limit keeps this node from taking over by itself; nullopt: it does not.
std::optional<TimePoint> Pair::flapping_until(TimePoint now) const {
  if (rules_.max_takeovers == 0 || !sight_.record) return std::nullopt;
  const auto& takeovers = sight_.record->takeovers;
  if (takeovers.size() < rules_.max_takeovers) return std::nullopt;
  const std::int64_t age = unix_time(now) - takeovers[takeovers.size() - rules_.max_takeovers];
  // Of the future: the host's clock was set back.
  if (age < 0 || age >= kWindow.count()) return std::nullopt;
  return now + kWindow - std::chrono::seconds(age);
}

std::string Pair::flapping_words() const {
  return std::to_string(rules_.max_takeovers) +
         " takeovers within an hour (max_takeovers_per_hour): look for the cause, then tandem "
         "acknowledge PAIR";
}

Candidacy Pair::unless_flapping(TimePoint now, Candidacy answer) const {
  const bool wanted = sight_.accept_data_loss || sight_.local.is_master() ||
                      (sight_.leader_resigned && given_by_an_operator());
  if ((!answer.may_lead && !answer.may_preempt) || wanted) return answer;
  const auto then = flapping_until(now);
  if (!then) return answer;
  Candidacy refused;
  refused.needs_operator = true;
  refused.recheck = then;
  refused.why = flapping_words();
  return refused;
}

// After a promotion that failed this node may wait longer already.
void Pair::hold_down(TimePoint now) {
  const TimePoint until = now + rules_.hold_down;
  if (until <= now || (sight_.hold && sight_.hold->until >= until)) return;
  sight_.hold = Sight::Hold{until, "hold_down after it left the role: " + reason_};
}

void Pair::on(TimePoint /*now*/, const Acknowledged& /*acknowledged*/) {
  sight_.hold.reset();
  foreign_.written_to = false;
  if (!sight_.record || sight_.record->takeovers.empty()) return;
  sight_.record->takeovers.clear();
  emit(Persist{*sight_.record, false});
}

}  // namespace agent
