// The keys of [[pair]] itself and of [pair.notify].
#include "agent/io/config_pair.hpp"

namespace agent::io {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Parsed<vrrp::Vrid> parse_vrid(const ConfigNode& node) {
  if (node.kind != ValueKind::integer) return wrong_type(node, "an integer from 1 to 255");
  if (node.integer < 1 || node.integer > 255) {
    return Refusal{std::to_string(node.integer) + " is not a VRID; allowed are 1 to 255"};
  }
  return vrrp::Vrid{static_cast<std::uint8_t>(node.integer)};
}

auto duration_in(Duration min, Duration max) {
  return [=](const ConfigNode& node) { return parse_duration(node, {min, max}); };
}

auto integer_in(std::int64_t min, std::int64_t max) {
  return [=](const ConfigNode& node) { return parse_integer(node, min, max); };
}

Parsed<Duration> parse_repeat(const ConfigNode& node) {
  auto parsed = parse_duration(node, {Duration{0}, hours(24)});
  const auto* repeat = std::get_if<Duration>(&parsed);
  if (repeat != nullptr && *repeat > Duration{0} && *repeat < milliseconds(100)) {
    return Refusal{node.text + " is too often; allowed are 100ms to 24h, and \"0s\" for never"};
  }
  return parsed;
}

void read_lease(TableReader& reader, PairConfig& pair) {
  Duration lease = pair.vip_lease;
  const bool given = reader.find("vip_lease") != nullptr;
  const bool good = reader.read("vip_lease", lease, [](const ConfigNode& node) {
    return parse_duration(node, {seconds(2), seconds(60), seconds(1), "in whole seconds"});
  });
  if (given && !good) return;
  pair.vip_lease = std::chrono::duration_cast<seconds>(lease);
  const Duration patience = 3 * pair.advert_interval + seconds(1);
  if (pair.vip_lease >= patience) return;
  reader.warning("vip_lease", to_text(lease) + (given ? "" : " (the default)") +
                                  " is shorter than three advert intervals and a second (" +
                                  to_text(patience) +
                                  "): an agent that stalls loses its VIP before the standby can "
                                  "take it; raise it or shorten advert_interval");
}

void read_announce(TableReader& reader, PairConfig& pair) {
  auto announce = reader.table("announce");
  if (!announce) return;
  announce->read("count", pair.announce_count, integer_in(1, 100));
  announce->read("repeat", pair.announce_repeat, parse_repeat);
  announce->read("refresh", pair.announce_refresh, parse_repeat);
  announce->finish();
}

void read_notify(TableReader& reader, hooks::NotifyConfig& notify) {
  auto table = reader.table("notify");
  if (!table) return;
  const auto account = [](const ConfigNode& node) { return parse_text(node, 32); };
  table->read("master", notify.master, parse_command);
  table->read("backup", notify.backup, parse_command);
  table->read("fault", notify.fault, parse_command);
  table->read("stop", notify.stop, parse_command);
  table->read("any", notify.any, parse_command);
  table->read("pre_promote", notify.pre_promote, parse_command);
  table->read("pre_demote", notify.pre_demote, parse_command);
  table->read("pre_timeout", notify.pre_timeout, duration_in(milliseconds(50), seconds(10)));
  std::string overrun = "proceed";
  table->read("pre_overrun", overrun, [](const ConfigNode& node) {
    return parse_choice(node, {"proceed", "veto"});
  });
  notify.silence_is_veto = overrun == "veto";
  for (const char* const key : {"pre_timeout", "pre_overrun"}) {
    const bool asked = !notify.pre_promote.empty() || !notify.pre_demote.empty();
    if (table->find(key) != nullptr && !asked) {
      table->warning(key, "has no effect without pre_promote or pre_demote");
    }
  }
  table->read("fifo", notify.fifo,
              [](const ConfigNode& node) { return parse_path(node, kMaxPath); });
  table->read("user", notify.user, account);
  table->read("group", notify.group, account);
  table->read("timeout", notify.timeout, duration_in(milliseconds(100), hours(1)));
  table->finish();
}

void read_flapping(TableReader& reader, PairConfig& pair) {
  auto takeovers = static_cast<std::int64_t>(pair.max_takeovers);
  reader.read("max_takeovers_per_hour", takeovers, integer_in(0, 1000));
  pair.max_takeovers = static_cast<std::size_t>(takeovers);
  reader.read("hold_down", pair.hold_down, duration_in(seconds(0), hours(1)));
}

void read_mode(TableReader& reader, PairConfig& pair) {
  std::string mode = "available";
  reader.read("mode", mode, [](const ConfigNode& node) {
    return parse_choice(node, {"available", "safe"});
  });
  pair.safe = mode == "safe";
  reader.read("max_lag_time", pair.max_lag_time, [](const ConfigNode& node) {
    return parse_duration(node, {seconds(1), hours(1), seconds(1), "in whole seconds"});
  });
}

void read_fence(TableReader& reader, PairConfig& pair) {
  reader.read("fence", pair.fence.command, parse_command);
  reader.read("fence_user", pair.fence.user,
              [](const ConfigNode& node) { return parse_text(node, 32); });
  reader.read("fence_timeout", pair.fence.timeout, duration_in(milliseconds(100), hours(1)));
  if (pair.fence.command.empty() || pair.safe) return;
  reader.warning("fence", "has no effect in mode \"available\", which waits for no proof");
}

void read_rejoin(TableReader& reader, PairConfig& pair) {
  std::string rejoin = "auto";
  reader.read("rejoin", rejoin, [](const ConfigNode& node) {
    return parse_choice(node, {"auto", "manual"});
  });
  pair.rejoin_alone = rejoin == "auto";
  auto keep = static_cast<std::int64_t>(pair.keep_diverged);
  reader.read("keep_diverged", keep, integer_in(1, 1000));
  pair.keep_diverged = static_cast<std::size_t>(keep);
}

std::string label_of(const ConfigNode& table, std::size_t number) {
  for (const ConfigNode& entry : table.children) {
    if (entry.key != "name") continue;
    const auto name = parse_name(entry);
    if (const auto* good = std::get_if<std::string>(&name)) return "pair[" + *good + "]";
  }
  return "pair[" + std::to_string(number) + "]";
}

}  // namespace

