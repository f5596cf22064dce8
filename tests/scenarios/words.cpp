// See words.hpp.
#include "scenarios/words.hpp"

#include <chrono>
#include <map>
#include <stdexcept>
#include <utility>

namespace scenarios {
namespace {

using agent::Duration;
using hooks::Target;
using Words = std::vector<std::string>;

[[noreturn]] void unknown(const std::string& what) {
  throw std::runtime_error("unknown word: " + what);
}

const std::string& word(const Words& words, std::size_t at) {
  if (at >= words.size()) throw std::runtime_error("a word is missing at the end");
  return words[at];
}

std::string rest(const Words& words, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < words.size(); ++i) out += (out.empty() ? "" : " ") + words[i];
  return out;
}

Target parse_target(const std::string& text) {
  if (text == "local") return Target::local;
  if (text == "peer") return Target::peer;
  unknown(text);
}

health::Health parse_health(const std::string& text) {
  for (const auto health : {health::Health::unknown, health::Health::up, health::Health::loading,
                            health::Health::degraded, health::Health::hung, health::Health::dead,
                            health::Health::unreachable, health::Health::denied}) {
    if (health::to_string(health) == text) return health;
  }
  unknown(text);
}

vrrp::Change parse_change(const std::string& text) {
  for (int i = 0; i <= static_cast<int>(vrrp::Change::late); ++i) {
    if (vrrp::to_string(static_cast<vrrp::Change>(i)) == text) return static_cast<vrrp::Change>(i);
  }
  unknown(text);
}

vrrp::IpAddress parse_address(const std::string& text) {
  const auto address = vrrp::IpAddress::parse(text);
  if (!address) unknown(text);
  return *address;
}

health::Endpoint parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) unknown(text);
  return {text.substr(0, colon), static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)))};
}

// key=value words from `from` on; a word without '=' maps to "".
std::map<std::string, std::string> parse_fields(const Words& words, std::size_t from) {
  std::map<std::string, std::string> out;
  for (std::size_t i = from; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    const bool flag = equals == std::string::npos;
    out[words[i].substr(0, equals)] = flag ? "" : words[i].substr(equals + 1);
  }
  return out;
}

agent::Begin parse_begin(const Words& words) {
  agent::Begin begin;
  for (const auto& [key, value] : parse_fields(words, 1)) {
    if (key == "vips") {
      begin.vips_present = true;
      continue;
    }
    if (key == "now") {
      begin.unix_time = std::stoll(value);
      continue;
    }
    if (key == "rejected") {
      begin.rejected = value;
      continue;
    }
    if (!begin.record) begin.record.emplace();
    if (key == "record") {
      begin.record->role =
          value == "leader" ? agent::RecordRole::leader : agent::RecordRole::standby;
    } else if (key == "epoch") {
      begin.record->epoch = std::stoull(value);
    } else if (key == "in_sync") {
      begin.record->in_sync = true;
    } else if (key == "has_data") {
      begin.record->has_data = true;
    } else if (key == "offset") {
      begin.record->offset = std::stoll(value);
    } else if (key == "replid") {
      begin.record->replid = value;
    } else if (key == "intent") {
      begin.record->intent = value;
    } else if (key == "run") {
      begin.record->run_id = value;
    } else if (key == "moved_away") {
      begin.record->moved_away = true;
    } else if (key == "behind") {
      begin.record->behind = true;
    } else if (key == "claimed") {
      begin.record->claimed = std::stoull(value);
    } else if (key == "takeover") {
      begin.record->takeovers.push_back(std::stoll(value));
    } else {
      unknown(key);
    }
  }
  return begin;
}

agent::FactsSeen parse_facts(const Words& words) {
  agent::FactsSeen seen;
  seen.server = parse_target(word(words, 1));
  health::ServerFacts& facts = seen.facts;
  const std::string& role = word(words, 2);
  if (role != "master" && role != "replica") unknown(role);
  facts.role = role == "master" ? health::Role::master : health::Role::replica;
  facts.keys = 10;
  facts.run_id = "run1";
  // The other node's replica, streaming.
  const bool local = seen.server == Target::local;
  if (role == "master") facts.replicas = {{{local ? "10.0.0.1" : "10.0.0.2", 6379}, true, -1, 0}};
  for (const auto& [key, value] : parse_fields(words, 3)) {
    if (key == "of")
      facts.master = parse_endpoint(value);
    else if (key == "link")
      facts.link_up = value == "up";
    else if (key == "sync")
      facts.sync_in_progress = true;
    else if (key == "offset")
      facts.offset = std::stoll(value);
    else if (key == "keys")
      facts.keys = std::stoll(value);
    else if (key == "replid")
      facts.replid = value;
    else if (key == "replid2")
      facts.replid2 = value;
    else if (key == "fork")
      facts.second_offset = std::stoll(value);
    else if (key == "run")
      facts.run_id = value;
    else if (key == "ack")  // of the other node's replica
      facts.replicas.front().offset = std::stoll(value);
    else if (key == "third")  // a further replica, whose last acknowledgement is so old
      facts.replicas.push_back({{"10.0.0.3", 6379}, true, -1, std::stoll(value)});
    else if (key == "lag")  // the same of the other node's
      facts.replicas.front().lag = std::stoll(value);
    else if (key == "aof")
      facts.aof_enabled = true;
    else if (key == "bad_disk")
      facts.last_bgsave_ok = false;
    else if (key == "restarted")
      seen.restarted = true;
    else
      unknown(key);
  }
  for (auto& replica : facts.replicas)  // nothing else is said: they have acknowledged all
    if (replica.offset < 0) replica.offset = std::max<std::int64_t>(1, facts.offset);
  return seen;
}

