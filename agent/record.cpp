// See record.hpp.
#include "agent/record.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace agent {
namespace {

constexpr int kFormat = 1;

template <typename T>
std::optional<T> field(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  const auto converted = boost::json::try_value_to<T>(*value);
  if (!converted) return std::nullopt;
  return *converted;
}

boost::json::object entry_of(const LineageEntry& entry) {
  return {{"epoch", entry.epoch}, {"replid", entry.replid}, {"parent", entry.parent},
          {"fork", entry.fork},   {"time", entry.time},     {"why", entry.why}};
}

boost::json::array lineage_of(const Record& record) {
  boost::json::array out;
  for (const LineageEntry& entry : record.lineage) out.push_back(entry_of(entry));
  return out;
}

std::optional<LineageEntry> parse_entry(const boost::json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  const auto epoch = field<std::uint64_t>(object, "epoch");
  const auto replid = field<std::string>(object, "replid");
  const auto parent = field<std::string>(object, "parent");
  const auto fork = field<std::int64_t>(object, "fork");
  const auto time = field<std::int64_t>(object, "time");
  const auto why = field<std::string>(object, "why");
  if (!epoch || !replid || !parent || !fork || !time || !why) return std::nullopt;
  return LineageEntry{*epoch, *replid, *parent, *fork, *time, *why};
}

bool parse_maintenance(const boost::json::object& object, Record& record) {
  const auto* found = object.if_contains("maintenance");
  if (found == nullptr) return true;
  if (!found->is_object()) return false;
  const auto& on = found->get_object();
  const auto who = field<std::string>(on, "who");
  const auto why = field<std::string>(on, "why");
  const auto since = field<std::int64_t>(on, "since");
  const auto until = field<std::int64_t>(on, "until");
  if (!who || !why || !since || !until) return false;
  record.maintenance = Maintenance{*who, *why, *since, *until};
  return true;
}

// What records of earlier versions do not have. False: it is there and is wrong.
bool parse_history(const boost::json::object& object, Record& record) {
  if (const auto* lineage = object.if_contains("lineage")) {
    if (!lineage->is_array() || lineage->get_array().size() > kLineageEntries) return false;
    for (const auto& value : lineage->get_array()) {
      auto entry = parse_entry(value);
      if (!entry) return false;
      record.lineage.push_back(std::move(*entry));
    }
  }
  if (const auto* renamed = object.if_contains("renamed")) {
    record.renamed = parse_entry(*renamed);
    if (!record.renamed) return false;
  }
  if (const auto* peer = object.if_contains("peer")) {
    if (!peer->is_object()) return false;
    const auto& seen = peer->get_object();
    const auto replid = field<std::string>(seen, "replid");
    const auto offset = field<std::int64_t>(seen, "offset");
    const auto keys = field<std::int64_t>(seen, "keys");
    const auto time = field<std::int64_t>(seen, "time");
    if (!replid || !offset || !keys || !time) return false;
    record.peer = PeerSeen{*replid, *offset, *keys, *time};
  }
  if (object.contains("superseded")) {
    const auto epoch = field<std::uint64_t>(object, "superseded");
    if (!epoch) return false;
    record.superseded = *epoch;
  }
  if (object.contains("claimed")) {
    const auto epoch = field<std::uint64_t>(object, "claimed");
    if (!epoch) return false;
    record.claimed = *epoch;
  }
  if (object.contains("behind")) {
    const auto behind = field<bool>(object, "behind");
    if (!behind) return false;
    record.behind = *behind;
  }
  if (!parse_maintenance(object, record)) return false;
  if (object.contains("moved_away")) {
    const auto moved = field<bool>(object, "moved_away");
    if (!moved) return false;
    record.moved_away = *moved;
  }
  if (object.contains("takeovers")) {
    auto takeovers = field<std::vector<std::int64_t>>(object, "takeovers");
    if (!takeovers || takeovers->size() > kMostTakeovers) return false;
    record.takeovers = std::move(*takeovers);
  }
  if (!object.contains("intent")) return true;
  const auto intent = field<std::string>(object, "intent");
  record.intent = intent.value_or("");
  return intent.has_value();
}

}  // namespace

