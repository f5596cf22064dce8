// What the rulebook tells people: state words, alarms, the snapshot behind `tandem status`.
#include "agent/pair.hpp"

namespace agent {

using health::Health;

namespace {

// It does not let us in, or it is not one that we may manage.
std::string denial(const std::string& detail) {
  const bool foreign = detail.starts_with(health::kNotForAPair);
  return (foreign ? "is " : "refuses this agent: ") + detail;
}

}  // namespace

std::string_view to_string(PairState state) {
  switch (state) {
    case PairState::starting: return "starting";
    case PairState::standby: return "standby";
    case PairState::promoting: return "promoting";
    case PairState::leading: return "leading";
    case PairState::leaving: return "leaving";
    case PairState::fault: return "fault";
    case PairState::stopped: return "stopped";
  }
  return "unknown";
}

std::string to_words(const Moved& moved) {
  std::string words(to_string(moved.from));
  words += " -> ";
  words += to_string(moved.to);
  words += ": " + moved.reason;
  if (!moved.took) return words;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(*moved.took);
  return words + " (" + std::to_string(took.count()) + " ms)";
}

const health::ServerFacts* Pair::leading_facts() const {
  const ServerSight& local = sight_.local;
  if (!std::holds_alternative<Leading>(state_) || !local.is_master()) return nullptr;
  return *local.facts_at > since_ ? &*local.facts : nullptr;
}

PairSnapshot Pair::snapshot() const {
  PairSnapshot out;
  out.state = name_;
  out.reason = reason_;
  out.since = since_;
  out.epoch = epoch();
  out.candidacy = candidacy_;
  out.leader_advertises = sight_.leader_advertises;
  out.standby_in_sync = standby_in_sync();
  const auto* leaving = std::get_if<Leaving>(&state_);
  out.by_operator = std::holds_alternative<End>(state_) ||
                    (leaving != nullptr && (leaving->by_operator || leaving->stopping));
  for (const auto& [key, text] : alarms_) out.alarms.push_back(text);
  out.switchover = switchover_;
  out.failback = failback_report();
  if (maintained()) out.maintenance = sight_.record->maintenance;
  return out;
}

void Pair::update_alarms(TimePoint now) {
  const bool known_again =
      std::holds_alternative<Leading>(state_) || (sight_.local.link_up_since && sight_.in_sync_at);
  if (known_again) rejected_record_.clear();
  auto current = alarms(now);
  for (const auto& [key, text] : current) {
    if (!alarms_.contains(key)) emit(Say{Weight::warning, "alarm: " + text, Topic::alarm});
  }
  for (const auto& [key, text] : alarms_) {
    if (!current.contains(key)) emit(Say{Weight::info, "alarm is over: " + text, Topic::alarm});
  }
  alarms_ = std::move(current);
}

std::map<std::string, std::string> Pair::alarms(TimePoint now) const {
  std::map<std::string, std::string> out;
  if (sight_.local.health == Health::denied) {
    out["local credentials"] = "the local server " + denial(sight_.local.detail);
  }
  if (sight_.peer.health == Health::denied) {
    out["peer credentials"] = "the peer's server " + denial(sight_.peer.detail);
  }
  if (sight_.local.health == Health::degraded) {
    out["local degraded"] = "the local server is degraded: " + sight_.local.detail;
  }
  const bool vetoed = veto_alarm();
  if (vetoed) out["veto"] = veto_.said;
  if (!vetoed && ineligible_since_ && now >= *ineligible_since_ + kAlarmDelay) {
    // Who is cut off does not know whether somebody leads.
    const char* what = isolated_ ? "cut off: " : "nobody leads: ";
    if (peer_says_it_leads(sight_, rules_.candidacy, now)) what = "";
    out[kNotEligible] = (sight_.leader_advertises ? "not eligible: " : what) + candidacy_.why;
  }
  if (!vetoed && idle() && sight_.hold && now < sight_.hold->until)
    out["promotion"] = sight_.hold->why;
  if (!sight_.not_heard_by.empty()) {
    out["one-way loss"] = sight_.not_heard_by +
                          " leads too and does not hear this node's adverts: the way to it is "
                          "broken in one direction; look at firewalls and switches in between";
  }
  // One alarm for a tracker, however its trouble changes: "exit code 1", then "exit code 2".
  for (const std::string& fault : sight_.tracking.faults) {
    out["tracked " + fault.substr(0, fault.find(": "))] = fault;
  }
  if (sight_.tracking.gateway == GatewaySight::lost) {
    out["gateway"] = "track_gateway " + sight_.tracking.gateway_name + " does not answer";
  }
  add_peer_alarms(now, out);
  if (!recovery_.problem.empty()) {
    out["recovery"] = "the local server could not be brought back: " + recovery_.problem;
  }
  if (wants_the_role_back() && flapping_until(now)) {
    out["flapping"] = "no failback: " + flapping_words();
  }
  if (!fence_.problem.empty()) {
    out["fence"] =
        "the fence script does not prove that the peer's host is down: " + fence_.problem +
        "; it is asked again";
  }
  if (!follow_problem_.empty()) out["follow"] = follow_problem_;
  if (std::string words = guard_alarm(); !words.empty()) out["guard"] = std::move(words);
  if (std::string words = rejoin_alarm(); !words.empty()) out["diverged"] = std::move(words);
  add_foreign_alarms(out);
  if (!persist_problem_.empty()) out["record"] = persist_problem_;
  if (!rejected_record_.empty()) {
    out["record rejected"] = "what this node remembered of the pair is lost: " + rejected_record_;
  }
  if (unprotected_since_ && now >= *unprotected_since_ + kAlarmDelay) {
    out[kUnprotected] = "no standby in sync: nobody could take over without losing writes";
  }
  return out;
}

}  // namespace agent
