// What the effects of a simulated agent do: work on servers, records on a disk, addresses with a
// lease, adverts. See model_agent.hpp.
#include <utility>

#include "hooks/role_change.hpp"
#include "tests/sim/model_agent.hpp"

namespace sim {

using namespace std::chrono_literals;
using hooks::Target;

namespace {

constexpr int kRenewalsPerLease = 4;
constexpr auto kProbePatience = 300ms;
constexpr std::int64_t kMaxLag = 16LL * 1024 * 1024;

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

void Agent::send_advert(vrrp::Priority priority) {
  if (!world.network.open(Path::vrrp, index)) return;
  if (world.clock.chance(world.network.vrrp_loss)) return;
  world.clock.after(100us + world.clock.up_to(200us), [this, priority] {
    if (!world.network.open(Path::vrrp, index)) return;
    other().advert(address_of(index), priority, settings.advert_interval);
  });
}

// ---- work --------------------------------------------------------------------------------------

std::unique_ptr<hooks::Procedure> Agent::procedure_of(const agent::Work& work) {
  return std::visit(
      Overloaded{
          [this](const agent::PromoteWork& promote) {
            hooks::PromotionRules how;
            how.accept_data_loss = operators_word = promote.accept_data_loss;
            how.leader_offset = promote.leader_offset;
            if (promote.drained) how.drain_budget = {};
            how.max_lag = kMaxLag;
            return hooks::make_promotion(how);
          },
          [](const agent::FollowWork& follow) {
            return hooks::make_follow(follow.server, follow.master);
          },
          [](const agent::FenceWork& fence) {
            return hooks::make_fence(fence.server, fence.pause);
          },
          [](const agent::PauseWork& pause) {
            return hooks::make_pause(pause.server, pause.length);
          },
          [](const agent::UnfenceWork& unfence) { return hooks::make_unfence(unfence.server); },
          [](const agent::DrainWork& drain) { return hooks::make_drain(drain.from, drain.to); },
          [](const agent::GuardWork& guard) {
            return hooks::make_guard(Target::local, guard.replicas, guard.max_lag);
          },
          [this](const agent::FailoverWork& failover) {
            return hooks::make_failover(
                {endpoint_of(1 - index), failover.catch_up, failover.takeover});
          },
          [](const agent::ReadOnlyWork& /*work*/) { return hooks::make_read_only(Target::local); },
          [](const agent::DetachWork& detach) { return hooks::make_detach(detach.server); },
          [](const agent::KillClientsWork& /*kill*/) {
            return hooks::make_kill_clients({"10.0.0.100"}, 6379);
          },
      },
      work);
}

void Agent::perform(const agent::StartWork& effect) {
  procedure_ = procedure_of(effect.work);
  work_ = effect.id;
  awaited_ = 0;
  world.clock.say(name() + " begins to " + std::string(procedure_->name()));
  later(0us, [this, id = effect.id] {
    if (procedure_ && work_ == id && awaited_ == 0) go_on(procedure_->begin(local()));
  });
  later(effect.budget, [this, id = effect.id] {
    if (procedure_ && work_ == id) work_ended(false, "it did not end within its budget");
  });
}

void Agent::go_on(hooks::Step step) {
  const auto awaits = ++work_step_;
  awaited_ = awaits;
  if (const auto* command = std::get_if<hooks::Command>(&step)) {
    watch_of(command->target)
        .connection->send(command->words, [this, awaits](const health::Reply* reply) {
          resume_work(awaits, reply);
        });
  } else if (const auto* commands = std::get_if<hooks::Commands>(&step)) {
    ask_all(awaits, commands->all);
  } else if (const auto* wait = std::get_if<hooks::Pause>(&step)) {
    later(wait->duration, [this, awaits] { resume_work(awaits, nullptr); });
  } else if (const auto* failed = std::get_if<hooks::Failed>(&step)) {
    work_ended(false, failed->why);
  } else {
    work_ended(true, {});
  }
}

void Agent::ask_all(std::uint64_t step, const std::vector<hooks::Command>& commands) {
  const auto replies = std::make_shared<hooks::Replies>(commands.size());
  const auto missing = std::make_shared<std::size_t>(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    watch_of(commands[i].target)
        .connection->send(commands[i].words,
                          [this, step, replies, missing, i](const health::Reply* reply) {
                            if (reply != nullptr) replies->at(i) = *reply;
                            if (--*missing > 0 || !procedure_ || awaited_ != step) return;
                            go_on(procedure_->next_all(local(), *replies));
                          });
  }
}

void Agent::resume_work(std::uint64_t step, const health::Reply* reply) {
  if (!procedure_ || awaited_ != step) return;
  go_on(procedure_->next(local(), reply));
}

void Agent::work_ended(bool done, const std::string& why) {
  procedure_.reset();
  if (!done) world.clock.say(name() + ": failed, " + why);
  later(0us, [this, id = work_, done, why] {
    if (!procedure_ && work_ == id) feed(agent::PairInput(agent::WorkDone{id, done, why}));
  });
}

// A copy of what the local server holds, which takes its time and a disk.
void Agent::perform(const agent::Preserve& effect) {
  preserving_ = effect.id;
  world.clock.say(name() + " keeps a copy: " + effect.why);
  later(world.clock.between(5ms, 200ms), [this, id = effect.id, run = servers_.at(index)->life] {
    if (preserving_ != id) return;
    const bool kept = !host().disk_full && servers_.at(index)->life == run;
    if (kept) world.preserved(index);
    copy_failed = copy_failed || !kept;
    feed(agent::PairInput(
        agent::Preserved{id, kept ? "" : "the copy failed", "diverged/1", false, {}}));
  });
}

void Agent::perform(const agent::StopPreserving& /*effect*/) {
  preserving_ = 0;
}

void Agent::perform(const agent::PostFence& /*effect*/) {
  watch_of(Target::local)
      .connection->send(
          {"CONFIG", "SET", "min-replicas-to-write", std::to_string(hooks::kFenceReplicas)},
          [](const health::Reply*) {});
}

void Agent::perform(const agent::RefreshFacts& effect) {
  obey(effect.server, watch_of(effect.server).monitor->refresh(local()));
}

// ---- the record --------------------------------------------------------------------------------

void Agent::perform(const agent::Persist& effect) {
  to_write_.push_back(effect);
  if (!writing_) write_next_record();
}

// One file after the other, each whole on disk or not at all.
void Agent::write_next_record() {
  writing_ = !to_write_.empty();
  if (!writing_) return;
  const agent::Persist next = std::move(to_write_.front());
  to_write_.pop_front();
  world.clock.after(host().disk_delay, [this, run = life, next] {
    if (run != life) return;  // the process died in the middle
    const bool full = host().disk_full;
    if (!full) host().record = next.record;
    write_next_record();
    if (!next.answer && !full) return;
    deliver([this, full] { feed(agent::PairInput(agent::Persisted{full ? "disk full" : ""})); });
  });
}

// ---- addresses ---------------------------------------------------------------------------------

void Agent::perform(const agent::SetEligibility& effect) {
  queue_.emplace_back(vrrp::InstanceInput(
      vrrp::EligibilityChanged{effect.may_lead, effect.may_preempt, effect.holds}));
}

void Agent::perform(const agent::InstallVips& /*effect*/) {
  world.clock.say(name() + " takes the VIP");
  world.taken(index);
  host().vip = wants_vip_ = true;
  host().vip_until = world.clock.now() + settings.vip_lease;
  renew_vip(++renewals_);
  queue_.emplace_back(agent::PairInput(agent::VipsInstalled{true}));
}

void Agent::renew_vip(std::uint64_t run) {
  later(settings.vip_lease / kRenewalsPerLease, [this, run] {
    if (run != renewals_ || !wants_vip_) return;
    // After a stall the router is asked before anything that only a leader may do.
    feed(vrrp::InstanceInput(vrrp::DeadlineReached{}));
    const auto router = instance->snapshot();
    if (router.state == vrrp::State::master && !router.listens && wants_vip_) {
      host().vip = true;
      host().vip_until = world.clock.now() + settings.vip_lease;
    }
    if (run == renewals_) renew_vip(run);
  });
}

void Agent::perform(const agent::ParkVips& /*effect*/) {
  host().vip = wants_vip_ = false;
  ++renewals_;
}

void Agent::perform(const agent::WithdrawVips& /*effect*/) {
  if (host().vip) world.clock.say(name() + " takes the VIP off");
  host().vip = wants_vip_ = false;
  ++renewals_;
}

void Agent::perform(const agent::Announce& /*effect*/) {
  world.announced(index);
}

void Agent::perform(const agent::ProbeVip& /*effect*/) {
  const bool held = world.anybody_holds_the_vip(index);
  later(held ? Duration(500us) : Duration(kProbePatience),
        [this, held] { feed(agent::PairInput(agent::VipProbed{held})); });
}

void Agent::perform(const agent::ProbeGateway& /*effect*/) {}

// Servers are started by their supervisor.
void Agent::perform(const agent::StartRecovery& /*effect*/) {
  later(1ms, [this] {
    feed(agent::PairInput(
        agent::RecoveryEnded{hooks::RecoveryOutcome::abandoned, "the supervisor starts it"}));
  });
}

void Agent::perform(const agent::AbandonRecovery& /*effect*/) {}

void Agent::perform(const agent::FenceHost& /*effect*/) {}

void Agent::perform(const agent::AskScript& /*effect*/) {}

// ---- words -------------------------------------------------------------------------------------

void Agent::perform(const agent::Notify& /*effect*/) {}

void Agent::perform(const agent::Say& effect) {
  if (world.clock.traced()) world.clock.say(name() + ": " + effect.text);
}

void Agent::perform(const agent::Moved& effect) {
  if (world.clock.traced()) world.clock.say(name() + ": " + to_words(effect));
  world.moved(index, effect);
}

void Agent::perform(const agent::Stopped& /*effect*/) {
  crash();
}

}  // namespace sim
