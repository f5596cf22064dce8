// See preference.hpp.
#include "tests/sim/preference.hpp"

#include <algorithm>

namespace sim {

using namespace std::chrono_literals;
using agent::PairState;

namespace {

// A link or a server that is away for a shorter time may not be noticed: INFO is asked once a
// second.
constexpr auto kNoticed = 1500ms;
constexpr auto kHoldAfterFailure = 5s;
constexpr auto kFirstPause = 10s;
// The clocks of the agents are up to 1000 ppm wrong.
constexpr auto kClocks = 50ms;
// Without a leader while the role is moved by plan.
constexpr auto kMoves = 1500ms;
// The role rests for so long beyond failback_delay.
constexpr auto kRests = 2s;

}  // namespace

void Preference::started(std::size_t node) {
  Node& one = nodes_.at(node);
  const auto& record = world_.hosts.at(node).record;
  one = Node{};
  one.fit_since = world_.clock.now();
  one.moved_away = record && record->moved_away;
}

void Preference::moved(std::size_t node, const agent::Moved& moved) {
  Node& one = nodes_.at(node);
  const bool planned = std::exchange(one.planned, false);
  const TimePoint now = world_.clock.now();
  one.fit_since = now;
  if (moved.to == PairState::leading) {
    one.moved_away = false;
    one.refused_at = TimePoint::min();
  }
  const Duration hold = world_.agents.at(node)->settings.hold_down;
  const bool lost = moved.from == PairState::leading && moved.to != PairState::leading;
  if (lost && !planned) one.held_until = std::max(one.held_until, now + hold);
  if (moved.reason.starts_with("the promotion failed")) {
    one.held_until = std::max(one.held_until, now + std::max<Duration>(hold, kHoldAfterFailure));
  }
}

void Preference::promoted_by_operator(std::size_t node) {
  nodes_.at(node).held_until = {};
}

bool Preference::prefers(std::size_t node) const {
  const AgentSettings& own = world_.agents.at(node)->settings;
  return own.priority.value > world_.agents.at(1 - node)->settings.priority.value;
}

std::optional<std::size_t> Preference::preferred() const {
  for (const std::size_t node : {0U, 1U}) {
    if (prefers(node)) return node;
  }
  return std::nullopt;
}

bool Preference::limited(std::size_t node) const {
  const std::size_t most = world_.agents.at(node)->settings.max_takeovers;
  const auto& record = world_.hosts.at(node).record;
  return most > 0 && record && record->takeovers.size() >= most;
}

void Preference::asked(std::size_t node) {
  ++asks_;
  const Node& one = nodes_.at(node);
  const AgentSettings& settings = world_.agents.at(node)->settings;
  const TimePoint now = world_.clock.now() + kClocks;
  const auto wrong = [&](const std::string& why) {
    world_.violated(world_.agents.at(node)->name() + " asks for the role " + why);
  };
  if (!settings.failback) wrong("though failback is manual");
  if (!prefers(node)) wrong("and is not preferred");
  if (one.moved_away) wrong("that an operator moved away");
  if (limited(node)) wrong("beyond max_takeovers_per_hour");
  if (now < one.held_until) wrong("within its hold_down");
  if (one.refused_at != TimePoint::min() && now < one.refused_at + kFirstPause) {
    wrong("again at once");
  }
  const bool noticeably = one.unfit_since && now - *one.unfit_since > kNoticed;
  if (noticeably) return wrong("and is not in sync");
  if (now - one.fit_since < settings.failback_delay) wrong("before failback_delay has passed");
}

void Preference::answered(std::size_t node, bool done) {
  // The answer may be lost, and the role be here all the same.
  if (!done && !world_.agents.at(node)->leads()) nodes_.at(node).refused_at = world_.clock.now();
}

void Preference::begun(std::size_t node, bool failback) {
  Node& one = nodes_.at(node);
  one.planned = true;
  if (!failback) one.moved_away = true;
  if (failback) ++failbacks_;
}

// The old leader's server holds no writes that the new one lacks.
void Preference::ended(std::size_t node, bool done) {
  if (!done) {
    // Given up after the role was offered, it may have been taken all the same.
    if (world_.agents.at(node)->leads()) nodes_.at(node).moved_away = false;
    return;
  }
  const Server& old = *world_.servers.at(node);
  const Server& now = *world_.servers.at(1 - node);
  if (stranger_came_ || !old.is_master() || now.contains_all_of(old)) return;
  world_.violated("the role was moved to " + now.name() + ", which lacks writes of " + old.name());
}

// A standby in sync with a node that leads.
bool Preference::is_fit(std::size_t node) const {
  const Agent& agent = *world_.agents.at(node);
  const Server& server = *world_.servers.at(node);
  if (!agent.alive || agent.state() != PairState::standby) return false;
  if (!server.alive || server.hung || server.loading() || server.is_master()) return false;
  if (server.link != Server::Link::connected || !server.upstream) return false;
  const auto& stream = *server.upstream;
  return stream.master == 1 - node && stream.online && stream.started;
}

void Preference::look() {
  const TimePoint now = world_.clock.now();
  for (const std::size_t node : {0U, 1U}) {
    Node& one = nodes_.at(node);
    // An agent that hangs notices nothing.
    if (world_.agents.at(node)->hung) {
      one.unfit_since.reset();
    } else if (!is_fit(node)) {
      if (!one.unfit_since) one.unfit_since = now;
    } else if (one.unfit_since) {
      if (now - *one.unfit_since > kNoticed) one.fit_since = now;
      one.unfit_since.reset();
    }
  }
  if (calm_since_) look_at_the_calm();
}

void Preference::calm() {
  calm_since_ = world_.clock.now();
  led_by_ = world_.leader();
  led_since_ = calm_since_;
  due_ = due();
}

void Preference::look_at_the_calm() {
  const TimePoint now = world_.clock.now();
  const auto leads = world_.leader();
  if (!leads) {
    if (!nobody_since_) nobody_since_ = now;
    longest_gap_ = std::max<Duration>(longest_gap_, now - *nobody_since_);
    return;
  }
  nobody_since_.reset();
  if (leads == led_by_) return;
  led_by_ = leads;
  led_since_ = now;
  ++changes_;
}

std::optional<std::size_t> Preference::due() const {
  const auto node = preferred();
  if (!node) return std::nullopt;
  const AgentSettings& settings = world_.agents.at(*node)->settings;
  if (limited(*node)) return std::nullopt;
  if (settings.preempt) return node;
  if (!settings.failback || !settings.peer_link || nodes_.at(*node).moved_away) return std::nullopt;
  return node;
}

bool Preference::settled() const {
  if (!led_since_ || nobody_since_) return false;
  if (due_ && led_by_ != due_) return false;
  const Duration delay = world_.agents.at(0)->settings.failback_delay;
  return world_.clock.now() - *led_since_ > delay + kRests;
}

void Preference::end_of_calm() {
  if (due_ && led_by_ != due_) {
    world_.violated("nothing fails, and " + world_.agents.at(*due_)->name() +
                    ", which is preferred, does not lead");
  }
  const int allowed = due_ ? 1 : 0;
  if (changes_ > allowed) {
    world_.violated("nothing fails, and the role moved " + std::to_string(changes_) + " times");
  }
  if (changes_ > 0) ++returns_;
  if (longest_gap_ > kMoves) {
    const auto length = std::chrono::duration_cast<std::chrono::milliseconds>(longest_gap_);
    world_.violated("nothing fails, and nobody led for " + std::to_string(length.count()) + " ms");
  }
}

}  // namespace sim
