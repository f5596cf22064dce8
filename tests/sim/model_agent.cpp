// The loop of a simulated agent: inputs, timers, monitors, the peer link, its life and death. What
// its effects do is in model_effects.cpp.
#include "tests/sim/model_agent.hpp"

#include <utility>

#include "vrrp/timing.hpp"

namespace sim {

using namespace std::chrono_literals;
using hooks::Target;

namespace {

constexpr Duration kLeastConnectTimeout = 200ms;

agent::PairRules rules_of(const AgentSettings& settings, std::size_t index) {
  const Duration ping = std::min(settings.monitor.ping_interval, settings.advert_interval);
  const Duration beat = std::clamp<Duration>(ping, 10ms, 500ms);
  agent::PairRules rules;
  rules.candidacy.peer = endpoint_of(1 - index);
  rules.candidacy.preempt = settings.preempt;
  rules.candidacy.max_replica_age = settings.max_replica_age;
  rules.candidacy.wait_for_peer = settings.wait_for_peer;
  rules.candidacy.vip_lease = settings.vip_lease;
  rules.candidacy.safe = settings.safe;
  rules.candidacy.max_lag_time = settings.max_lag_time;
  rules.candidacy.advert_interval = settings.advert_interval;
  rules.candidacy.advert_patience =
      vrrp::master_down_interval(vrrp::Version::v3, settings.priority, settings.advert_interval, 3);
  rules.candidacy.witness_patience = std::min(settings.monitor.fall, 3) * ping + 5ms;
  rules.candidacy.word_patience = std::max<Duration>(rules.candidacy.witness_patience, 3 * beat);
  rules.max_takeovers = settings.max_takeovers;
  rules.hold_down = settings.hold_down;
  rules.priority = settings.priority.value;
  rules.failback = settings.failback && settings.peer_link;
  rules.failback_delay = settings.failback_delay;
  rules.replication = endpoint_of(index);
  return rules;
}

}  // namespace

vrrp::IpAddress address_of(std::size_t index) {
  return vrrp::IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(index + 1)});
}

Agent::Agent(AgentWorld& with, std::size_t number, const AgentSettings& chosen,
             std::array<Server*, 2> servers)
    : world(with),
      index(number),
      settings(chosen),
      rules(rules_of(chosen, number)),
      servers_(servers) {
  for (const Target target : {Target::local, Target::peer}) {
    const bool remote = target == Target::peer;
    ConnectionEvents events;
    events.connected = [this, target] { watch(target, health::Connected{}); };
    events.failed = [this, target](bool refused) {
      using Failure = health::ConnectFailure;
      watch(target, health::ConnectFailed{refused ? Failure::refused : Failure::unreachable,
                                          refused ? "Connection refused" : "no answer"});
    };
    events.closed = [this, target] { watch(target, health::Closed{"closed by the server"}); };
    events.deliver = [this](std::function<void()> what) { deliver(std::move(what)); };
    watch_of(target).connection = std::make_unique<Connection>(
        world.clock, world.network, *servers_.at(remote ? 1 - number : number), remote, name(),
        std::move(events));
  }
}

const std::string& Agent::name() const {
  static const std::array<std::string, 2> kNames{"agent A", "agent B"};
  return kNames.at(index);
}

TimePoint Agent::local(TimePoint global) const {
  return TimePoint(Duration(static_cast<Duration::rep>(
      static_cast<long double>(global.time_since_epoch().count()) * settings.rate)));
}

// Rounded up, so that a deadline has come when its event does.
TimePoint Agent::global(TimePoint local_time) const {
  return TimePoint(Duration(static_cast<Duration::rep>(
             static_cast<long double>(local_time.time_since_epoch().count()) / settings.rate))) +
         1us;
}

agent::PairState Agent::state() const {
  return alive ? pair->snapshot().state : agent::PairState::stopped;
}

bool Agent::leads() const {
  return alive && pair->snapshot().state == agent::PairState::leading;
}