PairDraft read_pair(const ConfigNode& table, std::size_t number, const std::string& path,
                    Problems& problems) {
  PairDraft draft;
  draft.label = label_of(table, number);
  PairConfig& pair = draft.config;
  TableReader reader(table, draft.label, problems);
  reader.require("name", pair.name, parse_name, "write a unique one, as in name = \"redis\"");
  reader.require("interface", pair.interface, parse_interface,
                 "write the interface that gets the VIP, as in interface = \"eth0\"");
  reader.require("vrid", pair.vrid, parse_vrid,
                 "write a number from 1 to 255, the same on both nodes");
  const bool version_known = read_router(reader, pair, path);
  read_addresses(reader, draft, version_known, problems);
  read_lease(reader, pair);
  read_announce(reader, pair);
  reader.read("max_replica_age", pair.max_replica_age, duration_in(seconds(0), hours(168)));
  reader.read("max_lag", pair.max_lag_bytes, parse_size);
  reader.read("wait_for_peer", pair.wait_for_peer, duration_in(seconds(0), hours(24)));
  reader.read("promote_timeout", pair.promote_timeout, duration_in(milliseconds(100), minutes(5)));
  reader.read("handover_timeout", pair.handover_timeout,
              duration_in(milliseconds(100), minutes(5)));
  read_flapping(reader, pair);
  read_mode(reader, pair);
  read_fence(reader, pair);
  read_rejoin(reader, pair);
  read_servers(reader, draft);
  if (pair.failback && !draft.peer_agent_given) {
    reader.warning("failback",
                   "\"auto\" has no effect without the peer link, over which the role "
                   "is asked back: write agent in [pair.peer]");
  }
  if (!pair.fence.command.empty() && !draft.peer_agent_given) {
    reader.error("fence",
                 "needs the peer link, without which a server that hangs looks like a host that is "
                 "down: write agent in [pair.peer]");
  }
  read_notify(reader, pair.notify);
  read_tracking(reader, draft, problems);
  reader.finish();
  draft.name = reader.accepted("name");
  if (version_known && reader.accepted("interface")) draft.identity = reader.accepted("vrid");
  return draft;
}

}  // namespace agent::io
