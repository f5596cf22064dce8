// What a pair tracks beside its servers: track_interfaces, track_gateway, [[pair.track_script]] and
// [[pair.track_file]]. Whether a script may run on this host is asked elsewhere (track_runner).
#include <algorithm>
#include <set>

#include "agent/io/config_pair.hpp"
#include "agent/voices.hpp"

namespace agent::io {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::int64_t kLargestWeight = 253;  // keepalived's

Parsed<Duration> parse_interval(const ConfigNode& node) {
  return parse_duration(node, {milliseconds(100), hours(1)});
}
Parsed<std::int64_t> parse_count(const ConfigNode& node) {
  return parse_integer(node, 1, 100);
}
Parsed<std::int64_t> parse_weight(const ConfigNode& node) {
  return parse_integer(node, -kLargestWeight, kLargestWeight);
}
Parsed<std::string> parse_account(const ConfigNode& node) {
  return parse_text(node, 32);
}

// A router is named by an address of its own; IPv6 link-local ones are as good.
Parsed<vrrp::IpAddress> parse_gateway(const ConfigNode& node) {
  if (node.kind != ValueKind::text) return wrong_type(node, "an address or a table");
  const auto address = vrrp::IpAddress::parse(node.text);
  if (!address) {
    return Refusal{quoted(node.text) + " is not an address; write one such as \"192.168.1.1\""};
  }
  if (address->is_multicast() || address->is_unspecified() || is_loopback(*address)) {
    return Refusal{quoted(node.text) + " is no address of a router; write the gateway's own"};
  }
  return *address;
}

// The gateway has to be a third one: neither end of the pair proves the network.
void check_gateway(TableReader& reader, const PairConfig& pair, const vrrp::IpAddress& gateway) {
  const std::string text = gateway.to_string();
  const auto vips = all_vips(pair);
  const bool vip = std::any_of(vips.begin(), vips.end(),
                               [&](const auto& one) { return one.prefix.address == gateway; });
  std::string what;
  if (vip) what = "a VIP of this pair";
  if (text == pair.replication_host) what = "this host";
  if (text == pair.peer_server.host) what = "the other host";
  if (what.empty()) return;
  reader.error("track_gateway", text + " is " + what +
                                    "; write the address of a router or of "
                                    "another host that is always there");
}

void read_gateway(TableReader& reader, PairDraft& draft) {
  PairConfig& pair = draft.config;
  const ConfigNode* node = reader.find("track_gateway");
  if (node == nullptr) return;
  TrackGatewayConfig gateway;
  bool good = false;
  if (node->kind == ValueKind::table) {
    auto table = reader.table("track_gateway");
    good = table->require("address", gateway.address, parse_gateway,
                          "write the router's address, as in address = \"192.168.1.1\"");
    table->read("interval", gateway.interval, parse_interval);
    table->read("timeout", gateway.timeout, [](const ConfigNode& one) {
      return parse_duration(one, {milliseconds(10), hours(1)});
    });
    table->read("fall", gateway.fall, parse_count);
    table->read("rise", gateway.rise, parse_count);
    if (gateway.timeout > gateway.interval) {
      table->error(table->accepted("timeout") ? "timeout" : "interval",
                   "timeout (" + to_text(gateway.timeout) + ") is longer than interval (" +
                       to_text(gateway.interval) + "); make it as long at most");
    }
    table->finish();
  } else {
    good = reader.read("track_gateway", gateway.address, parse_gateway);
  }
  if (!good) return;
  check_gateway(reader, pair, gateway.address);
  pair.tracking.gateway = gateway;
  draft.gateway = KeyPlace{reader.key_name("track_gateway"), node->place};
}

void read_interfaces(TableReader& reader, PairConfig& pair) {
  std::vector<KeyPlace> places;
  reader.read_list("track_interfaces", pair.tracking.interfaces, places, parse_interface);
  std::set<std::string> names;
  for (const std::string& name : pair.tracking.interfaces) {
    if (!names.insert(name).second) {
      reader.error("track_interfaces", "names " + quoted(name) + " twice");
    } else if (name == pair.interface) {
      reader.warning(
          "track_interfaces",
          "names " + quoted(name) + ", the interface of the pair, which is watched anyway");
    }
  }
}

// The tables of [[pair.KEY]], each with the name of its own: "pair[redis].track_script[check]".
std::vector<TableReader> read_tables(TableReader& reader, const std::string& key,
                                     Problems& problems) {
  std::vector<TableReader> out;
  const ConfigNode* node = reader.find(key);
  if (node == nullptr) return out;
  if (node->kind == ValueKind::table) {
    reader.error(key, "is written as [pair." + key + "]; write [[pair." + key +
                          "]], because there can be several");
    return out;
  }
  if (node->kind != ValueKind::array) {
    reader.error(key, wrong_type(*node, "tables that begin with [[pair." + key + "]]").what);
    return out;
  }
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    const ConfigNode& child = node->children[i];
    std::string label = std::to_string(i + 1);
    for (const ConfigNode& entry : child.children) {
      if (entry.key != "name") continue;
      const auto name = parse_name(entry);
      if (const auto* good = std::get_if<std::string>(&name)) label = *good;
    }
    label.insert(0, reader.key_name(key) + "[");
    label += "]";
    if (child.kind == ValueKind::table) {
      out.emplace_back(child, label, problems);
    } else {
      problems.error(child.place, label, wrong_type(child, "a table").what);
    }
  }
  return out;
}