agent::RouterChanged parse_router(const Words& words) {
  using vrrp::Notice;
  const std::string& what = word(words, 1);
  if (what == "master") return {vrrp::BecameMaster{parse_change(word(words, 2))}};
  if (what == "left") return {vrrp::LeftMaster{parse_change(word(words, 2))}};
  if (what == "backup") return {vrrp::BecameBackup{parse_change(word(words, 2))}};
  if (what == "initialize") return {vrrp::BecameInitialize{parse_change(word(words, 2))}};
  for (const auto notice : {Notice::leader_heard, Notice::leader_resigning, Notice::leader_lost,
                            Notice::lower_priority_leader, Notice::held_against}) {
    if (vrrp::to_string(notice) == what) {
      vrrp::Report report{notice, parse_address(word(words, 2)), vrrp::Priority{250}};
      // "heard=90000ms"
      const std::string heard = parse_fields(words, 3)["heard"];
      if (!heard.empty()) {
        report.last_heard = agent::TimePoint{} + std::chrono::milliseconds(std::stoll(heard));
      }
      return {report};
    }
  }
  unknown(what);
}

// "tracking lost; interface eth1 is down; ...": the gateway, then the faults. "tracking pending
// ..."
agent::TrackingSeen parse_tracking(const Words& words) {
  agent::TrackingSeen seen;
  seen.gateway_name = "10.0.0.254";
  std::string texts = rest(words, 1) + ";";
  bool first = true;
  for (std::size_t at = 0; (at = texts.find(';')) != std::string::npos; texts.erase(0, at + 1)) {
    std::string text = texts.substr(0, at);
    text.erase(0, text.find_first_not_of(' '));
    if (!std::exchange(first, false)) {
      seen.faults.push_back(text);
    } else if (text.starts_with("pending ")) {
      seen.pending = text.substr(8);
    } else if (text == "untracked") {
      seen.gateway_name.clear();
    } else if (text == "unknown") {
      seen.gateway = agent::GatewaySight::unknown;
    } else if (text == "reachable") {
      seen.gateway = agent::GatewaySight::reachable;
    } else if (text == "lost") {
      seen.gateway = agent::GatewaySight::lost;
    } else {
      unknown(text);
    }
  }
  return seen;
}

hooks::RecoveryOutcome parse_outcome(const std::string& text) {
  for (const auto outcome : {hooks::RecoveryOutcome::done, hooks::RecoveryOutcome::failed,
                             hooks::RecoveryOutcome::abandoned}) {
    if (to_string(outcome) == text) return outcome;
  }
  unknown(text);
}

// "said leading epoch=3 priority=240 in_sync": the other node's agent; the last two are its
// configured priority, and whether its record counts this node in sync. "replid=aaa data=2": what
// its server holds, and the epoch of that; "recorded=bbb": what its record knows last; "claims":
// the promotion to come is claimed on its disk; "drained": its writes have ended and are all here.
agent::PeerSaid parse_said(const Words& words) {
  agent::PeerSaid said;
  said.word.state = word(words, 1);
  for (const auto& [key, value] : parse_fields(words, 2)) {
    if (key == "epoch") {
      said.word.epoch = std::stoull(value);
    } else if (key == "replid") {
      said.word.replid = value;
    } else if (key == "data") {
      said.word.data_epoch = std::stoull(value);
    } else if (key == "record") {
      if (!said.word.record) said.word.record.emplace();
      said.word.record->role =
          value == "leader" ? agent::RecordRole::leader : agent::RecordRole::standby;
    } else if (key == "recorded") {
      if (!said.word.record) said.word.record.emplace();
      said.word.record->replid = value;
    } else if (key == "maintenance") {
      said.word.maintenance = true;
    } else if (key == "priority") {
      said.word.configured = std::stoi(value);
    } else if (key == "in_sync") {
      if (!said.word.record) said.word.record.emplace();
      said.word.record->in_sync = true;
    } else if (key == "by_operator") {
      said.word.by_operator = true;
    } else if (key == "claims") {
      said.word.claims = true;
    } else if (key == "drained") {
      said.word.drained = true;
    } else {
      unknown(key);
    }
  }
  if (said.word.record) said.word.record->epoch = said.word.epoch;
  return said;
}

