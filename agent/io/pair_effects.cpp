// What the effects of the two machines do in the world, and what `status` shows of it.
#include <boost/asio/post.hpp>

#include "agent/io/pair_runner.hpp"
#include "agent/io/vip_probe.hpp"
#include "agent/io/wall_clock.hpp"
#include "hooks/role_change.hpp"

namespace agent::io {

using hooks::Target;
using std::chrono::steady_clock;

namespace {

constexpr auto kVipProbePatience = std::chrono::milliseconds(300);

// Where the servers most likely listen: IPv4 first, and never an address that needs its link named.
const vrrp::IpAddress& probed_vip(const PairConfig& config) {
  const vrrp::IpAddress* best = &config.vips.front().prefix.address;
  for (const auto& vip : config.vips) {
    const vrrp::IpAddress& address = vip.prefix.address;
    if (address.family() == vrrp::Family::ipv4) return address;
    if (best->is_link_local()) best = &address;
  }
  return *best;
}

// Bytes that `replica` is behind `master`, when both are of one lineage.
std::int64_t lag_between(const health::ServerFacts& master, const health::ServerFacts& replica) {
  const bool comparable = master.role == health::Role::master &&
                          replica.role == health::Role::replica && !master.replid.empty() &&
                          master.replid == replica.replid;
  if (!comparable) return -1;
  return std::max<std::int64_t>(0, master.offset - replica.offset);
}

// What has been reached when the work is done, as the path of a transition names it.
std::string_view done_word(const Work& work) {
  struct Words {
    std::string_view operator()(const PromoteWork&) const { return "promoted"; }
    std::string_view operator()(const FollowWork&) const { return "follows"; }
    std::string_view operator()(const FenceWork&) const { return "fenced"; }
    std::string_view operator()(const PauseWork&) const { return "writes held"; }
    std::string_view operator()(const UnfenceWork&) const { return "unfenced"; }
    std::string_view operator()(const DrainWork&) const { return "drained"; }
    std::string_view operator()(const KillClientsWork&) const { return "clients closed"; }
    std::string_view operator()(const DetachWork&) const { return "detached"; }
    std::string_view operator()(const GuardWork&) const { return "guarded"; }
    std::string_view operator()(const FailoverWork&) const { return "FAILOVER done"; }
    std::string_view operator()(const ReadOnlyWork&) const { return "read only"; }
  };
  return std::visit(Words{}, work);
}

EventKind kind_of(Topic topic) {
  switch (topic) {
    case Topic::note: return EventKind::note;
    case Topic::alarm: return EventKind::alarm;
    case Topic::recovery: return EventKind::recovery;
  }
  return EventKind::note;
}

}  // namespace

void PairRunner::perform(const vrrp::SendAdvert& effect) {
  send_advert(effect.priority);
  if (effect.priority != vrrp::kPriorityResign) return;
  story_.mark("resigned");
  tell_peer();  // it waits for this word, and not for the effects behind it
}

void PairRunner::perform(const StartWork& effect) {
  procedures_.run(make_procedure(effect.work), effect.budget,
                  [this, id = effect.id,
                   done = done_word(effect.work)](const hooks::io::ProcedureResult& result) {
                    if (result.done && under_way()) story_.mark(done);
                    feed(PairInput(WorkDone{id, result.done, result.why}));
                  });
}

std::unique_ptr<hooks::Procedure> PairRunner::make_procedure(const Work& work) const {
  struct Maker {
    const PairConfig& config;
    std::vector<std::string> vips;
    std::uint16_t port;
    std::unique_ptr<hooks::Procedure> operator()(const PromoteWork& promote) const {
      hooks::PromotionRules rules;
      rules.accept_data_loss = promote.accept_data_loss;
      rules.leader_offset = promote.leader_offset;
      if (promote.drained) rules.drain_budget = {};
      rules.max_lag = static_cast<std::int64_t>(config.max_lag_bytes);
      return hooks::make_promotion(rules);
    }
    std::unique_ptr<hooks::Procedure> operator()(const FollowWork& follow) const {
      return hooks::make_follow(follow.server, follow.master);
    }
    std::unique_ptr<hooks::Procedure> operator()(const FenceWork& fence) const {
      return hooks::make_fence(fence.server, fence.pause);
    }
    std::unique_ptr<hooks::Procedure> operator()(const PauseWork& pause) const {
      return hooks::make_pause(pause.server, pause.length);
    }
    std::unique_ptr<hooks::Procedure> operator()(const UnfenceWork& unfence) const {
      return hooks::make_unfence(unfence.server);
    }
    std::unique_ptr<hooks::Procedure> operator()(const DrainWork& drain) const {
      return hooks::make_drain(drain.from, drain.to);
    }
    std::unique_ptr<hooks::Procedure> operator()(const GuardWork& guard) const {
      return hooks::make_guard(Target::local, guard.replicas, guard.max_lag);
    }
    std::unique_ptr<hooks::Procedure> operator()(const ReadOnlyWork& /*work*/) const {
      return hooks::make_read_only(Target::local);
    }
    std::unique_ptr<hooks::Procedure> operator()(const DetachWork& detach) const {
      return hooks::make_detach(detach.server);
    }
    std::unique_ptr<hooks::Procedure> operator()(const FailoverWork& failover) const {
      return hooks::make_failover({{config.peer_server.host, config.peer_server.port},
                                   failover.catch_up,
                                   failover.takeover});
    }
    std::unique_ptr<hooks::Procedure> operator()(const KillClientsWork& /*kill*/) const {
      return hooks::make_kill_clients(vips, port);
    }
  };
  std::vector<std::string> vips;
  for (const auto& vip : all_vips(config_)) vips.push_back(vip.prefix.address.to_string());
  return std::visit(Maker{config_, std::move(vips), server_port()}, work);
}

void PairRunner::perform(const PostFence& /*effect*/) {
  local_.command({"CONFIG", "SET", "min-replicas-to-write", std::to_string(hooks::kFenceReplicas)},
                 [](const health::Reply*) {});
}

void PairRunner::perform(const SaveAgain& /*effect*/) {
  local_.command({"BGSAVE"}, [](const health::Reply*) {});
}

// The router answers at once: priority 0 is on the wire before the effects that follow touch the
// VIPs, and the other node need not wait for them.
void PairRunner::perform(const SetEligibility& effect) {
  take(vrrp::InstanceInput(
      vrrp::EligibilityChanged{effect.may_lead, effect.may_preempt, effect.holds}));
}

void PairRunner::perform(const Persist& effect) {
  records_.save(config_.name, effect.record,
                [weak = std::weak_ptr(self_), answer = effect.answer](const std::string& problem) {
                  const auto self = weak.lock();
                  if (self) (*self)->counters_.record_problem = !problem.empty();
                  if (self && (answer || !problem.empty())) {
                    if ((*self)->under_way()) (*self)->story_.mark("record");
                    (*self)->feed(PairInput(Persisted{problem}));
                  }
                });
}

void PairRunner::perform(const InstallVips& /*effect*/) {
  queue_.emplace_back(PairInput(VipsInstalled{vips_.install()}));
  story_.mark("VIP");
}

void PairRunner::perform(const ParkVips& /*effect*/) {
  announcer_.stop();
  vips_.park_on_loopback();
  story_.mark("VIP on lo");
}

void PairRunner::perform(const WithdrawVips& /*effect*/) {
  announcer_.stop();
  vips_.withdraw();
  story_.mark("VIP gone");
}

void PairRunner::perform(const Announce& /*effect*/) {
  announcer_.start(announcements());
  story_.mark("announced");
  tell_peer();  // likewise: whoever gave the role away sends its clients here
}

void PairRunner::perform(const ProbeVip& /*effect*/) {
  probe_vip(executor_, probed_vip(config_), server_port(), kVipProbePatience,
            [weak = std::weak_ptr(self_)](bool held) {
              if (const auto self = weak.lock()) (*self)->feed(PairInput(VipProbed{held}));
            });
}

void PairRunner::perform(const ProbeGateway& /*effect*/) {
  tracking_.probe_gateway();
}

void PairRunner::perform(const Preserve& effect) {
  hooks::io::PreserveRequest request;
  request.pair = config_.name;
  request.epoch = effect.epoch;
  request.why = effect.why;
  request.server = local_.address();
  request.user = config_.server.user;
  request.password = config_.server.password;
  request.replid = effect.replid;
  request.lost = effect.lost;
  request.commands_missing = effect.commands_missing;
  request.keys = effect.keys;
  request.precaution = effect.precaution;
  request.keep = config_.keep_diverged;
  preservation_.run(std::move(request), {}, [this, id = effect.id](const auto& kept) {
    for (const std::string& path : kept.pruned.removed) {
      story_.info(EventKind::recovery, "the old copy " + path + " is removed (keep_diverged)");
    }
    for (const std::string& problem : kept.pruned.problems) {
      story_.warn(EventKind::recovery, "an old copy stays: " + problem);
    }
    if (kept.problem.empty() && !kept.path.empty() && !kept.nothing_lost) {
      ++counters_.diverged_copies;
      counters_.diverged_at = std::chrono::system_clock::now();
    }
    Preserved preserved{id, kept.problem, kept.path, kept.nothing_lost, {}};
    if (kept.about.commands) preserved.commands = kept.about.commands->commands;
    feed(PairInput(std::move(preserved)));
  });
}

void PairRunner::perform(const StopPreserving& /*effect*/) {
  preservation_.cancel();
}

void PairRunner::perform(const RefreshFacts& effect) {
  watch(effect.server).refresh();
}

void PairRunner::perform(const CallPeer& /*effect*/) {
  if (links_ != nullptr) links_->call(config_.name);
}

void PairRunner::perform(const Say& effect) {
  story_.tell(kind_of(effect.topic),
              effect.weight == Weight::info ? Severity::info : Severity::warning, effect.text);
}

void PairRunner::perform(const Moved& effect) {
  story_.moved(effect, pair_.epoch());
}

void PairRunner::perform(const Stopped& /*effect*/) {
  end();
}

void PairRunner::yield() {
  story_.info(EventKind::request, "the pair is left to a successor that adopts it");
  if (under_way()) story_.warn(EventKind::note, "its transition is left to what comes after it");
  // Until the successor has listened for as long as a leader may be silent, and a little more.
  const auto silence = config_.down_adverts * config_.advert_interval;
  const auto lease = config_.vip_lease + std::chrono::ceil<std::chrono::seconds>(2 * silence);
  vips_.leave_for(lease);
  back_in_ = lease;
  if (links_ != nullptr) links_->say(config_.name);
  end();
}

void PairRunner::end() {
  ended_ = true;
  tell_who_asked();
  router_timer_.cancel();
  pair_timer_.cancel();
  procedures_.cancel();
  preservation_.cancel();
  tracking_.stop();
  leave_recovery();
  replicas_.stop();
  announcer_.stop();
  local_.stop();
  peer_.stop();
  notifier_.when_idle(stopped_);
}

void PairRunner::on_address_added(const vrrp::io::AddressFact& address) {
  const PairState state = pair_.state();
  if (state != PairState::standby && state != PairState::fault) return;
  // Not all_vips(): each pair of this host hears of each address, and copying its list each time is
  // what hundreds of them would feel.
  for (const auto* list : {&config_.vips, &config_.vips_excluded}) {
    for (const auto& vip : *list) {
      // Asked anew: the event may be an echo of what this agent has taken away since.
      if (vip.prefix.address != address.prefix.address || !vips_.is_present(vip)) continue;
      story_.warn(EventKind::address, "somebody put VIP " + vip.prefix.to_string() +
                                          " on this host, which does not lead: removed");
      vips_.withdraw();
    }
  }
}

PairStatus PairRunner::status() const {
  const auto now = steady_clock::now();
  PairStatus out;
  out.name = config_.name;
  out.pair = pair_.snapshot();
  out.for_seconds = std::chrono::duration<double>(now - out.pair.since).count();
  out.since = wall_clock(since_wall_);
  out.failback = config_.failback;
  if (const auto& due = out.pair.failback.due) {
    out.failback_in_seconds = std::max(0.0, std::chrono::duration<double>(*due - now).count());
  }
  if (const auto due = pair_.maintenance_due()) {
    out.maintenance_seconds_left = std::chrono::duration<double>(*due - now).count();
  }
  out.interface = config_.interface;
  for (std::string& alarm : wire_alarms()) out.pair.alarms.push_back(std::move(alarm));
  for (const ServerInspection* found : {&local_inspection_, &peer_inspection_}) {
    out.pair.alarms.insert(out.pair.alarms.end(), found->alarms().begin(), found->alarms().end());
  }
  for (std::string& alarm : replicas_.alarms()) out.pair.alarms.push_back(std::move(alarm));
  out.router_config = instance_.config();
  out.configured_priority = config_.priority;
  out.router = instance_.snapshot();
  for (const Voice& voice : voices_) {
    out.sources.emplace_back(voice.family, voice.source ? voice.source->to_string() : "");
  }
  for (const vrrp::AuthKey& key : config_.auth.keys) out.auth_keys.push_back(key.id);
  out.received = received_;
  out.received.refused.at(static_cast<std::size_t>(vrrp::Refusal::vrid)) = hub_.foreign();
  out.sent = adverts_sent_;
  const auto add_vip = [&](const vrrp::VirtualAddress& vip, bool is_advertised) {
    out.vips.push_back(
        {vip.prefix.to_string(), vip.interface, is_advertised, vips_.is_present(vip)});
  };
  for (const auto& vip : config_.vips) add_vip(vip, true);
  for (const auto& vip : config_.vips_excluded) add_vip(vip, false);
  out.vip_repairs = vips_.repairs();
  out.priority = tracking_.priority();
  for (auto& seen : tracking_.status()) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - seen.since);
    out.trackers.push_back({std::move(seen), wall_clock(std::chrono::system_clock::now() - age)});
  }
  out.server = {local_.address().to_string(), local_.snapshot(), -1};
  out.peer = {peer_.address().to_string(), peer_.snapshot(), -1};
  out.replicas = replicas_.status();
  for (ReplicaStatus& replica : out.replicas) {
    replica.server.lag_bytes = lag_between(out.server.monitor.facts, replica.server.monitor.facts);
  }
  if (!config_.recovery.start.empty()) out.recovery = recovery_.status();
  if (links_ != nullptr) out.peer_link = links_->status(config_.name);
  out.counters = counters_;
  out.counters.story = story_.counters();
  out.counters.hooks = notifier_.counters();
  out.server.lag_bytes = lag_between(out.peer.monitor.facts, out.server.monitor.facts);
  out.peer.lag_bytes = lag_between(out.server.monitor.facts, out.peer.monitor.facts);
  return out;
}

}  // namespace agent::io
