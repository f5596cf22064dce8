// How the role is asked for and given away in the simulation: by an operator on either node, and by
// failback. Does what agent/io/pair_requests does, over the simulated peer link.
#include <utility>

#include "tests/sim/model_agent.hpp"

namespace sim {

using namespace std::chrono_literals;

namespace {
constexpr Duration kHandoverBudget = 2s;
constexpr Duration kLongestSwitchover = 14s;  // as PairRunner::longest_switchover()
constexpr Duration kWay = 200us;              // of a word over the peer link
}  // namespace

void Agent::switchover() {
  if (!alive || hung) return;
  const auto problems = pair->switchover_problems();
  world.clock.say("operator: switchover on " + name() +
                  (problems.empty() ? "" : ": refused, " + problems.front()));
  if (problems.empty()) give_the_role(false, {});
}

void Agent::switchover_from_here() {
  if (!alive || hung) return;
  const agent::PairState is = state();
  if (is == agent::PairState::leading || is == agent::PairState::leaving) return switchover();
  const auto problems = pair->takeover_problems(local());
  world.clock.say("operator: switchover to " + name() +
                  (problems.empty() ? "" : ": refused, " + problems.front()));
  if (!problems.empty() || asked_) return;
  ask_the_leader(false, [this](bool done, const std::string& words) {
    world.clock.say("operator: " + name() + (done ? " has the role" : ": refused, " + words));
  });
}

void Agent::perform(const agent::AskForTheRole& /*effect*/) {
  world.asked(index);
  ask_the_leader(true, [this](bool done, const std::string& words) {
    world.answered(index, done);
    feed(agent::PairInput(agent::RoleAnswered{done, words}));
  });
}

void Agent::ask_the_leader(bool failback, Answered answered) {
  const std::uint64_t id = ++asked_so_far_;
  asked_ = Asked{id, std::move(answered)};
  if (!link.up) {
    return later(0us, [this, id] { answer_asked(id, false, "the peer link is down"); });
  }
  tell_peer();
  later(kLongestSwitchover, [this, id] { answer_asked(id, false, "no answer in time"); });
  Agent& leader = other();
  const auto answer = [this, id, run = life](bool done, const std::string& words) {
    world.clock.after(kWay, [this, id, run, done, words] {
      if (run != life || !world.network.open(Path::agents)) return;
      deliver([this, id, done, words] { answer_asked(id, done, words); });
    });
  };
  world.clock.after(kWay, [this, &leader, failback, answer, run = leader.life] {
    if (run != leader.life || !world.network.open(Path::agents)) return;
    leader.deliver([&leader, failback, answer] { leader.give_the_role(failback, answer); });
  });
}

void Agent::answer_asked(std::uint64_t id, bool done, const std::string& words) {
  if (!asked_ || asked_->id != id) return;
  const Answered answered = std::move(asked_->answered);
  asked_.reset();
  answered(done, words);
}

void Agent::give_the_role(bool failback, Answered answered) {
  if (const auto problems = pair->switchover_problems(); !problems.empty()) {
    if (answered) answered(false, problems.front());
    return;
  }
  agent::SwitchoverRequested requested{kHandoverBudget};
  if (failback) requested.reason = "the other node, which is preferred, takes the role back";
  requested.by_operator = !failback;
  switchover_ = Switchover{pair->switchover().number + 1, false, failback, std::move(answered)};
  feed(agent::PairInput(std::move(requested)));
}

// The number is of a later switchover only when the request has been taken.
void Agent::follow_the_switchover() {
  if (!switchover_ || !alive) return;
  const agent::SwitchoverReport& report = pair->switchover();
  if (report.number < switchover_->number) return;
  using Outcome = agent::SwitchoverReport::Outcome;
  if (!std::exchange(switchover_->begun, true)) world.begun(index, switchover_->failback);
  if (report.outcome == Outcome::running) return;
  const Answered answered = std::move(switchover_->answered);
  switchover_.reset();
  world.ended(index, report.outcome == Outcome::done);
  if (answered) answered(report.outcome == Outcome::done, report.words);
}

}  // namespace sim
