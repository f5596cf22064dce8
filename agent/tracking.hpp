// What is tracked beside the two servers, as a value: scripts, files, interfaces and the gateway
// (rule 15). Counts results (rise, fall), says what is a fault of the pair and why, and what the
// weights make of the priority. It runs no script, reads no file, and decides nothing about the
// role: that is agent::Pair's, which hears TrackingSeen.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/types.hpp"

namespace agent {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// ---- configuration -----------------------------------------------------------------------------
// Keys, units and meaning are those of etc/tandem.toml.

struct TrackScriptConfig {
  std::string name;
  std::vector<std::string> command;  // absolute path first
  Duration interval = std::chrono::seconds(1);
  Duration timeout = std::chrono::seconds(1);  // default: interval
  int rise = 1;
  int fall = 1;
  int weight = 0;  // 0: a failure is a fault; else keepalived's, -253 to 253
  std::string user = "nobody";
  std::string group;  // empty: the user's own
  bool operator==(const TrackScriptConfig&) const = default;
};

struct TrackFileConfig {
  std::string name;  // default: the path
  std::string path;
  int weight = 0;  // 0: a number other than 0 is a fault; else the number times it is added
  bool operator==(const TrackFileConfig&) const = default;
};

struct TrackGatewayConfig {
  vrrp::IpAddress address;
  Duration interval = std::chrono::seconds(1);
  Duration timeout = std::chrono::milliseconds(500);
  int fall = 3;
  int rise = 2;
  bool operator==(const TrackGatewayConfig&) const = default;
};

struct TrackingConfig {
  std::vector<std::string> interfaces;
  std::optional<TrackGatewayConfig> gateway;
  std::vector<TrackScriptConfig> scripts;
  std::vector<TrackFileConfig> files;
  bool operator==(const TrackingConfig&) const = default;
};

// A weight that cannot do what its author wants, as `tandemd --check` says it.
struct WeightAdvice {
  enum class Of : std::uint8_t { script, file } of = Of::script;
  std::size_t index = 0;
  std::string what;
};
// `preempt`: whether a higher priority takes the role from a leader.
std::vector<WeightAdvice> judge_weights(const TrackingConfig& config, vrrp::Priority priority,
                                        bool preempt);

// ---- inputs ------------------------------------------------------------------------------------
// Indexes are positions in the configuration.

struct TrackingBegun {};
struct ScriptEnded {
  std::size_t script = 0;
  bool good = false;
  std::string detail;  // "exit code 1", "did not end within 1s"
};
// This host had no process, memory or descriptor to spare for it: nothing was learnt.
struct ScriptNotRun {
  std::size_t script = 0;
  std::string why;  // "/bin/true could not be started: Resource temporarily unavailable"
};
struct FileRead {
  enum class Content : std::uint8_t { number, missing, unusable };
  std::size_t file = 0;
  Content content = Content::missing;
  std::int64_t number = 0;
  std::string problem;  // unusable: a clause, "is not a number"
};
struct InterfaceSeen {
  std::size_t interface = 0;
  std::string problem;  // "is down"; empty: usable
};
struct GatewayProbed {
  bool answered = false;
  std::string detail;  // when not: why
};
struct TrackingDeadline {};

using TrackingInput = std::variant<TrackingBegun, ScriptEnded, ScriptNotRun, FileRead,
                                   InterfaceSeen, GatewayProbed, TrackingDeadline>;

// ---- effects -----------------------------------------------------------------------------------

enum class GatewaySight : std::uint8_t { untracked, unknown, reachable, lost };

// What the rulebook needs to know; sent when it changes.
struct TrackingSeen {
  std::vector<std::string> faults;  // clauses that name the tracker: "interface eth1 is down"
  std::string pending;  // what must report once before this node may lead; empty: nothing
  GatewaySight gateway = GatewaySight::untracked;
  std::string gateway_name;  // its address
  bool operator==(const TrackingSeen&) const = default;
};
// The priority with all weights, 1 to 254.
struct PriorityMoved {
  vrrp::Priority priority;
  bool operator==(const PriorityMoved&) const = default;
};
struct TrackingSaid {
  bool warning = false;
  std::string text;
  bool operator==(const TrackingSaid&) const = default;
};
using TrackingEffect = std::variant<TrackingSeen, PriorityMoved, TrackingSaid>;
using TrackingEffects = std::vector<TrackingEffect>;

// ---- the machine -------------------------------------------------------------------------------

enum class TrackKind : std::uint8_t { script, file, interface, gateway };
enum class TrackState : std::uint8_t { unknown, good, bad };
std::string_view to_string(TrackKind kind);
std::string_view to_string(TrackState state);

struct TrackerSnapshot {
  TrackKind kind = TrackKind::script;
  std::string name;
  TrackState state = TrackState::unknown;
  TimePoint since{};
  std::string detail{};
  int weight = 0;
};

class Tracking {
 public:
  Tracking(const TrackingConfig& config, vrrp::Priority priority);

  TrackingEffects step(TimePoint now, const TrackingInput& input);
  std::optional<TimePoint> next_deadline() const;
  std::vector<TrackerSnapshot> snapshot() const;  // scripts, files, interfaces, gateway
  vrrp::Priority priority() const { return priority_; }

 private:
  struct Tracker {
    TrackerSnapshot seen;
    int rise = 1;
    int fall = 1;
    int against = 0;         // results in a row that contradict the state
    std::int64_t value = 0;  // file: the number that counts
    bool unusable = false;   // file: the last reading
    bool said = false;       // file: that it is unusable; script: that it could not be run
    Duration patience{};     // for the first result
    bool overdue = false;    // it has not come within it
  };

  void on(TimePoint now, const TrackingBegun& begun);
  void on(TimePoint now, const ScriptEnded& ended);
  void on(TimePoint now, const ScriptNotRun& missed);
  void on(TimePoint now, const FileRead& read);
  void on(TimePoint now, const InterfaceSeen& seen);
  void on(TimePoint now, const GatewayProbed& probed);
  void on(TimePoint now, const TrackingDeadline& deadline);

  void file_is_unusable(TimePoint now, Tracker& file, const std::string& problem);
  static void observe(TimePoint now, Tracker& tracker, bool good, const std::string& detail);
  static void set(TimePoint now, Tracker& tracker, TrackState state, const std::string& detail);
  static bool must_report(const Tracker& tracker);
  TrackingSeen verdict() const;
  vrrp::Priority effective_priority() const;
  void tell();

  vrrp::Priority base_;
  vrrp::Priority priority_;
  std::vector<Tracker> scripts_;
  std::vector<Tracker> files_;
  std::vector<Tracker> interfaces_;
  std::optional<Tracker> gateway_;
  std::optional<TimePoint> begun_;
  TrackingSeen told_;
  TrackingEffects effects_;
};

}  // namespace agent
