// See replica_watches.hpp.
#include "agent/io/replica_watches.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "agent/further_replica.hpp"
#include "agent/io/server_access.hpp"
#include "health/io/redis_watch.hpp"
#include "hooks/io/procedure_runner.hpp"
#include "hooks/role_change.hpp"

namespace agent::io {

using hooks::Target;
using std::chrono::steady_clock;

namespace {

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr Duration kBudget = std::chrono::seconds(3);

// Nobody fails over to it: it is asked seldom, however often the servers of the pair are.
health::MonitorConfig light_monitor(const PairConfig& config) {
  health::MonitorConfig monitor = config.monitor;
  monitor.ping_interval = std::max(monitor.ping_interval, kInterval);
  monitor.info_interval = std::max(monitor.info_interval, kInterval);
  return monitor;
}

ServerConfig access_to(const health::Endpoint& endpoint, const PairConfig& config) {
  ServerConfig server = config.peer_server;
  server.host = endpoint.host;
  server.port = endpoint.port;
  return server;
}

}  // namespace

struct ReplicaWatches::One : std::enable_shared_from_this<One> {
  One(const boost::asio::any_io_executor& executor, const PairConfig& config,
      const health::Endpoint& endpoint_in, const Events& events_in)
      : endpoint(endpoint_in),
        leader{config.replication_host, config.replication_port},
        access(access_to(endpoint_in, config)),
        events(events_in),
        replica(endpoint, leader),
        watch(executor, server_address(access), {access.user, access.password},
              light_monitor(config), watch_events()),
        procedures(executor,
                   [this](Target, const std::vector<std::string>& words,
                          hooks::io::ProcedureRunner::ReplyHandler handler) {
                     watch.command(words, std::move(handler));
                   }),
        timer(executor) {}

  health::io::WatchEvents watch_events() {
    return {.health_changed =
                [this](const health::HealthChanged& changed) {
                  events.log(false, "the replica " + endpoint.to_string() + " is " +
                                        std::string(health::to_string(changed.health)) +
                                        (changed.detail.empty() ? "" : ": " + changed.detail));
                  feed(ReplicaHealth{changed.health, changed.detail});
                  events.changed();
                },
            .facts_read =
                [this](const health::FactsRead& read) {
                  feed(ReplicaFacts{watch.snapshot().facts, read.restarted});
                },
            .answered = {}};
  }

  void feed(const ReplicaInput& input) {
    for (const ReplicaEffect& effect : replica.step(steady_clock::now(), input)) {
      std::visit([this](const auto& one) { perform(one); }, effect);
    }
    arm();
  }

  void perform(const ReplicaSays& said) const { events.log(said.warning, said.text); }
  void perform(const PointAtLeader& order) {
    auto procedure = order.unless_changed ? hooks::make_follow_if_unchanged(Target::replica, leader,
                                                                            *order.unless_changed)
                                          : hooks::make_follow(Target::replica, leader);
    procedures.run(std::move(procedure), kBudget, [this](const hooks::io::ProcedureResult& result) {
      feed(Pointed{result.done, result.why});
      watch.refresh();
    });
  }

  void arm() {
    const auto deadline = replica.next_deadline();
    timer.cancel();
    if (!deadline) return;
    timer.expires_at(*deadline);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->feed(ReplicaTime{});
    });
  }

  void stop() {
    procedures.cancel();
    watch.stop();
    feed(LeaderSeen{std::nullopt, false});
  }

  health::Endpoint endpoint;
  health::Endpoint leader;
  ServerConfig access;
  const Events& events;
  FurtherReplica replica;
  health::io::RedisWatch watch;
  hooks::io::ProcedureRunner procedures;
  boost::asio::steady_timer timer;
};

ReplicaWatches::ReplicaWatches(const boost::asio::any_io_executor& executor,
                               const PairConfig& config, Events events)
    : events_(std::move(events)) {
  for (const health::Endpoint& endpoint : config.replicas) {
    all_.push_back(std::make_shared<One>(executor, config, endpoint, events_));
  }
}

ReplicaWatches::~ReplicaWatches() = default;

void ReplicaWatches::leader_seen(const health::ServerFacts* facts, bool frozen) {
  if (facts == nullptr) return stop();
  for (const auto& one : all_) {
    one->feed(LeaderSeen{*facts, frozen});
    if (!watching_) one->watch.start();
  }
  watching_ = true;
}

void ReplicaWatches::stop() {
  if (!std::exchange(watching_, false)) return;
  for (const auto& one : all_) one->stop();
}

void ReplicaWatches::reload_certificates() {
  for (const auto& one : all_) {
    if (!one->access.tls) continue;
    const RenewedTls renewed = renew_tls(*one->access.tls, *one->watch.address().tls);
    events_.log(!renewed.good, one->endpoint.to_string() + ": " + renewed.what);
  }
}

std::vector<ReplicaStatus> ReplicaWatches::status() const {
  std::vector<ReplicaStatus> out;
  out.reserve(all_.size());
  for (const auto& one : all_) {
    ReplicaStatus status;
    status.server.address = one->endpoint.to_string();
    status.watched = watching_;
    if (watching_) status.server.monitor = one->watch.snapshot();
    status.problem = one->replica.alarm();
    out.push_back(std::move(status));
  }
  return out;
}

std::vector<std::string> ReplicaWatches::alarms() const {
  std::vector<std::string> out;
  for (const auto& one : all_) {
    if (!one->replica.alarm().empty()) out.push_back(one->replica.alarm());
  }
  return out;
}

}  // namespace agent::io
