// Who asks for a switchover and what they hear of it: an operator on this node, an operator on the
// other one, and failback. The leader alone moves the role, whoever asks.
#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/io/pair_runner.hpp"

namespace agent::io {

using std::chrono::steady_clock;

namespace {

// Beside what is configured: fence, kill, and the way of the words.
constexpr auto kMargin = std::chrono::seconds(5);

std::string joined(const std::vector<std::string>& sentences) {
  std::string out;
  for (const auto& sentence : sentences) out += (out.empty() ? "" : "; ") + sentence;
  return out;
}

}  // namespace

void PairRunner::switchover(const SwitchoverWish& wish, SwitchoverAnswered answered) {
  const PairState state = pair_.state();
  const bool leads = state == PairState::leading || state == PairState::leaving;
  if (leads || wish.from_peer) return give_the_role(wish, std::move(answered));
  ask_the_leader(wish, std::move(answered));
}

void PairRunner::give_the_role(const SwitchoverWish& wish, SwitchoverAnswered answered) {
  // A standby that only looks names the problems of its own side itself.
  auto problems = pair_.switchover_problems(wish.from_peer && wish.dry_run);
  if (wish.server_failover && problems.empty()) problems = pair_.failover_problems();
  if (auto right = local_inspection_.in_the_way(); !right.empty()) {
    problems.push_back(std::move(right));
  }
  if (!problems.empty()) return answered({false, joined(problems)});
  if (wish.dry_run) return answered({true, "nothing is in the way of a switchover"});
  SwitchoverRequested requested{.budget = wish.budget};
  const std::string node = links_ == nullptr ? "" : links_->status(config_.name).node;
  if (wish.from_peer) requested.reason += " on node " + node;
  requested.server_failover = wish.server_failover;
  requested.ignore_veto = wish.ignore_veto && !wish.failback;
  if (wish.failback) {
    requested.reason = "node " + node;
    requested.reason += ", which is preferred, takes the role back";
    requested.by_operator = false;
  }
  story_.info(EventKind::request, requested.reason);
  story_.mark("asked");
  asker_ = Asker{pair_.switchover().number + 1, std::move(answered)};
  feed(PairInput(std::move(requested)));
}

// The number is of a later switchover only when the request has been taken.
void PairRunner::tell_who_asked() {
  if (!asker_) return;
  const SwitchoverReport& report = pair_.switchover();
  const bool begun = report.number >= asker_->number;
  const bool running = !begun || report.outcome == SwitchoverReport::Outcome::running;
  if (running && !ended_) return;
  const SwitchoverAnswered answered = std::move(asker_->answered);
  asker_.reset();
  if (running) {
    return answered({false, "the agent stopped before the end of the switchover was known"});
  }
  if (report.outcome == SwitchoverReport::Outcome::done) {
    const auto held = std::chrono::round<std::chrono::milliseconds>(report.writes_held).count();
    return answered(
        {true, report.words + ", writes were held for " + std::to_string(held) + " ms"});
  }
  answered(
      {false, config_.name + ": the switchover was given up, nothing has moved: " + report.words});
}

// On both nodes: one that is left out would take over from the other as always.
void PairRunner::maintain(const MaintenanceWish& wish, SwitchoverAnswered answered) {
  feed(PairInput(order_of(wish, std::time(nullptr))));
  const std::string what = wish.on ? "maintenance is on" : "maintenance is over";
  if (wish.from_peer) return answered({true, what});
  const PeerLinkStatus link = links_ == nullptr ? PeerLinkStatus{} : links_->status(config_.name);
  if (link.state == PeerLinkStatus::State::off) {
    return answered({true, what + " on this node; without a peer link the other node does not hear "
                                  "of it: say it there too"});
  }
  links_->ask(config_.name, "maintenance", arguments_of(wish), kMargin,
              [answered = std::move(answered), what, node = link.node](const PeerAnswer& got) {
                if (got.ok) return answered({true, what + " on both nodes"});
                std::string words =
                    what + " on this node only: the other node has not heard of it (";
                answered({false, words + got.text + "); say it there too"});
              });
}

// What is in the way of a takeover by this node: what its rules say, and what its login may not do.
std::vector<std::string> PairRunner::takeover_problems() const {
  auto out = pair_.takeover_problems(steady_clock::now());
  if (auto right = local_inspection_.in_the_way(); !right.empty()) out.push_back(std::move(right));
  return out;
}

void PairRunner::ask_the_leader(const SwitchoverWish& wish, SwitchoverAnswered answered) {
  const PairSnapshot here = pair_.snapshot();
  std::string sentence = "this node is " + std::string(to_string(here.state)) + ", not leading";
  const auto refuse = [&](const std::string& why) { answered({false, sentence + why}); };
  const PeerLinkStatus link = links_ == nullptr ? PeerLinkStatus{} : links_->status(config_.name);
  if (link.state == PeerLinkStatus::State::off) {
    return refuse(", and no peer link is configured: run it on the node that leads");
  }
  if (link.state == PeerLinkStatus::State::down) {
    return refuse(", and the peer link is down (" + link.why + "): run it on the node that leads");
  }
  const auto& said = pair_.sight().peer_agent.said;
  if (!said) return refuse(", and node " + link.node + " has not said yet what it does: try again");
  const bool moving = said->state == "leaving" || here.state == PairState::promoting;
  if (moving) return refuse(": the role is moving already; tandem status shows its end");
  if (!said->leads()) {
    return refuse(", nor does node " + link.node + ", which is " + said->state +
                  ": nobody could give the role away");
  }
  // With problems here nothing is begun, but those there are worth knowing too.
  const auto problems = joined(takeover_problems());
  SwitchoverWish asked = wish;
  asked.dry_run = wish.dry_run || !problems.empty();
  tell_peer();  // the leader judges by what it has heard of this node
  links_->ask(config_.name, "switchover", arguments_of(asked), longest_switchover(wish.budget),
              [answered = std::move(answered), problems, node = link.node](const PeerAnswer& got) {
                SwitchoverAnswer answer = answer_of(got, node);
                if (!problems.empty()) {
                  answer.words = problems + (answer.done ? "" : "; " + answer.words);
                  answer.done = false;
                }
                answered(answer);
              });
}

Duration PairRunner::longest_switchover(Duration budget) const {
  const Duration scripts = 2 * config_.notify.pre_timeout;  // pre_demote there, pre_promote here
  return 2 * budget + config_.handover_timeout + config_.promote_timeout + scripts + kMargin;
}

void PairRunner::perform(const AskForTheRole& /*effect*/) {
  const SwitchoverWish wish{.budget = std::min(config_.handover_timeout, kLongestSwitchover),
                            .failback = true};
  const std::string node = links_->status(config_.name).node;
  tell_peer();  // what was in the way until now is in its way, too
  links_->ask(config_.name, "switchover", arguments_of(wish), longest_switchover(wish.budget),
              [weak = std::weak_ptr(self_), node](const PeerAnswer& got) {
                const auto self = weak.lock();
                const SwitchoverAnswer answer = answer_of(got, node);
                if (self) (*self)->feed(PairInput(RoleAnswered{answer.done, answer.words}));
              });
}

}  // namespace agent::io
