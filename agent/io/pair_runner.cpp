// See pair_runner.hpp: inputs and the loop. What effects do is in pair_effects.cpp.
#include "agent/io/pair_runner.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/io/config_keys.hpp"
#include "agent/io/server_access.hpp"
#include "agent/peer_settings.hpp"
#include "vrrp/io/hmac.hpp"

namespace agent::io {

using hooks::Target;
using std::chrono::steady_clock;

namespace {

// Answers missed until the peer's server is no witness of its node any more: as many as VRRP
// forgives adverts. That it hangs is another verdict, with more patience.
constexpr int kWitnessMisses = 3;

// The second witness must be quicker than VRRP's own silence: the peer's server is asked at least
// once in each advert interval.
health::MonitorConfig peer_monitor(const PairConfig& config) {
  return health::asked_within(config.monitor, config.advert_interval);
}

// A server hangs between two questions, which is found out with the next: half as long between them
// is half the delay. Well again takes as long.
health::MonitorConfig local_monitor(const PairConfig& config) {
  const Duration half = config.monitor.ping_interval / 2;
  health::MonitorConfig often =
      health::asked_within(config.monitor, std::max<Duration>(config.advert_interval, half));
  often.rise *= static_cast<int>(config.monitor.ping_interval / often.ping_interval);
  return often;
}

PairRules pair_rules(const PairConfig& config) {
  PairRules rules;
  rules.candidacy.peer = {config.peer_server.host, config.peer_server.port};
  rules.candidacy.preempt = config.preempt;
  rules.candidacy.safe = config.safe;
  rules.candidacy.max_lag_time = config.max_lag_time;
  rules.candidacy.max_replica_age = config.max_replica_age;
  rules.candidacy.wait_for_peer = config.wait_for_peer;
  rules.candidacy.vip_lease = config.vip_lease;
  rules.candidacy.advert_interval = config.advert_interval;
  rules.candidacy.advert_patience = vrrp::master_down_interval(
      config.version, config.priority, config.advert_interval, config.down_adverts);
  rules.candidacy.witness_patience =
      std::min(config.monitor.fall, kWitnessMisses) * peer_monitor(config).ping_interval +
      std::chrono::milliseconds(5);
  rules.candidacy.word_patience =
      std::max<Duration>(rules.candidacy.witness_patience, 3 * peer_heartbeat(config));
  rules.name = config.name;
  rules.replicas = config.replicas;
  rules.replication = {config.replication_host, config.replication_port};
  rules.priority = config.priority.value;
  rules.failback = config.failback && !config.peer_agent_host.empty();
  rules.failback_delay = config.failback_delay;
  rules.promote_budget = config.promote_timeout;
  rules.handover_budget = config.handover_timeout;
  rules.rejoin_alone = config.rejoin_alone;
  rules.max_takeovers = config.max_takeovers;
  rules.hold_down = config.hold_down;
  rules.fence = !config.fence.command.empty();
  rules.veto = {.promotion = !config.notify.pre_promote.empty(),
                .demotion = !config.notify.pre_demote.empty(),
                .silence_is_veto = config.notify.silence_is_veto,
                .timeout = config.notify.pre_timeout};
  rules.recovery = {.possible = !config.recovery.start.empty(),
                    .automatic = config.recovery.automatic,
                    .delay = config.recovery.delay};
  if (const auto& gateway = config.tracking.gateway) {
    rules.isolation_patience = gateway->fall * gateway->interval;
  }
  return rules;
}

// A stall that the VIP's lease outlives, even when a renewal is left out: no agent of ours leads
// meanwhile unless the server is gone as well, so the role is not given away unheard.
vrrp::InstanceConfig router_config(const PairConfig& config) {
  return {.version = config.version,
          .vrid = config.vrid,
          .priority = config.priority,
          .advert_interval = config.advert_interval,
          .preempt = config.preempt,
          .preempt_delay = config.preempt_delay,
          .startup_hold = config.startup_hold,
          .down_adverts = config.down_adverts,
          .link_up_delay = config.link_up_delay,
          .listens_after = vrrp::Duration(config.vip_lease) / 4};
}

std::optional<vrrp::Authenticator> make_authenticator(const PairConfig& config) {
  if (config.auth.keys.empty()) return std::nullopt;
  return vrrp::Authenticator(config.auth, vrrp::io::hmac_sha256);
}

health::io::Credentials credentials(const ServerConfig& server) {
  return {server.user, server.password};
}

}  // namespace

PairRunner::PairRunner(boost::asio::any_io_executor executor, const PairConfig& config,
                       vrrp::io::Netlink& netlink, InterfaceHub& hub, RecordStore& records,
                       const boost::asio::any_io_executor& bulk_disk, PairStory story,
                       std::function<void()> stopped, const std::string& state_dir)
    : executor_(std::move(executor)),
      config_(config),
      netlink_(netlink),
      hub_(hub),
      records_(records),
      story_(std::move(story)),
      stopped_(std::move(stopped)),
      voices_(make_voices(config)),
      authenticator_(make_authenticator(config)),
      instance_(router_config(config)),
      pair_(pair_rules(config)),
      router_timer_(executor_,
                    [this](vrrp::TimePoint due) {
                      count_lateness(due);
                      feed(vrrp::InstanceInput(vrrp::DeadlineReached{}));
                    }),
      pair_timer_(executor_, [this](vrrp::TimePoint /*due*/) { feed(PairInput(TimePassed{})); }),
      local_(executor_, server_address(config.server), credentials(config.server),
             local_monitor(config), events_of(Target::local)),
      peer_(executor_, server_address(config.peer_server), credentials(config.peer_server),
            peer_monitor(config), events_of(Target::peer)),
      local_inspection_(local_, "the local server", config.server.user, true, inspection_log()),
      peer_inspection_(peer_, "the peer's server", config.peer_server.user, false,
                       inspection_log()),
      procedures_(executor_,
                  [this](Target target, const std::vector<std::string>& words,
                         hooks::io::ProcedureRunner::ReplyHandler handler) {
                    watch(target).command(words, std::move(handler));
                  }),
      notifier_(executor_, config.notify, hook_log()),
      veto_(executor_, config.notify, hook_log(),
            [this](hooks::HookResult result, std::optional<std::chrono::nanoseconds> took) {
              notifier_.count(result, took);
            }),
      preservation_(executor_, bulk_disk,
                    std::make_shared<hooks::io::DivergedStore>(records.directory() + "/diverged")),
      vips_(
          executor_, netlink, all_vips(config), config.vip_lease,
          {.still_ours = [this] { return still_leads(); },
           .repaired =
               [this](const vrrp::Prefix& vip) {
                 story_.warn(EventKind::address,
                             "VIP " + vip.to_string() + " was gone and is back");
                 announcer_.burst(announcements());
               },
           .problem = [this](const std::string& text) { story_.error(EventKind::address, text); }}),
      announcer_(
          executor_,
          {.count = config.announce_count,
           .repeat_after = config.announce_repeat,
           .refresh = config.announce_refresh},
          [this](const std::string& text) { story_.warn(EventKind::address, text); }, hub.frames()),
      recovery_(executor_, bulk_disk, recovery_settings(state_dir), recovery_events()),
      tracking_(executor_, config.name, config.tracking, config.priority, netlink, hub,
                track_events()),
      replicas_(executor_, config, replica_events()),
      fence_(executor_, config,
             [this](const std::string& text) { story_.info(EventKind::hook, text); }),
      since_wall_(std::chrono::system_clock::now()),
      self_(std::make_shared<PairRunner*>(this)) {
  story_.stands([this] {
    return Standing{std::string(to_string(pair_.state())), pair_.reason(), pair_.epoch()};
  });
  hub_.subscribe({.pair = config_.name,
                  .vrid = config_.vrid,
                  .voices = voices_,
                  .received = [this](const vrrp::Datagram& datagram) { received(datagram); },
                  .sources_changed =
                      [this](const InterfaceHub::Sources& sources) { sources_changed(sources); }});
}

void PairRunner::start(std::optional<hooks::NotifyState> told,
                       std::optional<hooks::io::FifoRest> fifo) {
  told_ = told;
  adopted_ = told.has_value();
  auto loaded = records_.load(config_.name);
  if (!loaded.problem.empty()) story_.error(EventKind::note, loaded.problem);
  notifier_.open_fifo(std::move(fifo));
  feed(PairInput(
      Begin{loaded.record, vips_.present() > 0, std::time(nullptr), told, loaded.problem}));
  if (recovery_.interrupted()) feed(PairInput(RecoveryRequested{}));
  tracking_.start();
  local_.watch_role();
  local_.start();
  peer_.start();
}

void PairRunner::stop() {
  feed(PairInput(StopRequested{}));
}

std::optional<std::string> PairRunner::promote() {
  const Sight& sight = pair_.sight();
  if (pair_.state() == PairState::leading) {
    if (!pair_.refuses_writes()) return "this node leads already";
    story_.warn(EventKind::request, "an operator opens the leader without a standby");
    feed(PairInput(PromoteRequested{}));
    return std::nullopt;
  }
  if (sight.leader_advertises) return "the other node leads; stop its agent to move the role";
  if (sight.peer_agent.said && sight.peer_agent.said->leads()) {
    return "the other node's agent says that it leads; stop it to move the role";
  }
  if (sight.local.health != health::Health::up) {
    return "the local server is " + std::string(health::to_string(sight.local.health));
  }
  if (const auto fault = pair_.tracked_fault()) {
    return *fault + "; mend that, or take it out of " + config_.name + "'s configuration";
  }
  story_.warn(EventKind::request, "promotion with accepted data loss was requested");
  feed(PairInput(PromoteRequested{}));
  return std::nullopt;
}

std::optional<std::string> PairRunner::rejoin(bool accept_data_loss) {
  const auto problems = pair_.rejoin_problems();
  if (!problems.empty()) return problems.front();
  std::string sentence = "an operator lets the local server follow the leader";
  if (accept_data_loss) sentence += ", without a copy of what only it holds";
  story_.warn(EventKind::request, sentence);
  feed(PairInput(RejoinRequested{accept_data_loss}));
  return std::nullopt;
}

void PairRunner::acknowledge() {
  story_.info(EventKind::request, "an operator acknowledges what happened");
  feed(PairInput(Acknowledged{}));
}

void PairRunner::reload_certificates() {
  replicas_.reload_certificates();
  for (const auto& [config, address] : {std::pair(&config_.server, &local_.address()),
                                        std::pair(&config_.peer_server, &peer_.address())}) {
    if (!config->tls) continue;
    const RenewedTls renewed = renew_tls(*config->tls, *address->tls);
    story_.tell(EventKind::request, renewed.good ? Severity::info : Severity::error,
                address->to_string() + ": " + renewed.what);
  }
}

void PairRunner::reload_auth_keys() {
  if (!authenticator_) return;
  auto keys = read_auth_key_file(config_.auth_key_file);
  if (const auto* refusal = std::get_if<Refusal>(&keys)) {
    story_.error(EventKind::request, "the keys in force stay: " + refusal->what);
    return;
  }
  config_.auth.keys = std::get<std::vector<vrrp::AuthKey>>(std::move(keys));
  authenticator_->replace_keys(config_.auth.keys);
  std::string sentence = std::to_string(config_.auth.keys.size()) + " key(s) read from ";
  sentence += config_.auth_key_file + "; key " + std::to_string(config_.auth.keys.front().id);
  story_.info(EventKind::request, sentence + " signs");
}

// ---- the loop ----------------------------------------------------------------------------------

void PairRunner::feed(Input input) {
  queue_.push_back(std::move(input));
  if (draining_) return;  // the effect that caused it is performed first
  draining_ = true;
  drain();
  draining_ = false;
  if (std::exchange(to_be_told_, false)) {  // most packets only put a timer off
    tell_peer();
    tell_who_asked();
    count_switchovers();
  }
  arm();
}

void PairRunner::drain() {
  while (!queue_.empty() && !ended_) {
    const Input input = std::move(queue_.front());
    queue_.pop_front();
    std::visit([&](const auto& one) { take(one); }, input);
  }
}

void PairRunner::take(const vrrp::InstanceInput& input) {
  if (std::holds_alternative<vrrp::PriorityChanged>(input)) to_be_told_ = true;
  for (const auto& effect : instance_.step(steady_clock::now(), input)) {
    std::visit(
        [&](const auto& one) {
          using Effect = std::decay_t<decltype(one)>;
          if constexpr (std::is_same_v<Effect, vrrp::SendAdvert>) {
            perform(one);
          } else {
            queue_.emplace_back(PairInput(RouterChanged{one}));
          }
        },
        effect);
  }
}

void PairRunner::take(const PairInput& input) {
  to_be_told_ = true;
  if (const auto* router = std::get_if<RouterChanged>(&input)) mark_router(*router);
  for (const auto& effect : pair_.step(steady_clock::now(), input)) {
    std::visit([&](const auto& one) { perform(one); }, effect);
  }
  tell_replicas(std::holds_alternative<FactsSeen>(input));
}

// Why the router became Master: the leader's last word, or that none came any more.
void PairRunner::mark_router(const RouterChanged& router) {
  if (!std::holds_alternative<vrrp::BecameMaster>(router.what)) return;
  if (heard_) story_.mark(heard_->resigned ? "priority 0 heard" : "last advert", heard_->at);
  story_.mark("router Master");
}

bool PairRunner::under_way() const {
  const PairState state = pair_.state();
  return state == PairState::promoting || state == PairState::leaving;
}

void PairRunner::arm() {
  if (ended_) return;
  router_timer_.wait_until(instance_.next_deadline());
  pair_timer_.wait_until(pair_.next_deadline());
}

// ---- the two servers ---------------------------------------------------------------------------

health::io::WatchEvents PairRunner::events_of(Target server) {
  return {.health_changed =
              [this, server](const health::HealthChanged& changed) {
                server_changed(server, changed);
                if (server == Target::local) local_server_seen();
                feed(PairInput(HealthSeen{server, changed.health, changed.detail}));
              },
          .facts_read =
              [this, server](const health::FactsRead& read) {
                const bool local = server == Target::local;
                (local ? local_inspection_ : peer_inspection_).facts_read(read.restarted);
                if (local) local_server_seen();
                if (local) ask_settings();
                feed(PairInput(FactsSeen{server, watch(server).snapshot().facts, read.restarted}));
              },
          .answered =
              [this, server](vrrp::TimePoint) {
                if (server == Target::peer) feed(PairInput(PeerAnswered{}));
              }};
}

void PairRunner::server_changed(Target server, const health::HealthChanged& changed) {
  const bool local = server == Target::local;
  std::string sentence = local ? "the local server is " : "the peer's server is ";
  sentence += health::to_string(changed.health);
  if (!changed.detail.empty()) sentence += ": " + changed.detail;
  story_.info(EventKind::server, sentence);
  if (changed.health == health::Health::up) return;
  std::string mark = local ? "server " : "peer's server ";
  mark += health::to_string(changed.health);
  story_.mark(mark);
}

TrackEvents PairRunner::track_events() {
  return {.seen = [this](const TrackingSeen& seen) { feed(PairInput(seen)); },
          .gateway_answered = [this] { feed(PairInput(GatewayAnswered{})); },
          .priority_moved =
              [this](vrrp::Priority priority) {
                feed(vrrp::InstanceInput(vrrp::PriorityChanged{priority}));
              },
          .log =
              [this](TrackSeverity severity, const std::string& text) {
                if (severity == TrackSeverity::debug) return story_.detail(text);
                const bool warning = severity == TrackSeverity::warning;
                story_.tell(EventKind::note, warning ? Severity::warning : Severity::info, text);
              }};
}

health::io::RedisWatch& PairRunner::watch(Target server) {
  return server == Target::local ? local_ : peer_;
}

std::uint16_t PairRunner::server_port() const {
  return config_.server.port != 0 ? config_.server.port : config_.replication_port;
}

std::vector<vrrp::io::Announcement> PairRunner::announcements() const {
  std::vector<vrrp::io::Announcement> out;
  for (const auto& vip : all_vips(config_)) {
    const auto link = netlink_.link(vip.interface);
    if (link && link->up) out.push_back({*link, vip.prefix.address});
  }
  return out;
}

}  // namespace agent::io