void Agent::deliver(std::function<void()> what) {
  if (!alive) return;
  if (hung) {
    inbox_.push_back(std::move(what));
    return;
  }
  what();
}

void Agent::later(Duration delay, std::function<void()> what) {
  world.clock.after(delay, [this, run = life, what = std::move(what)] {
    if (run == life) deliver(what);
  });
}

template <typename Fire>
void Agent::arm(Timer& timer, std::optional<TimePoint> deadline, Fire fire) {
  if (timer.armed == deadline) return;
  timer.armed = deadline;
  if (!deadline) return;
  world.clock.at(global(*deadline), [this, run = life, &timer, deadline, fire] {
    if (run != life || timer.armed != deadline) return;
    deliver([&timer, deadline, fire] {
      if (timer.armed != deadline) return;
      timer.armed.reset();
      fire();
    });
  });
}

void Agent::arm() {
  if (!alive) return;
  arm(router_timer_, instance->next_deadline(),
      [this] { feed(vrrp::InstanceInput(vrrp::DeadlineReached{})); });
  arm(pair_timer_, pair->next_deadline(), [this] { feed(agent::PairInput(agent::TimePassed{})); });
}

void Agent::feed(Input input) {
  if (!alive) return;
  queue_.push_back(std::move(input));
  if (draining_) return;
  draining_ = true;
  const auto run = life;
  while (!queue_.empty() && run == life) {
    const Input next = std::move(queue_.front());
    queue_.pop_front();
    std::visit([this](const auto& one) { take(one); }, next);
  }
  if (run != life) return;
  draining_ = false;
  follow_the_switchover();
  tell_peer();
  arm();
  world.stepped(*this);
}

void Agent::take(const vrrp::InstanceInput& input) {
  for (const auto& effect : instance->step(local(), input)) {
    if (const auto* advert = std::get_if<vrrp::SendAdvert>(&effect)) {
      send_advert(advert->priority);
      continue;
    }
    std::visit(
        [this](const auto& one) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(one)>, vrrp::SendAdvert>) {
            queue_.emplace_back(agent::PairInput(agent::RouterChanged{one}));
          }
        },
        effect);
  }
}

void Agent::take(const agent::PairInput& input) {
  const auto run = life;
  for (const auto& effect : pair->step(local(), input)) {
    if (run != life) return;  // it died between two effects
    std::visit([this](const auto& one) { perform(one); }, effect);
    if (run == life && fuse > 0 && --fuse == 0) crash();
  }
}

// ---- the two servers ---------------------------------------------------------------------------

void Agent::watch(Target target, const health::MonitorInput& input) {
  obey(target, watch_of(target).monitor->step(local(), input));
}

void Agent::obey(Target target, const health::MonitorEffects& effects) {
  Watch& one = watch_of(target);
  const auto run = life;
  for (const auto& effect : effects) {
    if (run != life) return;
    if (std::holds_alternative<health::Connect>(effect)) {
      one.connection->connect(std::max<Duration>(
          settings.monitor.ping_interval * settings.monitor.fall, kLeastConnectTimeout));
    } else if (std::holds_alternative<health::Disconnect>(effect)) {
      one.connection->disconnect();
    } else if (const auto* send = std::get_if<health::Send>(&effect)) {
      obey(target, *send);
    } else if (const auto* changed = std::get_if<health::HealthChanged>(&effect)) {
      if (world.clock.traced()) {
        world.clock.say(name() + ": the " + std::string(hooks::to_string(target)) + " server is " +
                        std::string(to_string(changed->health)));
      }
      feed(agent::PairInput(agent::HealthSeen{target, changed->health, changed->detail}));
    } else if (const auto* read = std::get_if<health::FactsRead>(&effect)) {
      feed(agent::PairInput(
          agent::FactsSeen{target, one.monitor->snapshot().facts, read->restarted}));
    }
  }
  if (run != life) return;
  arm(one.timer, one.monitor->next_deadline(), [this, target] { watch(target, health::Tick{}); });
}

