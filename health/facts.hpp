// What a server says about itself: INFO (sections server, persistence, replication, keyspace) and
// ROLE, parsed into one struct. Field names follow Redis' own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "health/reply.hpp"

namespace health {

enum class Role : std::uint8_t { unknown, master, replica };
std::string_view to_string(Role role);

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string to_string() const;  // "192.168.1.113:6379"
  bool operator==(const Endpoint&) const = default;
};

struct ConnectedReplica {
  Endpoint endpoint;
  bool online = false;
  std::int64_t offset = 0;  // last ACK, up to 1 s old
  std::int64_t lag = 0;     // seconds since the last ACK
  bool operator==(const ConnectedReplica&) const = default;
};

struct ServerFacts {
  // server
  std::string redis_version;  // "7.0.15"
  std::string run_id;         // changes with each start of the process
  std::string mode;           // redis_mode: standalone, cluster, sentinel
  bool cluster_enabled = false;
  // Subscribers of the channel on which Sentinels meet; not of INFO, see Monitor.
  std::int64_t sentinels = 0;
  // persistence
  bool loading = false;
  std::int64_t loading_eta_seconds = 0;
  bool aof_enabled = false;
  bool last_bgsave_ok = true;
  bool last_aof_write_ok = true;
  // keyspace: sum over all databases; nullopt when the section was not in the reply
  std::optional<std::int64_t> keys;
  // replication
  Role role = Role::unknown;
  std::string replid;               // master_replid
  std::string replid2;              // master_replid2, empty when all zeros
  std::int64_t offset = 0;          // master_repl_offset; of a replica: slave_repl_offset
  std::int64_t second_offset = -1;  // second_repl_offset
  std::vector<ConnectedReplica> replicas;
  // replica only
  Endpoint master;
  bool link_up = false;
  bool sync_in_progress = false;
  std::int64_t last_io_seconds_ago = -1;
  std::int64_t link_down_since_seconds = -1;  // -1 with link down: never linked in this run
  int replica_priority = 100;

  bool operator==(const ServerFacts&) const = default;
};

// Parses any mix of INFO sections over `base`: what the text does not name keeps its value.
// Garbage lines are skipped; numbers that are none leave the field as it was. Texts are printable
// and of at most 255 bytes: each other byte is a question mark.
ServerFacts parse_info(std::string_view info, ServerFacts base = {});

// Why nobody may manage this server as one of a pair, as a clause that begins with kNotForAPair;
// nullopt: it may be.
inline constexpr std::string_view kNotForAPair = "not for a pair: ";
std::optional<std::string> unsuitable(const ServerFacts& facts);

// ROLE: ["master", offset, ...] or ["slave", host, port, state, offset].
struct RoleReply {
  Role role = Role::unknown;
  Endpoint master;         // replica only
  std::string link_state;  // replica only: connect, connecting, sync, connected, handshake
  std::int64_t offset = 0;
};
std::optional<RoleReply> parse_role(const Reply& reply);

}  // namespace health