agent::MaintenanceOrdered parse_maintenance(const Words& words) {
  if (words.at(1) == "off") return {};
  return {agent::Maintenance{"ops", "kernel update", 0, std::stoll("0" + rest(words, 2))}};
}

// "preserved diverged/a 3", "preserved nothing_lost", "preserved failed disk full"
agent::Preserved parse_preserved(const Words& words, std::uint64_t id) {
  agent::Preserved preserved;
  preserved.id = id;
  const std::string& what = word(words, 1);
  if (what == "failed") {
    preserved.problem = rest(words, 2);
  } else if (what == "nothing_lost") {
    preserved.nothing_lost = true;
  } else {
    preserved.path = what;
    if (words.size() > 2) preserved.commands = std::stoull(word(words, 2));
  }
  return preserved;
}

// "settings asked=900ms min_replicas=3 read_only=no"
agent::SettingsSeen parse_settings(const Words& words) {
  agent::SettingsSeen seen;
  for (const auto& [key, value] : parse_fields(words, 1)) {
    if (key == "asked") {
      seen.asked_at = agent::TimePoint{} + std::chrono::milliseconds(std::stoll(value));
    } else if (key == "min_replicas") {
      seen.min_replicas = std::stoi(value);
    } else if (key == "can_follow") {
      seen.can_follow = value == "yes";
    } else if (key == "read_only") {
      seen.read_only = value == "yes";
    } else {
      unknown(key);
    }
  }
  return seen;
}

// "link up", "link down the other side closed the connection", "link refused"
agent::PeerLinkChanged parse_link(const Words& words) {
  const std::string& state = word(words, 1);
  if (state == "refused") return {false, "its agent cannot be called: Connection refused", true};
  if (state != "up" && state != "down") unknown(state);
  return {state == "up", rest(words, 2)};
}

}  // namespace

agent::PairInput parse_input(const Words& words, std::uint64_t last_work) {
  const std::string& what = word(words, 0);
  if (what == "begin") return parse_begin(words);
  if (what == "router") return parse_router(words);
  if (what == "facts") return parse_facts(words);
  if (what == "health") {
    return agent::HealthSeen{parse_target(word(words, 1)), parse_health(word(words, 2)),
                             rest(words, 3)};
  }
  if (what == "answered") return agent::PeerAnswered{};
  if (what == "done") return agent::WorkDone{last_work, true, {}};
  if (what == "failed") return agent::WorkDone{last_work, false, rest(words, 1)};
  if (what == "persisted") return agent::Persisted{rest(words, 1)};
  if (what == "probed") return agent::VipProbed{word(words, 1) == "held"};
  if (what == "installed") return agent::VipsInstalled{word(words, 1) == "complete"};
  if (what == "promote") return agent::PromoteRequested{};
  if (what == "stop") return agent::StopRequested{};
  if (what == "switchover") {
    agent::SwitchoverRequested requested{std::chrono::seconds(5)};
    requested.server_failover = rest(words, 1) == "by the servers";
    requested.by_operator = rest(words, 1) != "by failback";
    requested.ignore_veto = rest(words, 1) == "ignoring a veto";
    return requested;
  }
  if (what == "settings") return parse_settings(words);
  if (what == "answer") return agent::RoleAnswered{word(words, 1) == "done", rest(words, 2)};
  if (what == "time") return agent::TimePassed{};
  if (what == "preserved") return parse_preserved(words, last_work);
  if (what == "maintenance") return parse_maintenance(words);
  // "fenced down", "fenced not exit code 1"
  if (what == "fenced")
    return agent::HostFenced{last_work, word(words, 1) == "down", rest(words, 2)};
  // Of pre_promote and pre_demote.
  if (what == "consents") return agent::ScriptAnswered{last_work, hooks::Verdict::consent, {}};
  if (what == "vetoes") {
    return agent::ScriptAnswered{last_work, hooks::Verdict::veto, rest(words, 1)};
  }
  if (what == "silent") {
    return agent::ScriptAnswered{last_work, hooks::Verdict::silence, rest(words, 1)};
  }
  if (what == "acknowledge") return agent::Acknowledged{};
  if (what == "rejoin") return agent::RejoinRequested{rest(words, 1) == "accept_data_loss"};
  if (what == "recover") return agent::RecoveryRequested{};
  if (what == "recovered")
    return agent::RecoveryEnded{parse_outcome(word(words, 1)), rest(words, 2)};
  if (what == "tracking") return parse_tracking(words);
  if (what == "gateway") return agent::GatewayAnswered{};
  if (what == "said") return parse_said(words);
  if (what == "link") return parse_link(words);
  if (what == "compared") {
    const std::string difference = rest(words, 1);
    return agent::PeerCompared{difference.empty() ? Words{} : Words{difference}};
  }
  unknown(what);
}

}  // namespace scenarios