void Agent::obey(Target target, const health::Send& send) {
  const bool ping = send.request == health::Request::ping;
  watch_of(target).connection->send(
      {ping ? "PING" : "INFO"}, [this, target, request = send.request](const health::Reply* reply) {
        if (reply == nullptr) return;
        watch(target, health::Answered{request, *reply});
        if (request == health::Request::ping && target == Target::peer) {
          feed(agent::PairInput(agent::PeerAnswered{}));
        }
      });
}

// ---- life and death ----------------------------------------------------------------------------

void Agent::start() {
  if (alive) return;
  ++life;
  alive = true;
  hung = draining_ = writing_ = wants_vip_ = operators_word = false;
  fuse = 0;
  queue_.clear();
  inbox_.clear();
  to_write_.clear();
  told_ = {};
  link = {};
  asked_.reset();
  switchover_.reset();
  router_timer_ = pair_timer_ = {};
  pair = std::make_unique<agent::Pair>(rules);
  vrrp::InstanceConfig config;
  config.vrid = vrrp::Vrid{51};
  config.priority = settings.priority;
  config.advert_interval = settings.advert_interval;
  config.preempt = settings.preempt;
  config.listens_after = settings.vip_lease / 4;
  instance = std::make_unique<vrrp::Instance>(config);
  const bool vips = host().vip && world.clock.now() < host().vip_until;
  world.clock.say(name() + " starts");
  world.started(index);
  feed(agent::PairInput(agent::Begin{host().record, vips, 0}));
  if (settings.peer_link) feed(agent::PairInput(agent::PeerLinkChanged{false, "not called yet"}));
  health::MonitorConfig peer = settings.monitor;
  peer.ping_interval = std::min(peer.ping_interval, settings.advert_interval);
  watches_[0].monitor = std::make_unique<health::Monitor>(settings.monitor, false);
  watches_[1].monitor = std::make_unique<health::Monitor>(peer, false);
  for (Watch& one : watches_) one.timer = {};
  watch(Target::local, health::Tick{});
  watch(Target::peer, health::Tick{});
  feed(vrrp::InstanceInput(vrrp::LinkChanged{true, address_of(index)}));
}

void Agent::crash() {
  if (!alive) return;
  world.clock.say(name() + " dies");
  alive = hung = false;
  ++life;
  procedure_.reset();
  for (Watch& one : watches_) one.connection->agent_died();
  // A process that ends closes its connections.
  if (world.network.open(Path::agents)) {
    other().deliver([&there = other()] { there.set_link(false, "closed by the other side"); });
  }
}

void Agent::hang() {
  if (!alive || hung) return;
  world.clock.say(name() + " hangs");
  hung = true;
}

void Agent::resume() {
  if (!hung) return;
  world.clock.say(name() + " goes on");
  hung = false;
  const auto run = life;
  while (!inbox_.empty() && life == run && !hung) {
    const auto next = std::move(inbox_.front());
    inbox_.pop_front();
    next();
  }
}

void Agent::stop() {
  if (!alive || hung) return;
  world.clock.say("operator: stop of " + name());
  feed(agent::PairInput(agent::StopRequested{}));
}

void Agent::promote() {
  if (!alive || hung) return;
  const agent::Sight& sight = pair->sight();
  const bool led = sight.peer_agent.said && sight.peer_agent.said->leads();
  if (leads() || sight.leader_advertises || led) return;
  if (sight.local.health != health::Health::up) return;
  world.clock.say("operator: promote " + name() + " --accept-data-loss");
  feed(agent::PairInput(agent::PromoteRequested{}));
}

void Agent::path_opened() {
  for (Watch& one : watches_) one.connection->path_opened();
}

void Agent::server_died(std::size_t server, bool host_gone) {
  watch_of(server == index ? Target::local : Target::peer).connection->server_died(host_gone);
}

}  // namespace sim
