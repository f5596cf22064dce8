// See instance.hpp. Section numbers are RFC 9568's.
#include "vrrp/instance.hpp"

#include <utility>

#include "vrrp/timing.hpp"

namespace vrrp {

std::string_view to_string(Change change) {
  switch (change) {
    case Change::started: return "started";
    case Change::leader_silent: return "leader_silent";
    case Change::leader_resigned: return "leader_resigned";
    case Change::became_eligible: return "became_eligible";
    case Change::higher_priority: return "higher_priority";
    case Change::tie_break: return "tie_break";
    case Change::resigned: return "resigned";
    case Change::link_lost: return "link_lost";
    case Change::stopped: return "stopped";
    case Change::late: return "late";
  }
  return "unknown";
}

std::string_view to_string(Notice notice) {
  switch (notice) {
    case Notice::leader_heard: return "leader_heard";
    case Notice::leader_resigning: return "leader_resigning";
    case Notice::leader_lost: return "leader_lost";
    case Notice::lower_priority_leader: return "lower_priority_leader";
    case Notice::resign_heard_as_master: return "resign_heard_as_master";
    case Notice::own_address_conflict: return "own_address_conflict";
  }
  return "unknown";
}

std::string_view to_string(State state) {
  switch (state) {
    case State::initialize: return "initialize";
    case State::backup: return "backup";
    case State::master: return "master";
  }
  return "unknown";
}

InstanceEffects Instance::step(TimePoint now, const InstanceInput& input) {
  step_down_when_late(now);
  std::visit([&](const auto& one) { on(now, one); }, input);
  return std::exchange(effects_, {});
}

std::optional<TimePoint> Instance::next_deadline() const {
  if (const auto* backup = std::get_if<Backup>(&state_)) return backup->master_down;
  if (const auto* master = std::get_if<Master>(&state_)) return master->next_advert;
  return std::nullopt;
}

InstanceSnapshot Instance::snapshot() const {
  InstanceSnapshot out;
  out.since = since_;
  out.may_lead = may_lead_;
  out.deadline = next_deadline();
  if (const auto* backup = std::get_if<Backup>(&state_)) {
    out.state = State::backup;
    out.leader_lost = !backup->master_down;
    out.leader = backup->leader;
  } else if (std::holds_alternative<Master>(state_)) {
    out.state = State::master;
  }
  return out;
}

// A master that has not advertised for as long as backups wait may already have been replaced; what
// it finds in its queue was sent to somebody who no longer leads. So it gives way first and then
// reads, whatever the priorities say.
void Instance::step_down_when_late(TimePoint now) {
  const auto* master = std::get_if<Master>(&state_);
  if (master == nullptr) return;
  const TimePoint last_sent = master->next_advert - config_.advert_interval;
  if (now < last_sent + master_down_after(config_.advert_interval)) return;
  emit(LeftMaster{Change::late});
  become_backup(now, Change::late, config_.advert_interval);
}

void Instance::on(TimePoint now, const AdvertReceived& advert) {
  if (auto* backup = std::get_if<Backup>(&state_)) {
    advert_as_backup(now, *backup, advert);
  } else if (auto* master = std::get_if<Master>(&state_)) {
    advert_as_master(now, *master, advert);
  }
}

void Instance::on(TimePoint now, const DeadlineReached& /*deadline*/) {
  if (auto* backup = std::get_if<Backup>(&state_)) {
    if (!backup->master_down || now < *backup->master_down) return;
    if (may_lead_) return become_master(now, backup->why_master);
    backup->master_down.reset();
    emit(Report{Notice::leader_lost, backup->leader ? backup->leader->source : IpAddress{}, {}});
  } else if (auto* master = std::get_if<Master>(&state_)) {
    if (now < master->next_advert) return;
    emit(SendAdvert{config_.priority});
    while (master->next_advert <= now) master->next_advert += config_.advert_interval;
  }
}

// Section 6.4.1: Startup. Priority 255 does not exist here, so the way always leads over Backup.
void Instance::on(TimePoint now, const LinkChanged& link) {
  source_ = link.source;
  const bool running = !std::holds_alternative<Initialize>(state_);
  if (link.usable && !running) become_backup(now, Change::started, config_.advert_interval);
  if (link.usable || !running) return;
  if (std::holds_alternative<Master>(state_)) emit(LeftMaster{Change::link_lost});
  become_initialize(now, Change::link_lost);
}

void Instance::on(TimePoint now, const EligibilityChanged& eligibility) {
  if (may_lead_ == eligibility.may_lead) return;
  may_lead_ = eligibility.may_lead;
  if (auto* backup = std::get_if<Backup>(&state_)) {
    // Nobody leads. The skew lets the higher priority speak first when both become eligible at
    // once.
    if (may_lead_ && !backup->master_down) {
      backup->master_down = now + skew(backup->leader);
      backup->why_master = Change::became_eligible;
    }
  } else if (std::holds_alternative<Master>(state_) && !may_lead_) {
    emit(SendAdvert{kPriorityResign});
    emit(LeftMaster{Change::resigned});
    become_backup(now, Change::resigned, config_.advert_interval);
  }
}

// Section 6.4.3 (225): Shutdown.
void Instance::on(TimePoint now, const Stop& /*stop*/) {
  if (std::holds_alternative<Initialize>(state_)) return;
  if (std::holds_alternative<Master>(state_)) {
    emit(SendAdvert{kPriorityResign});
    emit(LeftMaster{Change::stopped});
  }
  become_initialize(now, Change::stopped);
}

// Section 6.4.2.
void Instance::advert_as_backup(TimePoint now, Backup& backup, const AdvertReceived& advert) {
  if (advert.priority == kPriorityResign) return resignation_as_backup(now, backup, advert);
  // A router that may not lead cannot preempt either: whoever advertises is its leader.
  if (config_.preempt && may_lead_ && advert.priority < config_.priority) return;
  const bool news =
      !backup.leader || !backup.master_down || backup.why_master != Change::leader_silent ||
      backup.leader->source != advert.source || backup.leader->priority != advert.priority;
  const Duration interval =
      config_.version == Version::v3 ? advert.interval : config_.advert_interval;
  backup.leader = Leader{advert.source, advert.priority, interval, now};
  backup.master_down = now + master_down_after(interval);
  backup.why_master = Change::leader_silent;
  if (news) emit(Report{Notice::leader_heard, advert.source, advert.priority});
}

// Only the leader's own word shortens the timer: a third router that stops says nothing about it.
void Instance::resignation_as_backup(TimePoint now, Backup& backup, const AdvertReceived& advert) {
  if (backup.leader && backup.leader->source != advert.source) return;
  if (backup.why_master == Change::leader_resigned) return;
  if (backup.master_down) backup.master_down = now + skew(backup.leader);
  backup.why_master = Change::leader_resigned;
  emit(Report{Notice::leader_resigning, advert.source, advert.priority});
}

// Section 6.4.3.
void Instance::advert_as_master(TimePoint now, Master& master, const AdvertReceived& advert) {
  if (advert.priority == kPriorityResign) {
    emit(SendAdvert{config_.priority});
    master.next_advert = now + config_.advert_interval;
    emit(Report{Notice::resign_heard_as_master, advert.source, advert.priority});
    return;
  }
  const bool equal = advert.priority == config_.priority;
  if (equal && advert.source == source_) {
    emit(Report{Notice::own_address_conflict, advert.source, advert.priority});
    return;
  }
  if (advert.priority > config_.priority || (equal && advert.source > source_)) {
    const Change why = equal ? Change::tie_break : Change::higher_priority;
    emit(LeftMaster{why});
    become_backup(now, why, advert.interval);
    std::get<Backup>(state_).leader = Leader{advert.source, advert.priority, advert.interval, now};
    emit(Report{Notice::leader_heard, advert.source, advert.priority});
    return;
  }
  // RFC 9568 section 6.4.3 (730): tell the other one at once, but a flood of its adverts must not
  // become a flood of ours.
  if (now >= master.answer_allowed) {
    emit(SendAdvert{config_.priority});
    master.next_advert = now + config_.advert_interval;
    master.answer_allowed = master.next_advert;
  }
  emit(Report{Notice::lower_priority_leader, advert.source, advert.priority});
}

void Instance::become_master(TimePoint now, Change why) {
  state_ = Master{now + config_.advert_interval, now};
  since_ = now;
  emit(SendAdvert{config_.priority});
  emit(BecameMaster{why});
}

void Instance::become_backup(TimePoint now, Change why, Duration leader_interval) {
  const Duration interval =
      config_.version == Version::v3 ? leader_interval : config_.advert_interval;
  state_ = Backup{now + master_down_after(interval), Change::leader_silent, std::nullopt};
  since_ = now;
  emit(BecameBackup{why});
}

void Instance::become_initialize(TimePoint now, Change why) {
  state_ = Initialize{};
  since_ = now;
  emit(BecameInitialize{why});
}

// The leader's interval is in force while it is known (section 6.1, Active_Adver_Interval).
Duration Instance::skew(const std::optional<Leader>& leader) const {
  return skew_time(config_.version, config_.priority,
                   leader ? leader->interval : config_.advert_interval);
}

Duration Instance::master_down_after(Duration interval) const {
  return master_down_interval(config_.version, config_.priority, interval);
}

}  // namespace vrrp
