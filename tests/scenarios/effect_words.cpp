// The effects of the rulebook as the lines of a scenario.
#include <chrono>

#include "hooks/notify.hpp"
#include "scenarios/words.hpp"

namespace scenarios {
namespace {

using agent::Duration;
using hooks::Target;

std::string target_word(Target target) {
  return target == Target::local ? "local" : "peer";
}

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) +
         "ms";
}

struct FormatWork {
  std::string operator()(const agent::PromoteWork& work) const {
    return std::string("promote") + (work.accept_data_loss ? " accept_data_loss" : "") +
           (work.drained ? " drained" : "") +
           (work.leader_offset ? " leader_offset=" + std::to_string(*work.leader_offset) : "");
  }
  std::string operator()(const agent::FollowWork& work) const {
    return "follow " + target_word(work.server) + " of " + work.master.to_string();
  }
  std::string operator()(const agent::FenceWork& work) const {
    return "fence " + target_word(work.server) +
           (work.pause ? " pause=" + milliseconds(*work.pause) : "");
  }
  std::string operator()(const agent::PauseWork& work) const {
    return "pause " + target_word(work.server) + " for " + milliseconds(work.length);
  }
  std::string operator()(const agent::UnfenceWork& work) const {
    return "unfence " + target_word(work.server);
  }
  std::string operator()(const agent::DrainWork& work) const {
    return "drain " + target_word(work.from) + " to " + target_word(work.to);
  }
  std::string operator()(const agent::FailoverWork& work) const {
    return "failover local to peer catch_up=" + milliseconds(work.catch_up) +
           " takeover=" + milliseconds(work.takeover);
  }
  std::string operator()(const agent::KillClientsWork& /*work*/) const { return "kill clients"; }
  std::string operator()(const agent::GuardWork& work) const {
    return "guard " + std::to_string(work.replicas) + " max_lag=" + milliseconds(work.max_lag);
  }
  std::string operator()(const agent::ReadOnlyWork& /*work*/) const { return "read only local"; }
  std::string operator()(const agent::DetachWork& work) const {
    return "detach " + target_word(work.server);
  }
};

struct FormatEffect {
  std::string operator()(const agent::StartWork& e) const {
    return "start " + std::visit(FormatWork{}, e.work) + " within " + milliseconds(e.budget);
  }
  std::string operator()(const agent::PostFence& /*e*/) const { return "post fence"; }
  std::string operator()(const agent::SaveAgain& /*e*/) const { return "save again"; }
  std::string operator()(const agent::SetEligibility& e) const {
    if (e.may_preempt && !e.may_lead) return "may preempt";
    return std::string(e.may_lead ? "may lead" : "may not lead") + (e.holds ? " and holds" : "");
  }
  std::string operator()(const agent::Persist& e) const {
    const agent::Record& r = e.record;
    return std::string("persist ") + (r.role == agent::RecordRole::leader ? "leader" : "standby") +
           " epoch=" + std::to_string(r.epoch) + (r.in_sync ? " in_sync" : "") +
           (r.has_data ? " has_data" : "") + " run=" + r.run_id +
           (r.superseded != 0 ? " superseded=" + std::to_string(r.superseded) : "") +
           (r.claimed != 0 ? " claimed=" + std::to_string(r.claimed) : "") +
           (r.behind ? " behind" : "") + (r.moved_away ? " moved_away" : "") +
           (r.takeovers.empty() ? "" : " takeovers=" + std::to_string(r.takeovers.size())) +
           (r.intent.empty() ? "" : " intent=" + r.intent) + (e.answer ? " and answer" : "");
  }
  std::string operator()(const agent::InstallVips& /*e*/) const { return "install VIPs"; }
  std::string operator()(const agent::ParkVips& /*e*/) const { return "park VIPs on lo"; }
  std::string operator()(const agent::WithdrawVips& /*e*/) const { return "withdraw VIPs"; }
  std::string operator()(const agent::Announce& /*e*/) const { return "announce"; }
  std::string operator()(const agent::ProbeVip& /*e*/) const { return "probe VIP"; }
  std::string operator()(const agent::ProbeGateway& /*e*/) const { return "probe gateway"; }
  std::string operator()(const agent::Preserve& e) const {
    std::string text = "preserve " + e.replid;
    if (e.lost) text += " " + std::to_string(e.lost->first) + ".." + std::to_string(e.lost->last);
    if (e.precaution) text += " as a precaution";
    return text + " because " + e.why;
  }
  std::string operator()(const agent::StopPreserving& /*e*/) const { return "stop preserving"; }
  std::string operator()(const agent::CallPeer& /*e*/) const { return "call the peer's agent"; }
  std::string operator()(const agent::AskForTheRole& /*e*/) const { return "ask for the role"; }
  std::string operator()(const agent::RefreshFacts& e) const {
    return "refresh " + target_word(e.server);
  }
  std::string operator()(const agent::Notify& e) const {
    return "notify " + std::string(hooks::to_word(e.state)) + (e.initial ? " initial" : "") + ": " +
           e.reason;
  }
  std::string operator()(const agent::Say& e) const {
    return std::string(e.weight == agent::Weight::info ? "say" : "warn") + ": " + e.text;
  }
  std::string operator()(const agent::FenceHost& /*e*/) const { return "ask the fence script"; }
  std::string operator()(const agent::AskScript& e) const {
    return "ask " + std::string(hooks::to_word(e.question)) + ", then " +
           std::string(hooks::to_word(e.next)) + ": " + e.reason;
  }
  std::string operator()(const agent::Moved& e) const { return "say: " + to_words(e); }
  std::string operator()(const agent::Stopped& /*e*/) const { return "stopped"; }
  std::string operator()(const agent::StartRecovery& /*e*/) const { return "start recovery"; }
  std::string operator()(const agent::AbandonRecovery& e) const {
    return "abandon recovery: " + e.why;
  }
};

}  // namespace

std::string format_effect(const agent::PairEffect& effect) {
  return std::visit(FormatEffect{}, effect);
}

}  // namespace scenarios
