// See tracking.hpp.
#include "agent/tracking.hpp"

#include <algorithm>
#include <cstdlib>

namespace agent {
namespace {

constexpr int kLowest = 1;     // 0 says that a leader resigns
constexpr int kHighest = 254;  // 255 is the address owner's
constexpr std::int64_t kLargestShift = 254;
// A script that is over its time is killed within two seconds more.
constexpr Duration kKillPatience = std::chrono::seconds(3);
constexpr Duration kReadPatience = std::chrono::seconds(5);

// One sentence about a tracker that is bad, as log, status and hooks say it.
std::string fault_of(const TrackerSnapshot& tracker) {
  switch (tracker.kind) {
    case TrackKind::script: return "track_script " + tracker.name + " failed: " + tracker.detail;
    case TrackKind::file: return "track_file " + tracker.name + " " + tracker.detail;
    case TrackKind::interface: return "interface " + tracker.name + " " + tracker.detail;
    case TrackKind::gateway: break;
  }
  return "track_gateway " + tracker.name + " does not answer";
}

std::string weight_advice(int weight, vrrp::Priority priority, bool preempt) {
  if (weight == 0) return {};
  if (!preempt) {
    return "moves no role: roles are sticky, whatever the priority; write weight = 0 to make a "
           "failure resign";
  }
  const int shifted = priority.value + weight;
  if (shifted >= kLowest && shifted <= kHighest) return {};
  return "and priority " + std::to_string(priority.value) + " make " + std::to_string(shifted) +
         ", which is cut to " + std::to_string(std::clamp(shifted, kLowest, kHighest)) +
         "; allowed are 1 to 254";
}

}  // namespace

std::vector<WeightAdvice> judge_weights(const TrackingConfig& config, vrrp::Priority priority,
                                        bool preempt) {
  std::vector<WeightAdvice> out;
  const auto judge = [&](WeightAdvice::Of of, std::size_t index, int weight) {
    std::string what = weight_advice(weight, priority, preempt);
    if (!what.empty()) out.push_back({of, index, std::move(what)});
  };
  for (std::size_t i = 0; i < config.scripts.size(); ++i) {
    judge(WeightAdvice::Of::script, i, config.scripts[i].weight);
  }
  for (std::size_t i = 0; i < config.files.size(); ++i) {
    judge(WeightAdvice::Of::file, i, config.files[i].weight);
  }
  return out;
}

std::string_view to_string(TrackKind kind) {
  switch (kind) {
    case TrackKind::script: return "script";
    case TrackKind::file: return "file";
    case TrackKind::interface: return "interface";
    case TrackKind::gateway: return "gateway";
  }
  return "unknown";
}

std::string_view to_string(TrackState state) {
  switch (state) {
    case TrackState::unknown: return "unknown";
    case TrackState::good: return "good";
    case TrackState::bad: return "bad";
  }
  return "unknown";
}

Tracking::Tracking(const TrackingConfig& config, vrrp::Priority priority)
    : base_(priority), priority_(priority) {
  for (const TrackScriptConfig& script : config.scripts) {
    Tracker tracker;
    tracker.seen = {.kind = TrackKind::script, .name = script.name, .weight = script.weight};
    tracker.rise = script.rise;
    tracker.fall = script.fall;
    tracker.patience = script.timeout + kKillPatience;
    scripts_.push_back(std::move(tracker));
  }
  for (const TrackFileConfig& file : config.files) {
    Tracker tracker;
    tracker.seen = {.kind = TrackKind::file, .name = file.name, .weight = file.weight};
    tracker.patience = kReadPatience;
    files_.push_back(std::move(tracker));
  }
  for (const std::string& interface : config.interfaces) {
    Tracker tracker;
    tracker.seen = {.kind = TrackKind::interface, .name = interface};
    interfaces_.push_back(std::move(tracker));
  }
  if (!config.gateway) return;
  Tracker tracker;
  tracker.seen = {.kind = TrackKind::gateway, .name = config.gateway->address.to_string()};
  tracker.rise = config.gateway->rise;
  tracker.fall = config.gateway->fall;
  gateway_ = std::move(tracker);
}

TrackingEffects Tracking::step(TimePoint now, const TrackingInput& input) {
  std::visit([&](const auto& one) { on(now, one); }, input);
  tell();
  return std::exchange(effects_, {});
}

std::optional<TimePoint> Tracking::next_deadline() const {
  std::optional<TimePoint> next;
  if (!begun_) return next;
  for (const auto* list : {&scripts_, &files_}) {
    for (const Tracker& tracker : *list) {
      if (!must_report(tracker)) continue;
      const TimePoint then = *begun_ + tracker.patience;
      if (!next || then < *next) next = then;
    }
  }
  return next;
}

std::vector<TrackerSnapshot> Tracking::snapshot() const {
  std::vector<TrackerSnapshot> out;
  for (const auto* list : {&scripts_, &files_, &interfaces_}) {
    for (const Tracker& tracker : *list) out.push_back(tracker.seen);
  }
  if (gateway_) out.push_back(gateway_->seen);
  return out;
}

void Tracking::on(TimePoint now, const TrackingBegun& /*begun*/) {
  begun_ = now;
  for (auto* list : {&scripts_, &files_, &interfaces_}) {
    for (Tracker& tracker : *list) {
      if (tracker.seen.state == TrackState::unknown) tracker.seen.since = now;
    }
  }
  if (gateway_) gateway_->seen.since = now;
}

void Tracking::on(TimePoint now, const ScriptEnded& ended) {
  Tracker& script = scripts_.at(ended.script);
  if (std::exchange(script.said, false)) {
    effects_.emplace_back(
        TrackingSaid{false, "track_script " + script.seen.name + " is run again"});
  }
  observe(now, script, ended.good, ended.detail);
}

// A host that cannot fork says nothing about its server, and the other host may be no better off.
void Tracking::on(TimePoint /*now*/, const ScriptNotRun& missed) {
  Tracker& script = scripts_.at(missed.script);
  const bool known = script.seen.state != TrackState::unknown;
  const std::string kept = known ? "its last result counts" : "it has no result yet";
  // The words of a failure stay: they are the reason of a fault that goes on.
  if (script.seen.state != TrackState::bad) script.seen.detail = missed.why + "; " + kept;
  if (std::exchange(script.said, true)) return;
  effects_.emplace_back(TrackingSaid{
      true, "track_script " + script.seen.name + " cannot be run: " + missed.why + "; " + kept});
}

void Tracking::on(TimePoint now, const FileRead& read) {
  Tracker& file = files_.at(read.file);
  if (read.content == FileRead::Content::unusable) return file_is_unusable(now, file, read.problem);
  if (file.said) {
    effects_.emplace_back(TrackingSaid{false, "track_file " + file.seen.name + " is usable again"});
  }
  file.unusable = file.said = false;
  const bool missing = read.content == FileRead::Content::missing;
  file.value = missing ? 0 : std::clamp(read.number, -kLargestShift, kLargestShift);
  const bool bad = file.seen.weight == 0 && file.value != 0;
  set(now, file, bad ? TrackState::bad : TrackState::good,
      missing ? "does not exist: counts as 0" : "holds " + std::to_string(read.number));
}

// Whoever writes it empties it first, so one such reading alone says nothing.
void Tracking::file_is_unusable(TimePoint now, Tracker& file, const std::string& problem) {
  const bool known = file.seen.state != TrackState::unknown;
  if (!std::exchange(file.unusable, true) && known) return;
  file.value = 0;
  set(now, file, TrackState::unknown, problem + ": counts as 0");
  file.overdue = true;  // it has been read: nothing waits for it
  if (std::exchange(file.said, true)) return;
  effects_.emplace_back(
      TrackingSaid{true, "track_file " + file.seen.name + " " + file.seen.detail});
}

void Tracking::on(TimePoint now, const InterfaceSeen& seen) {
  const bool good = seen.problem.empty();
  set(now, interfaces_.at(seen.interface), good ? TrackState::good : TrackState::bad, seen.problem);
}

void Tracking::on(TimePoint now, const GatewayProbed& probed) {
  if (gateway_) observe(now, *gateway_, probed.answered, probed.detail);
}

void Tracking::on(TimePoint now, const TrackingDeadline& /*deadline*/) {
  if (!begun_) return;
  for (auto* list : {&scripts_, &files_}) {
    for (Tracker& tracker : *list) {
      if (!must_report(tracker) || now < *begun_ + tracker.patience) continue;
      tracker.overdue = true;
      const bool script = tracker.seen.kind == TrackKind::script;
      if (script && tracker.said) continue;  // it never ran, so there is no result to wait for
      set(now, tracker, script ? TrackState::bad : TrackState::unknown,
          script ? "its first run does not end" : "cannot be read in time: counts as 0");
    }
  }
}

// The first result decides at once, as keepalived's does; after it `rise` or `fall` in a row.
void Tracking::observe(TimePoint now, Tracker& tracker, bool good, const std::string& detail) {
  const TrackState wanted = good ? TrackState::good : TrackState::bad;
  const bool decided = tracker.seen.state != TrackState::unknown;
  if (decided && tracker.seen.state != wanted) {
    if (++tracker.against < (good ? tracker.rise : tracker.fall)) return;
  }
  set(now, tracker, wanted, detail);
}

void Tracking::set(TimePoint now, Tracker& tracker, TrackState state, const std::string& detail) {
  tracker.against = 0;
  tracker.seen.detail = detail;
  if (tracker.seen.state == state) return;
  tracker.seen.state = state;
  tracker.seen.since = now;
}

// keepalived's rule: without a first result a tracker whose failure is a fault keeps the node from
// leading. It is bounded by the tracker's patience.
bool Tracking::must_report(const Tracker& tracker) {
  return tracker.seen.weight == 0 && tracker.seen.state == TrackState::unknown && !tracker.overdue;
}

TrackingSeen Tracking::verdict() const {
  TrackingSeen out;
  for (const auto* list : {&interfaces_, &scripts_, &files_}) {
    for (const Tracker& tracker : *list) {
      const TrackerSnapshot& seen = tracker.seen;
      if (seen.weight == 0 && seen.state == TrackState::bad) out.faults.push_back(fault_of(seen));
      if (seen.kind == TrackKind::interface || !must_report(tracker)) continue;
      if (!out.pending.empty()) continue;
      out.pending =
          "track_" + std::string(to_string(seen.kind)) + " " + seen.name + " has no result yet";
    }
  }
  if (!gateway_) return out;
  out.gateway_name = gateway_->seen.name;
  switch (gateway_->seen.state) {
    case TrackState::unknown: out.gateway = GatewaySight::unknown; break;
    case TrackState::good: out.gateway = GatewaySight::reachable; break;
    case TrackState::bad: out.gateway = GatewaySight::lost; break;
  }
  return out;
}

// As keepalived: a positive weight is a bonus while good, a negative one a malus while bad.
vrrp::Priority Tracking::effective_priority() const {
  std::int64_t sum = base_.value;
  for (const Tracker& script : scripts_) {
    const int weight = script.seen.weight;
    const TrackState counts = weight > 0 ? TrackState::good : TrackState::bad;
    if (script.seen.state == counts) sum += weight;
  }
  for (const Tracker& file : files_) {
    sum += std::clamp(file.value * file.seen.weight, -kLargestShift, kLargestShift);
  }
  sum = std::clamp<std::int64_t>(sum, kLowest, kHighest);
  return vrrp::Priority{static_cast<std::uint8_t>(sum)};
}

void Tracking::tell() {
  if (!begun_) return;
  if (const auto priority = effective_priority(); priority != priority_) {
    effects_.emplace_back(
        TrackingSaid{false, "effective priority " + std::to_string(priority_.value) + " -> " +
                                std::to_string(priority.value) + " by the weights of trackers"});
    priority_ = priority;
    effects_.emplace_back(PriorityMoved{priority});
  }
  TrackingSeen seen = verdict();
  if (seen == told_) return;
  told_ = seen;
  effects_.emplace_back(std::move(seen));
}

}  // namespace agent
