// The frame of a run: settings, the pair in sync, the storm, the healing, and what must come of it.
// See pair_world.hpp; what fails is in pair_storm.cpp.
#include "tests/sim/pair_world.hpp"

#include <ostream>

namespace sim {

using namespace std::chrono_literals;
using agent::PairState;

namespace {

constexpr auto kStorm = 8s;
constexpr auto kQuiet = 300ms;      // how long a pair must stay as it came to be
constexpr auto kHealing = 8s;       // beside wait_for_peer
constexpr auto kAfterTheWord = 8s;  // of the operator
constexpr auto kCopyRetry = 35s;
// A pause after an attempt at failback that came to nothing is 10 s long, the next one 20 s.
constexpr auto kCalm = 45s;
constexpr std::size_t kClients = 3;

}  // namespace

void Clockwork::say(const std::string& words) const {
  if (trace_ == nullptr) return;
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(
      now_ - TimePoint{std::chrono::hours(1)});
  *trace_ << since.count() / 1000 << "." << (since.count() % 1000) / 100 << " ms: " << words
          << '\n';
}

PairWorld::PairWorld(std::uint64_t seed, std::ostream* trace, PairKind kind)
    : kind_(kind),
      clock_(seed, trace),
      server_world_{clock_, network_,
                    [this](std::size_t index) -> Server& { return *servers_.at(index); },
                    [this](Server& server, const std::string& by) { truth_.promoted(server, by); },
                    [this](Server& server, const std::vector<WriteId>& data) {
                      truth_.replaced(server, data);
                    }},
      agent_world_{
          clock_,
          network_,
          hosts_,
          [this](std::size_t index) -> Agent& { return *agents_.at(index); },
          [this](std::size_t host) { announced(host); },
          [this](std::size_t host) { truth_.taken(*servers_.at(host)); },
          [this](std::size_t host) { truth_.preserved(*servers_.at(host)); },
          [this](std::size_t from) { return holds_vip(1 - from) && network_.open(Path::servers); },
          [this](const Agent& /*agent*/) { ++steps_; },
          [this](std::size_t host) { preference_.started(host); },
          [this](std::size_t host, const agent::Moved& moved) { preference_.moved(host, moved); },
          [this](std::size_t host) { preference_.asked(host); },
          [this](std::size_t host, bool done) { preference_.answered(host, done); },
          [this](std::size_t host, bool failback) { preference_.begun(host, failback); },
          [this](std::size_t host, bool done) { preference_.ended(host, done); }},
      truth_({clock_, network_, hosts_, servers_, agents_}, kind.safe),
      preference_({clock_, hosts_, servers_, agents_,
                   [this](const std::string& what) { truth_.violated(what); },
                   [this] { return leader(); }}) {
  choose_settings();
  if (kind.failback) choose_preference();
  begin();
}

PairWorld::~PairWorld() = default;

void PairWorld::choose_settings() {
  AgentSettings common;
  common.advert_interval = clock_.chance(0.3) ? 100ms : 300ms;
  common.monitor.ping_interval = clock_.chance(0.3) ? 100ms : 200ms;
  common.preempt = clock_.chance(0.15);
  common.peer_link = clock_.chance(0.8);
  common.wait_for_peer = clock_.chance(0.5) ? 2s : 5s;
  common.max_replica_age = clock_.chance(0.5) ? 2s : 30s;
  common.safe = kind_.safe;
  common.peer_link = common.peer_link || kind_.safe;
  const bool equal = clock_.chance(0.3);
  for (std::size_t node = 0; node < 2; ++node) {
    settings_.at(node) = common;
    settings_.at(node).priority =
        vrrp::Priority{static_cast<std::uint8_t>(equal ? 100 : 1 + clock_.pick(254))};
    settings_.at(node).rate = 1 + (static_cast<double>(clock_.pick(2001)) - 1000) / 1e6;
  }
}

// The two settings exclude each other, and both hosts have the same ones.
void PairWorld::choose_preference() {
  const auto one_of = [this](std::initializer_list<Duration> lengths) {
    return *(lengths.begin() + static_cast<std::ptrdiff_t>(clock_.pick(lengths.size())));
  };
  const bool preempt = clock_.chance(0.1);
  const bool failback = !preempt && clock_.chance(0.9);
  const bool linked = clock_.chance(0.9);
  const Duration delay = one_of({0ms, 200ms, 1s, 3s});
  const Duration hold_down = one_of({0ms, 0ms, 1s, 4s});
  const std::size_t takeovers = clock_.chance(0.2) ? 3 : 0;
  for (AgentSettings& settings : settings_) {
    settings.preempt = preempt;
    settings.failback = failback;
    settings.failback_delay = delay;
    settings.hold_down = hold_down;
    settings.max_takeovers = takeovers;
    settings.peer_link = linked || settings.safe;
  }
}

// The first server leads with some data, the second is its replica.
void PairWorld::begin() {
  for (std::size_t node = 0; node < 2; ++node) {
    servers_.at(node) = std::make_unique<Server>(server_world_, node);
    Server& server = *servers_.at(node);
    server.run_id = node == 0 ? "u1" : "u2";
    server.replid = node == 0 ? "r1" : "r2";
    const auto kind = clock_.pick(10);
    server.persistence = kind < 7   ? Persistence::rdb
                         : kind < 9 ? Persistence::none
                                    : Persistence::aof;
  }
  const std::size_t first = clock_.pick(2);
  Server& leader = *servers_.at(first);
  for (int write = 0; write < 5; ++write) {
    const WriteId id = truth_.new_write();
    leader.data.push_back(id);
    truth_.acknowledged(id);
  }
  servers_.at(1 - first)->follow(endpoint_of(first));
  for (std::size_t node = 0; node < 2; ++node) {
    agents_.at(node) =
        std::make_unique<Agent>(agent_world_, node, settings_.at(node),
                                std::array<Server*, 2>{servers_[0].get(), servers_[1].get()});
    clock_.after(clock_.up_to(500ms), [this, node] { agents_.at(node)->start(); });
    const Duration phase = clock_.up_to(1s);
    clock_.after(phase, [this, node] { every(1s, [this, node] { servers_.at(node)->cron(); }); });
    clock_.after(phase, [this, node] {
      every(agents_.at(node)->rules.candidacy.word_patience / 3,
            [this, node] { agents_.at(node)->link_beat(); });
      every(2s, [this, node] {
        if (clock_.chance(0.5)) servers_.at(node)->save();
      });
    });
  }
  every(50ms, [this] { link_the_agents(); });
  for (std::size_t client = 0; client < kClients; ++client) {
    clients_.push_back({client % 2, std::nullopt, 0});
  }
  for (std::size_t client = 0; client < kClients; ++client) {
    clock_.after(clock_.up_to(50ms), [this, client] { client_writes(clients_.at(client)); });
  }
}

void PairWorld::every(Duration period, std::function<void()> what) {
  clock_.after(period, [this, period, what = std::move(what)] {
    what();
    every(period, what);
  });
}

void PairWorld::run_for(Duration time) {
  const TimePoint end = clock_.now() + time;
  while (clock_.run_one(end)) look();
}

// Both call each other until they have a connection.
void PairWorld::link_the_agents() {
  Agent& one = *agents_[0];
  Agent& two = *agents_[1];
  one.call_the_other();
  two.call_the_other();
  if (!one.settings.peer_link || !one.alive || !two.alive || one.hung || two.hung) return;
  const bool linked =
      one.link.up && two.link.up && one.link.theirs == two.life && two.link.theirs == one.life;
  if (linked || !network_.open(Path::agents) || !clock_.chance(0.3)) return;
  for (Agent* agent : {&one, &two}) {
    if (agent->link.up) agent->set_link(false, "the other side called anew");
    agent->link.theirs = agent->other().life;
    agent->set_link(true, "");
  }
}

PairResult PairWorld::run() {
  PairResult result;
  for (int look = 0; look < 50 && !converged(); ++look) run_for(100ms);
  if (!converged()) truth_.violated("the pair did not begin: " + picture());
  plan_storm(kStorm);
  run_for(kStorm);
  heal();
  converge(result);
  if (kind_.failback) stay_calm(result);
  if (const auto who = leader()) truth_.expect_all_on(*servers_.at(*who));
  result.violations = truth_.violations();
  result.losses = truth_.losses();
  result.deeds = deeds_;
  result.steps = steps_;
  return result;
}

std::optional<std::size_t> PairWorld::leader() const {
  for (std::size_t node = 0; node < 2; ++node) {
    if (agents_.at(node)->leads() && truth_.serves(node)) return node;
  }
  return std::nullopt;
}

bool PairWorld::converged() const {
  const auto who = leader();
  if (!who) return false;
  const Agent& standby = *agents_.at(1 - *who);
  const Server& replica = *servers_.at(1 - *who);
  return standby.state() == PairState::standby && !holds_vip(1 - *who) && replica.alive &&
         replica.link == Server::Link::connected && replica.upstream->started &&
         agents_.at(*who)->pair->snapshot().standby_in_sync;
}

void PairWorld::converge(PairResult& result) {
  const TimePoint healed = clock_.now();
  const TimePoint bound = healed + settings_[0].wait_for_peer + kHealing;
  TimePoint end = bound;
  std::optional<TimePoint> served;
  std::optional<TimePoint> in_sync;
  while (true) {
    if (!clock_.run_one(end)) {
      const bool retries = agents_[0]->copy_failed || agents_[1]->copy_failed;
      if (end == bound && retries && leader()) {
        end += kCopyRetry;
        continue;
      }
      if (end != bound || !leader_needs_the_operator(result)) break;
      ask_the_operator(result);
      end += kAfterTheWord;
    }
    look();
    if (!served && leader()) served = clock_.now();
    const bool good = converged();
    if (!good) in_sync.reset();
    if (good && !in_sync) in_sync = clock_.now();
    if (in_sync && clock_.now() - *in_sync > kQuiet) break;
  }
  if (!in_sync) truth_.violated("healed, but the pair did not come together: " + picture());
  if (truth_.serves(0) && truth_.serves(1)) truth_.violated("two masters after the healing");
  result.until_served = served.value_or(clock_.now()) - healed;
  result.until_in_sync = in_sync.value_or(clock_.now()) - healed;
}

void PairWorld::look() {
  truth_.look();
  if (kind_.failback) preference_.look();
}

// Nothing fails any more: the preferred node comes to lead, if it has to, and the role rests then.
void PairWorld::stay_calm(PairResult& result) {
  if (!truth_.violations().empty()) return;
  preference_.calm();
  const TimePoint end = clock_.now() + kCalm;
  while (clock_.now() < end && !preference_.settled()) run_for(100ms);
  preference_.end_of_calm();
  result.asks = preference_.asks();
  result.failbacks = preference_.failbacks();
  result.returns = preference_.returns();
  result.longest_gap = preference_.longest_gap();
}

bool PairWorld::leader_needs_the_operator(PairResult& result) {
  for (const auto& agent : agents_) {
    if (!agent->alive) continue;
    const auto& candidacy = agent->pair->snapshot().candidacy;
    if (!candidacy.needs_operator) continue;
    result.operator_needed = true;
    result.operator_reason += (result.operator_reason.empty() ? "" : " | ") + candidacy.why;
  }
  return result.operator_needed && !leader();
}

// He looks at both servers and takes the one that lacks least.
void PairWorld::ask_the_operator(PairResult& result) {
  const auto lacks = [this](std::size_t node) { return truth_.missing_on(*servers_.at(node)); };
  const std::size_t best = lacks(0) <= lacks(1) ? 0 : 1;
  result.needless = lacks(best) == 0;
  agents_.at(best)->promote();
}

std::string PairWorld::picture() const {
  std::string out;
  for (std::size_t node = 0; node < 2; ++node) {
    const Agent& agent = *agents_.at(node);
    const Server& server = *servers_.at(node);
    out += node == 0 ? "A " : "; B ";
    out += to_string(agent.state());
    if (agent.alive) out += " (" + agent.pair->snapshot().candidacy.why + ")";
    out += holds_vip(node) ? ", VIP, " : ", ";
    if (!server.alive) out += "dead ";
    out += server.is_master() ? "master " : "replica of " + server.master->to_string() + " ";
    if (!server.is_master()) out += server.link == Server::Link::connected ? "up " : "down ";
    if (server.fenced()) out += "fenced ";
    out += std::to_string(server.data.size()) + " writes";
  }
  return out;
}

}  // namespace sim
