// See instance.hpp. Section numbers are RFC 9568's.
#include "vrrp/instance.hpp"

#include <algorithm>
#include <utility>

namespace vrrp {

std::string_view to_string(Change change) {
  switch (change) {
    case Change::started: return "started";
    case Change::leader_silent: return "leader_silent";
    case Change::leader_resigned: return "leader_resigned";
    case Change::became_eligible: return "became_eligible";
    case Change::preempted: return "preempted";
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
    case Notice::held_against: return "held_against";
    case Notice::resign_heard_as_master: return "resign_heard_as_master";
    case Notice::own_address_conflict: return "own_address_conflict";
    case Notice::not_heard: return "not_heard";
    case Notice::rival_silent: return "rival_silent";
    case Notice::late: return "late";
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
  give_way_when_late(now, input);
  std::visit([&](const auto& one) { on(now, one); }, input);
  return std::exchange(effects_, {});
}

std::optional<TimePoint> Instance::next_deadline() const {
  if (const auto* backup = std::get_if<Backup>(&state_)) return backup->master_down;
  if (const auto* master = std::get_if<Master>(&state_)) {
    return master->listens_until.value_or(master->next_advert);
  }
  return std::get<Initialize>(state_).usable_at;
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
  } else if (const auto* master = std::get_if<Master>(&state_)) {
    out.state = State::master;
    out.listens = master->listens_until.has_value();
    if (master->rival && master->rival->reported) out.not_heard_by = master->rival->source;
  }
  return out;
}

// A master that has not advertised for as long as backups wait may already have been replaced; what
// it finds in its queue was sent to somebody who no longer leads. So it gives way first and then
// reads, whatever the priorities say. Where that is not likely, it listens before.
void Instance::give_way_when_late(TimePoint now, const InstanceInput& input) {
  auto* master = std::get_if<Master>(&state_);
  if (master == nullptr) return;
  const TimePoint last_sent = master->next_advert - config_.advert_interval;
  if (now < last_sent + master_down_after(config_.advert_interval)) return;
  if (listen_when_late(now, *master, input)) return;
  emit(LeftMaster{Change::late});
  become_backup(now, Change::late, config_.advert_interval);
}

// Whoever leads in its place advertises within an interval, in time for these one and a half.
bool Instance::listen_when_late(TimePoint now, Master& master, const InstanceInput& input) {
  if (std::holds_alternative<AdvertReceived>(input)) return false;
  const auto& until = master.listens_until;
  if (until && now < *until + master_down_after(config_.advert_interval)) return true;
  if (now - master.next_advert >= config_.listens_after) return false;
  master.listens_until = now + config_.advert_interval * 3 / 2;
  return true;
}

void Instance::on(TimePoint now, const AdvertReceived& advert) {
  if (auto* backup = std::get_if<Backup>(&state_)) {
    advert_as_backup(now, *backup, advert);
  } else if (auto* master = std::get_if<Master>(&state_)) {
    advert_as_master(now, *master, advert);
  }
}

void Instance::on(TimePoint now, const DeadlineReached& /*deadline*/) {
  if (auto* backup = std::get_if<Backup>(&state_)) return deadline_as_backup(now, *backup);
  if (auto* master = std::get_if<Master>(&state_)) return deadline_as_master(now, *master);
  const auto usable_at = std::get<Initialize>(state_).usable_at;
  if (usable_at && now >= *usable_at) start_listening(now);
}

void Instance::deadline_as_backup(TimePoint now, Backup& backup) {
  if (!backup.master_down || now < *backup.master_down) return;
  // So late that somebody else may have taken over meanwhile: the adverts that say so may still be
  // unread, and the next one is due within an interval.
  const Duration interval = backup.leader ? backup.leader->interval : config_.advert_interval;
  if (now > *backup.master_down + interval) {
    backup.master_down = now + interval + skew(backup.leader);
    return;
  }
  const bool preempts = may_preempt_ && backup.why_master == Change::preempted;
  if (may_lead_ || preempts) return become_master(now, backup.why_master);
  backup.master_down.reset();
  Report lost{Notice::leader_lost, {}, {}};
  if (backup.leader) {
    lost.source = backup.leader->source;
    lost.last_heard = backup.leader->last_heard;
  }
  emit(lost);
}

void Instance::deadline_as_master(TimePoint now, Master& master) {
  if (now < std::max(master.next_advert, master.listens_until.value_or(now))) return;
  master.listens_until.reset();
  const bool late = now > master.next_advert + config_.advert_interval;
  emit(SendAdvert{config_.priority});
  if (late) emit(Report{Notice::late, source_, config_.priority});
  while (master.next_advert <= now) master.next_advert += config_.advert_interval;
  // Silent for as long as a backup waits: it has heard us, or is gone.
  const Duration patience = master_down_after(config_.advert_interval);
  if (!master.rival || now < master.rival->last_heard + patience) return;
  if (master.rival->reported) emit(Report{Notice::rival_silent, master.rival->source, {}});
  master.rival.reset();
}

// Section 6.4.1: Startup. Priority 255 does not exist here, so the way always leads over Backup.
void Instance::on(TimePoint now, const LinkChanged& link) {
  source_ = link.source;
  if (auto* initialize = std::get_if<Initialize>(&state_)) {
    if (!link.usable) return initialize->usable_at.reset();
    if (!link_was_lost_ || config_.link_up_delay <= Duration::zero()) return start_listening(now);
    if (!initialize->usable_at) initialize->usable_at = now + config_.link_up_delay;
    return;
  }
  if (link.usable) return;
  if (std::holds_alternative<Master>(state_)) emit(LeftMaster{Change::link_lost});
  link_was_lost_ = true;
  become_initialize(now, Change::link_lost);
}

void Instance::on(TimePoint now, const EligibilityChanged& eligibility) {
  may_preempt_ = eligibility.may_preempt;
  holds_ = eligibility.holds;
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

void Instance::on(TimePoint /*now*/, const PriorityChanged& changed) {
  config_.priority = changed.priority;
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
  if (preempts(now, backup, advert)) {
    backup.why_master = Change::preempted;
    return;
  }
  const bool known = is_leader(backup, advert.source);
  const bool news = !known || !backup.master_down || backup.why_master != Change::leader_silent ||
                    backup.leader->priority != advert.priority;
  const Duration interval =
      config_.version == Version::v3 ? advert.interval : config_.advert_interval;
  // In two families one leader has two addresses; it keeps the one that breaks ties.
  const IpAddress source =
      known && !breaks_ties(advert.source) ? backup.leader->source : advert.source;
  TimePoint until = std::max(now + master_down_after(interval), hold_until_);
  // The last advert of who has just given way to a better leader may have been overtaken by that
  // one's first: with a shorter interval it would end the patience with the better one.
  const bool outvoted = !known && backup.leader && advert.priority < backup.leader->priority;
  if (outvoted && backup.master_down) until = std::max(until, *backup.master_down);
  backup.leader = Leader{source, advert.priority, interval, now - advert.waited};
  backup.master_down = until;
  backup.why_master = Change::leader_silent;
  if (news) emit(Report{Notice::leader_heard, source, advert.priority});
}

// Preempt_Mode: the adverts of a lower leader are discarded until the timer has run out. A router
// that may not lead cannot preempt either: whoever advertises is its leader.
bool Instance::preempts(TimePoint now, Backup& backup, const AdvertReceived& advert) const {
  const bool allowed = config_.preempt && (may_lead_ || may_preempt_);
  if (!allowed || advert.priority >= config_.priority) {
    backup.preempt_at.reset();
    return false;
  }
  if (!backup.preempt_at) backup.preempt_at = now + config_.preempt_delay;
  return now >= *backup.preempt_at;
}

// Only the leader's own word shortens the timer: a third router that stops says nothing about it.
// And only a fresh one: whoever resigned and found no successor may lead again, after as long as a
// backup waits, and of that nothing need have come through.
void Instance::resignation_as_backup(TimePoint now, Backup& backup, const AdvertReceived& advert) {
  if (backup.leader && !is_leader(backup, advert.source)) return;
  const Duration interval = backup.leader ? backup.leader->interval : config_.advert_interval;
  if (advert.waited > interval * std::max(1, config_.down_adverts - 1)) return;
  if (backup.why_master == Change::leader_resigned) return;
  if (backup.master_down) backup.master_down = std::max(now + skew(backup.leader), hold_until_);
  backup.why_master = Change::leader_resigned;
  emit(Report{Notice::leader_resigning, advert.source, advert.priority});
}

// Section 6.4.3.
void Instance::advert_as_master(TimePoint now, Master& master, const AdvertReceived& advert) {
  if (advert.priority == kPriorityResign) {
    answer(now, master);
    emit(Report{Notice::resign_heard_as_master, advert.source, advert.priority});
    return;
  }
  // An equal priority is settled by the addresses of one family, or two families could settle it in
  // two ways.
  const bool equal = advert.priority == config_.priority && breaks_ties(advert.source);
  if (equal && advert.source == source_) {
    emit(Report{Notice::own_address_conflict, advert.source, advert.priority});
    return;
  }
  const bool outvoted = advert.priority > config_.priority || (equal && advert.source > source_);
  if (outvoted && holds_) {
    answer(now, master);
    emit(Report{Notice::held_against, advert.source, advert.priority});
    return;
  }
  if (outvoted) {
    const Change why = equal ? Change::tie_break : Change::higher_priority;
    emit(LeftMaster{why});
    become_backup(now, why, advert.interval);
    std::get<Backup>(state_).leader = Leader{advert.source, advert.priority, advert.interval, now};
    emit(Report{Notice::leader_heard, advert.source, advert.priority});
    return;
  }
  answer(now, master);
  emit(Report{Notice::lower_priority_leader, advert.source, advert.priority});
  watch_rival(now, master, advert);
}

// RFC 9568 section 6.4.3: tell the other one at once, but a flood of its adverts must not become a
// flood of ours.
void Instance::answer(TimePoint now, Master& master) {
  if (now < master.answer_allowed) return;
  emit(SendAdvert{config_.priority});
  master.next_advert = advert_due(now, config_.advert_interval);
  master.answer_allowed = master.next_advert;
}

// One answer silences a router that hears us. Who still advertises after as long as a backup waits
// does not: the way to it is broken in one direction.
void Instance::watch_rival(TimePoint now, Master& master, const AdvertReceived& advert) {
  auto& rival = master.rival;
  const bool other =
      rival && rival->source != advert.source && rival->source.family() == advert.source.family();
  if (!rival || other) rival = Rival{advert.source, now, now};
  rival->last_heard = now;
  const Duration patience = master_down_after(std::max(config_.advert_interval, advert.interval));
  if (rival->reported || now < rival->first_heard + patience) return;
  rival->reported = true;
  emit(Report{Notice::not_heard, advert.source, advert.priority});
}

void Instance::become_master(TimePoint now, Change why) {
  state_ = Master{advert_due(now, config_.advert_interval), now, std::nullopt, std::nullopt};
  may_lead_ = true;  // who was allowed to preempt leads until told otherwise
  since_ = now;
  emit(SendAdvert{config_.priority});
  emit(BecameMaster{why});
}

void Instance::become_backup(TimePoint now, Change why, Duration leader_interval) {
  const Duration interval =
      config_.version == Version::v3 ? leader_interval : config_.advert_interval;
  state_ = Backup{std::max(now + master_down_after(interval), hold_until_), Change::leader_silent,
                  std::nullopt, std::nullopt};
  since_ = now;
  emit(BecameBackup{why});
}

void Instance::become_initialize(TimePoint now, Change why) {
  state_ = Initialize{};
  since_ = now;
  emit(BecameInitialize{why});
}

void Instance::start_listening(TimePoint now) {
  if (!link_was_lost_) hold_until_ = now + config_.startup_hold;
  become_backup(now, Change::started, config_.advert_interval);
}

// The leader's interval is in force while it is known (section 6.1, Active_Adver_Interval).
Duration Instance::skew(const std::optional<Leader>& leader) const {
  return skew_time(config_.version, config_.priority,
                   leader ? leader->interval : config_.advert_interval);
}

Duration Instance::master_down_after(Duration interval) const {
  return master_down_interval(config_.version, config_.priority, interval, config_.down_adverts);
}

// In the other family nobody can tell whose address it is; a group has one leader.
bool Instance::is_leader(const Backup& backup, const IpAddress& source) const {
  if (!backup.leader) return false;
  return backup.leader->source == source || backup.leader->source.family() != source.family();
}

}  // namespace vrrp
