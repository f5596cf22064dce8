// The keys of [pair.server] that say how a server that is down is brought back.
#include "agent/io/config_pair.hpp"

namespace agent::io {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::int64_t kMostKept = 100;
constexpr std::size_t kLongestAccount = 32;
constexpr const char* kCopy = "rdb";
constexpr const char* kResync = "resync";

void read_commands(TableReader& reader, RecoveryConfig& recovery) {
  reader.read("start", recovery.start, parse_program);
  reader.read("stop", recovery.stop, parse_program);
  reader.read("recovery_command", recovery.command, parse_program);
  reader.read("command_user", recovery.user,
              [](const ConfigNode& node) { return parse_text(node, kLongestAccount); });
}

void read_budgets(TableReader& reader, RecoveryConfig& recovery) {
  const auto time = [](const ConfigNode& node) {
    return parse_duration(node, {seconds(1), hours(24)});
  };
  reader.read("recovery_delay", recovery.delay, [](const ConfigNode& node) {
    return parse_duration(node, {Duration{}, hours(1)});
  });
  reader.read("stop_timeout", recovery.stop_timeout, time);
  reader.read("start_timeout", recovery.start_timeout, time);
  reader.read("recovery_timeout", recovery.copy_timeout, time);
}

// Keys that say that a server is to be brought back in a way that others make impossible.
void check(TableReader& reader, const RecoveryConfig& recovery) {
  const bool start = reader.find("start") != nullptr;
  const bool stop = reader.find("stop") != nullptr;
  if (recovery.copy && !start) {
    reader.error("recovery",
                 "\"rdb\" needs start, the command that starts the server with the "
                 "copied dataset, as in start = [\"systemctl\", \"start\", "
                 "\"redis-server\"]");
  } else if (recovery.copy && !stop) {
    reader.error("recovery",
                 "\"rdb\" needs stop, the command that keeps the supervisor from "
                 "starting the server while its files are replaced, as in stop = "
                 "[\"systemctl\", \"stop\", \"redis-server\"]");
  }
  if (stop && !start && !recovery.copy) {
    reader.error("stop", "needs start: a server that is stopped must be started again");
  }
  if (reader.accepted("auto_recover") && recovery.automatic && !start && !recovery.copy) {
    reader.error("auto_recover", "needs start, the command that starts the server");
  }
  for (const char* key : {"recovery_command", "rdb_file"}) {
    if (recovery.copy || reader.find(key) == nullptr) continue;
    reader.error(key, "has no use without recovery = \"rdb\"; write that, or take this out");
  }
}

}  // namespace

void read_recovery(TableReader& reader, RecoveryConfig& recovery) {
  read_commands(reader, recovery);
  std::string kind = kResync;
  const bool good = reader.read("recovery", kind, [](const ConfigNode& node) {
    return parse_choice(node, {kCopy, kResync});
  });
  recovery.copy = kind == kCopy;
  recovery.automatic = recovery.copy;
  reader.read("auto_recover", recovery.automatic, parse_boolean);
  read_budgets(reader, recovery);
  reader.read("recovery_keep", recovery.keep,
              [](const ConfigNode& node) { return parse_integer(node, 1, kMostKept); });
  reader.read("rdb_file", recovery.rdb_file,
              [](const ConfigNode& node) { return parse_path(node, kMaxPath); });
  if (good || reader.find("recovery") == nullptr) check(reader, recovery);
}

}  // namespace agent::io
