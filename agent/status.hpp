// The answer to `tandem status`: one value per pair, its JSON, and its text for people. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/counters.hpp"
#include "agent/pair.hpp"
#include "agent/peer_word.hpp"
#include "agent/tracking.hpp"
#include "health/monitor.hpp"
#include "hooks/recovery.hpp"
#include "vrrp/admission.hpp"
#include "vrrp/instance.hpp"

namespace agent {

struct ServerStatus {
  std::string address;
  health::MonitorSnapshot monitor;
  std::int64_t lag_bytes = -1;  // behind the master; -1: not known
};

// A further replica; only the leader watches them.
struct ReplicaStatus {
  ServerStatus server;
  bool watched = false;
  std::string problem;  // a sentence; empty: nothing is wrong
};

struct VipStatus {
  std::string address;  // "192.168.1.120/24"
  std::string interface;
  bool advertised = true;  // false: of vips_excluded
  bool present = false;    // on its interface now
};

struct TrackerStatus {
  TrackerSnapshot seen;
  std::string since;  // wall clock
};

// The link to the other node's agent.
struct PeerLinkStatus {
  enum class State : std::uint8_t { off, down, up };
  State state = State::off;
  std::string why;               // not up: a clause
  std::string since;             // wall clock
  std::string node;              // up: the other node
  std::string version;           // up: of its agent
  std::optional<double> rtt_ms;  // up: measured
  std::optional<PeerWord> says;  // its last word about the pair
};
std::string_view to_string(PeerLinkStatus::State state);

struct PairStatus {
  std::string name;
  PairSnapshot pair;
  double for_seconds = 0;                     // in this state
  bool failback = false;                      // configured
  std::optional<double> failback_in_seconds;  // due
  std::optional<double> maintenance_seconds_left;
  std::string since;  // wall clock, "2026-11-21T08:00:00Z"
  std::string interface;
  vrrp::InstanceConfig router_config;
  vrrp::InstanceSnapshot router;
  // Own address of the adverts in each family that the pair speaks; empty: there is none now.
  std::vector<std::pair<vrrp::Family, std::string>> sources;
  std::vector<int> auth_keys;  // ids; the first signs
  vrrp::ReceiveCounters received;
  std::uint64_t sent = 0;
  std::vector<VipStatus> vips;
  std::uint64_t vip_repairs = 0;
  vrrp::Priority configured_priority;
  vrrp::Priority priority;  // effective: with the weights of trackers
  std::vector<TrackerStatus> trackers;
  ServerStatus server;
  ServerStatus peer;
  std::vector<ReplicaStatus> replicas;
  PeerLinkStatus peer_link;
  std::optional<hooks::RecoveryStatus> recovery;  // nullopt: there is no start command
  PairCounters counters;
};

// What decides whether clients are sent here: of one pair, and cheap.
struct PairGlance {
  std::string name;
  PairState state = PairState::starting;
  std::string reason;
  health::Health health = health::Health::unknown;  // of the local server
  std::string detail;
  bool linked = false;  // the local server is a replica that is linked to its master
};

struct AgentStatus {
  std::string node;
  std::string version;
  long pid = 0;
  double uptime_seconds = 0;
  std::vector<PairStatus> pairs;
};

// The word of the state that notify scripts get: MASTER, BACKUP, FAULT, STOP.
std::string_view state_word(PairState state);

boost::json::object status_json(const AgentStatus& status);

// One screen that answers: who leads, why and since when, is the standby good, what is wrong.
// Takes the JSON, as the command line has nothing else. `only`: one pair; empty: all.
std::string status_text(const boost::json::object& status, const std::string& only);

}  // namespace agent