TrackScriptConfig read_script(TableReader& table) {
  TrackScriptConfig script;
  table.require("name", script.name, parse_name, "write a unique one, as in name = \"check_disk\"");
  table.require("command", script.command, parse_command,
                "write the path of a script that ends with 0 when all is well");
  table.read("interval", script.interval, parse_interval);
  script.timeout = script.interval;
  table.read("timeout", script.timeout, parse_interval);
  table.read("rise", script.rise, parse_count);
  table.read("fall", script.fall, parse_count);
  table.read("weight", script.weight, parse_weight);
  table.read("user", script.user, parse_account);
  table.read("group", script.group, parse_account);
  table.finish();
  return script;
}

TrackFileConfig read_tracked_file(TableReader& table) {
  TrackFileConfig file;
  table.read("name", file.name, parse_name);
  table.require(
      "path", file.path, [](const ConfigNode& node) { return parse_path(node, kMaxPath); },
      "write the file that holds a number, as in path = \"/run/maintenance\"");
  table.read("weight", file.weight, parse_weight);
  table.finish();
  if (file.name.empty()) file.name = file.path;
  return file;
}

// Each name means one tracker of its kind in status and log.
template <typename Trackers>
void refuse_same_names(std::vector<TableReader>& tables, const Trackers& trackers,
                       const std::string& key) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < trackers.size(); ++i) {
    const std::string& name = trackers[i].name;
    if (name.empty() || names.insert(name).second) continue;
    tables[i].error(tables[i].accepted("name") ? "name" : "path",
                    quoted(name) + " is also another " + key + " of this pair");
  }
}

}  // namespace

void read_tracking(TableReader& pair, PairDraft& draft, Problems& problems) {
  TrackingConfig& tracking = draft.config.tracking;
  read_interfaces(pair, draft.config);
  read_gateway(pair, draft);
  auto scripts = read_tables(pair, "track_script", problems);
  for (TableReader& table : scripts) tracking.scripts.push_back(read_script(table));
  refuse_same_names(scripts, tracking.scripts, "track_script");
  auto files = read_tables(pair, "track_file", problems);
  for (TableReader& table : files) tracking.files.push_back(read_tracked_file(table));
  refuse_same_names(files, tracking.files, "track_file");

  for (auto& advice : judge_weights(tracking, draft.config.priority, draft.config.preempt)) {
    auto& tables = advice.of == WeightAdvice::Of::script ? scripts : files;
    tables[advice.index].warning("weight", std::move(advice.what));
  }
}

}  // namespace agent::io
