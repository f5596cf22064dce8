// See status.hpp: the JSON half. The text half is status_text.cpp.
#include "agent/status.hpp"

#include <boost/json.hpp>
#include <chrono>

namespace agent {
namespace {

namespace json = boost::json;

json::object server_json(const ServerStatus& server) {
  const health::MonitorSnapshot& monitor = server.monitor;
  const health::ServerFacts& facts = monitor.facts;
  json::object out;
  out["address"] = server.address;
  out["health"] = health::to_string(monitor.health);
  out["detail"] = monitor.detail;
  out["role"] = health::to_string(facts.role);
  out["link_up"] = facts.link_up;
  out["sync_in_progress"] = facts.sync_in_progress;
  out["master"] = facts.role == health::Role::replica ? facts.master.to_string() : std::string();
  out["offset"] = facts.offset;
  out["replid"] = facts.replid;
  out["keys"] = facts.keys.value_or(0);
  out["version"] = facts.redis_version;
  if (server.lag_bytes >= 0) {
    out["lag_bytes"] = server.lag_bytes;
  } else {
    out["lag_bytes"] = nullptr;
  }
  out["ping_us"] = nullptr;
  if (monitor.last_round_trip) {
    out["ping_us"] =
        std::chrono::duration_cast<std::chrono::microseconds>(*monitor.last_round_trip).count();
  }
  return out;
}

json::object router_json(const PairStatus& pair) {
  json::object out;
  out["vrid"] = pair.router_config.vrid.value;
  out["version"] = static_cast<int>(pair.router_config.version);
  out["state"] = vrrp::to_string(pair.router.state);
  out["priority"] = pair.configured_priority.value;
  out["effective_priority"] = pair.priority.value;
  out["advert_interval_ms"] =
      std::chrono::duration_cast<std::chrono::milliseconds>(pair.router_config.advert_interval)
          .count();
  out["interface"] = pair.interface;
  out["source"] = pair.sources.empty() ? "" : pair.sources.front().second;
  json::array sources;
  for (const auto& [family, address] : pair.sources) {
    sources.push_back({{"family", vrrp::to_string(family)}, {"address", address}});
  }
  out["sources"] = std::move(sources);
  out["leader"] = nullptr;
  if (pair.router.leader && pair.pair.leader_advertises) {
    out["leader"] = {{"address", pair.router.leader->source.to_string()},
                     {"priority", pair.router.leader->priority.value}};
  }
  out["may_lead"] = pair.pair.candidacy.may_lead;
  out["may_not_lead_because"] = pair.pair.candidacy.may_lead ? "" : pair.pair.candidacy.why;
  out["sent"] = pair.sent;
  out["received"] = pair.received.accepted;
  json::array keys;
  for (const int id : pair.auth_keys) keys.emplace_back(id);
  out["auth_keys"] = std::move(keys);
  out["received_message_only_checksum"] = pair.received.accepted_message_only_checksum;
  json::object refused;
  for (std::size_t i = 0; i < vrrp::kRefusalCount; ++i) {
    refused[vrrp::to_string(static_cast<vrrp::Refusal>(i))] = pair.received.refused.at(i);
  }
  out["refused"] = std::move(refused);
  json::object malformed;
  for (std::size_t i = 0; i < vrrp::kDecodeErrorCount; ++i) {
    malformed[vrrp::to_string(static_cast<vrrp::DecodeError>(i))] = pair.received.malformed.at(i);
  }
  out["malformed"] = std::move(malformed);
  return out;
}

json::array trackers_json(const PairStatus& pair) {
  json::array out;
  for (const auto& [seen, since] : pair.trackers) {
    out.push_back({{"name", seen.name},
                   {"kind", to_string(seen.kind)},
                   {"state", to_string(seen.state)},
                   {"since", since},
                   {"detail", seen.detail},
                   {"weight", seen.weight}});
  }
  return out;
}

json::object peer_link_json(const PeerLinkStatus& link) {
  json::object out;
  out["state"] = to_string(link.state);
  out["why"] = link.why;
  out["since"] = link.since;
  out["node"] = link.node;
  out["version"] = link.version;
  out["rtt_ms"] = nullptr;
  if (link.rtt_ms) out["rtt_ms"] = *link.rtt_ms;
  out["says"] = nullptr;
  if (const auto& word = link.says) {
    out["says"] = {{"state", word->state},       {"epoch", word->epoch},
                   {"priority", word->priority}, {"may_lead", word->may_lead},
                   {"why", word->why},           {"alarms", word->alarms},
                   {"unfit", word->unfit}};
  }
  return out;
}

json::object recovery_json(const hooks::RecoveryStatus& recovery) {
  json::object out;
  out["running"] = recovery.running;
  out["step"] = recovery.running ? to_string(recovery.step) : "";
  out["for_seconds"] = std::chrono::duration<double>(recovery.for_time).count();
  out["bytes"] = out["total"] = out["bytes_per_second"] = out["seconds_left"] = nullptr;
  if (const auto& transfer = recovery.transfer) {
    out["bytes"] = transfer->bytes;
    if (transfer->total) out["total"] = *transfer->total;
    out["bytes_per_second"] = transfer->bytes_per_second;
    if (transfer->left) {
      out["seconds_left"] = std::chrono::duration<double>(*transfer->left).count();
    }
  }
  out["number"] = recovery.number;
  out["outcome"] = recovery.outcome ? to_string(*recovery.outcome) : "";
  out["words"] = recovery.words;
  return out;
}

std::string leader_words(const PairStatus& pair) {
  if (pair.pair.state == PairState::leading) return "this node";
  if (pair.router.leader && pair.pair.leader_advertises) {
    return pair.router.leader->source.to_string();
  }
  return "nobody";
}

json::object pair_json(const PairStatus& pair) {
  json::object out;
  out["name"] = pair.name;
  out["state"] = to_string(pair.pair.state);
  out["word"] = state_word(pair.pair.state);
  out["reason"] = pair.pair.reason;
  out["since"] = pair.since;
  out["for_seconds"] = pair.for_seconds;
  out["epoch"] = pair.pair.epoch;
  out["leader"] = leader_words(pair);
  out["standby_in_sync"] = pair.pair.standby_in_sync;
  const SwitchoverReport& switchover = pair.pair.switchover;
  out["switchover"] = {{"number", switchover.number},
                       {"outcome", to_string(switchover.outcome)},
                       {"words", switchover.words},
                       {"writes_held_ms",
                        std::chrono::duration<double, std::milli>(switchover.writes_held).count()}};
  out["maintenance"] = nullptr;
  if (const auto& on = pair.pair.maintenance) {
    out["maintenance"] = {
        {"who", on->who}, {"why", on->why}, {"since", on->since}, {"until", on->until}};
    if (const auto& left = pair.maintenance_seconds_left) {
      out["maintenance"].get_object()["seconds_left"] = *left;
    }
  }
  out["failback"] = {{"mode", pair.failback ? "auto" : "manual"},
                     {"due_in_seconds", nullptr},
                     {"words", pair.pair.failback.words}};
  if (pair.failback_in_seconds) {
    out["failback"].get_object()["due_in_seconds"] = *pair.failback_in_seconds;
  }
  out["vrrp"] = router_json(pair);
  json::array vips;
  for (const VipStatus& vip : pair.vips) {
    vips.push_back({{"address", vip.address},
                    {"interface", vip.interface},
                    {"advertised", vip.advertised},
                    {"present", vip.present}});
  }
  out["vips"] = std::move(vips);
  out["vip_repairs"] = pair.vip_repairs;
  out["trackers"] = trackers_json(pair);
  out["server"] = server_json(pair.server);
  out["peer"] = server_json(pair.peer);
  json::array replicas;
  for (const ReplicaStatus& replica : pair.replicas) {
    json::object one = server_json(replica.server);
    one["watched"] = replica.watched;
    one["problem"] = replica.problem;
    replicas.push_back(std::move(one));
  }
  out["replicas"] = std::move(replicas);
  out["peer_link"] = peer_link_json(pair.peer_link);
  out["recovery"] = nullptr;
  if (pair.recovery) out["recovery"] = recovery_json(*pair.recovery);
  json::array alarms;
  for (const std::string& alarm : pair.pair.alarms) alarms.emplace_back(alarm);
  out["alarms"] = std::move(alarms);
  return out;
}

}  // namespace

std::string_view to_string(PeerLinkStatus::State state) {
  switch (state) {
    case PeerLinkStatus::State::up: return "up";
    case PeerLinkStatus::State::down: return "down";
    case PeerLinkStatus::State::off: break;
  }
  return "off";
}

std::string_view state_word(PairState state) {
  switch (state) {
    case PairState::leading: return "MASTER";
    case PairState::fault: return "FAULT";
    case PairState::stopped: return "STOP";
    default: return "BACKUP";
  }
}

json::object status_json(const AgentStatus& status) {
  json::object out;
  out["node"] = status.node;
  out["version"] = status.version;
  out["pid"] = status.pid;
  out["uptime_seconds"] = status.uptime_seconds;
  json::array pairs;
  for (const PairStatus& pair : status.pairs) pairs.push_back(pair_json(pair));
  out["pairs"] = std::move(pairs);
  return out;
}

}  // namespace agent