void note_lineage(std::vector<LineageEntry>& lineage, LineageEntry entry) {
  if (!lineage.empty() && lineage.back().replid == entry.replid) {
    // Who began to follow was not in sync yet, or the lineage was adopted by a later epoch.
    lineage.back().epoch = std::max(lineage.back().epoch, entry.epoch);
    return;
  }
  lineage.push_back(std::move(entry));
  if (lineage.size() > kLineageEntries) lineage.erase(lineage.begin());
}

std::optional<std::size_t> generation_of(const std::vector<LineageEntry>& lineage,
                                         const std::string& replid) {
  if (replid.empty()) return std::nullopt;
  for (std::size_t i = lineage.size(); i > 0; --i) {
    if (lineage[i - 1].replid == replid) return 2 * i;
    if (lineage[i - 1].parent == replid) return 2 * i - 1;
  }
  return std::nullopt;
}

std::optional<std::int64_t> fork_from(const std::vector<LineageEntry>& lineage,
                                      const std::string& replid, const std::string& ancestor) {
  std::string at = replid;
  std::optional<std::int64_t> fork;
  // Backwards: a parent is older than its child, so that each entry is looked at once.
  for (auto entry = lineage.rbegin(); entry != lineage.rend(); ++entry) {
    if (entry->replid != at || entry->parent.empty()) continue;
    fork = std::min(fork.value_or(entry->fork), entry->fork);
    if (entry->parent == ancestor) return fork;
    at = entry->parent;
  }
  return std::nullopt;
}

std::string format_record(const std::string& pair, const Record& record) {
  boost::json::object object{
      {"format", kFormat},
      {"pair", pair},
      {"epoch", record.epoch},
      {"role", record.role == RecordRole::leader ? "leader" : "standby"},
      {"in_sync", record.in_sync},
      {"has_data", record.has_data},
      {"run_id", record.run_id},
      {"replid", record.replid},
      {"offset", record.offset},
      {"lineage", lineage_of(record)},
  };
  if (record.renamed) object["renamed"] = entry_of(*record.renamed);
  if (const auto& peer = record.peer) {
    object["peer"] = {{"replid", peer->replid},
                      {"offset", peer->offset},
                      {"keys", peer->keys},
                      {"time", peer->time}};
  }
  if (!record.intent.empty()) object["intent"] = record.intent;
  if (record.superseded != 0) object["superseded"] = record.superseded;
  if (record.claimed != 0) object["claimed"] = record.claimed;
  if (record.behind) object["behind"] = true;
  if (const auto& on = record.maintenance) {
    object["maintenance"] = {
        {"who", on->who}, {"why", on->why}, {"since", on->since}, {"until", on->until}};
  }
  if (record.moved_away) object["moved_away"] = true;
  if (!record.takeovers.empty()) object["takeovers"] = boost::json::value_from(record.takeovers);
  return boost::json::serialize(object) + "\n";
}

std::variant<Record, std::string> parse_record(const std::string& pair, std::string_view text) {
  boost::json::error_code error;
  const auto value = boost::json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return std::string("it is not a whole JSON object");
  const auto& object = value.get_object();
  if (field<int>(object, "format") != kFormat) return std::string("its format is not 1");
  if (field<std::string>(object, "pair") != pair) return std::string("it is of another pair");

  const auto epoch = field<std::uint64_t>(object, "epoch");
  const auto role = field<std::string>(object, "role");
  const auto in_sync = field<bool>(object, "in_sync");
  const auto has_data = field<bool>(object, "has_data");
  const auto run_id = field<std::string>(object, "run_id");
  const auto replid = field<std::string>(object, "replid");
  const auto offset = field<std::int64_t>(object, "offset");
  const bool known_role = role == "leader" || role == "standby";
  if (!epoch || !known_role || !in_sync || !has_data || !run_id || !replid || !offset) {
    return std::string("a field is missing or of the wrong type");
  }
  Record record;
  record.epoch = *epoch;
  record.role = role == "leader" ? RecordRole::leader : RecordRole::standby;
  record.in_sync = *in_sync;
  record.has_data = *has_data;
  record.run_id = *run_id;
  record.replid = *replid;
  record.offset = *offset;
  if (!parse_history(object, record)) return std::string("its history is damaged");
  return record;
}

}  // namespace agent
