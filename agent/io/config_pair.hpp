// One [[pair]] of the configuration: its keys become a PairConfig, and the places of its values are
// kept for what can only be judged when all pairs are known (check_pairs).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.hpp"
#include "agent/io/config_reader.hpp"

namespace agent::io {

// A VIP of `vips` or `vips_excluded`.
struct VipDraft {
  vrrp::VirtualAddress vip;
  KeyPlace at;
};

struct PairDraft {
  PairConfig config;
  std::string label;  // "pair[redis]", or "pair[1]" while it has no good name
  // Of what was accepted; nullopt: absent or refused, and that is said.
  std::optional<Place> name;
  std::optional<Place> identity;  // interface, version and VRID are good; the VRID's place
  std::optional<Place> server_address;
  std::optional<Place> replication_address;
  std::optional<Place> peer_server;
  std::optional<Place> peer_agent;
  bool peer_agent_given = false;        // accepted or not
  std::vector<VipDraft> vips;           // of config.vips, then of config.vips_excluded
  std::optional<KeyPlace> gateway;      // of config.tracking.gateway
  std::vector<KeyPlace> sources;        // one for each of config.sources
  std::vector<KeyPlace> unicast_peers;  // one for each of config.unicast_peers
  std::vector<KeyPlace> replicas;       // one for each of config.replicas
};

// `number` counts from 1; `path` is the configuration file's, for the check of its permissions.
PairDraft read_pair(const ConfigNode& table, std::size_t number, const std::string& path,
                    Problems& problems);

// The keys of the virtual router (config_vrrp.cpp). False: the version is not known, because its
// value was refused.
bool read_router(TableReader& pair, PairConfig& config, const std::string& path);
// vips, vips_excluded, source and the keys of unicast (config_vips.cpp).
void read_addresses(TableReader& pair, PairDraft& draft, bool version_known, Problems& problems);

// replicas, [pair.server] and [pair.peer], with the passwords that they name (config_server.cpp).
void read_servers(TableReader& pair, PairDraft& draft);

// The keys of [pair.server] about bringing the server back (config_recovery.cpp).
void read_recovery(TableReader& server, RecoveryConfig& recovery);

// track_interfaces, track_gateway, [[pair.track_script]] and [[pair.track_file]]. Asks for keys
// that are read before: name, interface, priority, vips and both servers (config_tracking.cpp).
void read_tracking(TableReader& pair, PairDraft& draft, Problems& problems);

// Names, VRIDs and addresses of all pairs against each other (config_checks.cpp).
void check_pairs(const std::vector<PairDraft>& pairs, Problems& problems);

}  // namespace agent::io
