// The configuration as a value: documented defaults, no parsing (config_load.hpp) and no use.
// Keys, units and meaning are those of etc/tandem.toml.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/tracking.hpp"
#include "health/monitor.hpp"
#include "health/tls.hpp"
#include "hooks/notify.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/authentication.hpp"
#include "vrrp/timing.hpp"
#include "vrrp/types.hpp"
#include "vrrp/virtual_address.hpp"

namespace agent {

enum class LogTarget : std::uint8_t { journal, standard_error, file };
enum class LogFormat : std::uint8_t { text, json };

struct LogConfig {
  std::string level = "info";  // trace, debug, info, warn, error
  LogTarget target = LogTarget::journal;
  std::string file;                    // target = "file": path
  LogFormat format = LogFormat::text;  // not of the journal, whose lines have fields
  bool operator==(const LogConfig&) const = default;
};

// TLS to a server; the paths are kept because certificates are renewed.
struct TlsConfig {
  std::string ca_file;
  std::string cert_file;  // empty: no certificate of our own
  std::string key_file;
  health::TlsMaterial material;  // their contents, and server_name
  bool operator==(const TlsConfig&) const = default;
};

// Where a server listens and how to log in.
struct ServerConfig {
  std::string host;  // numeric IPv4 address; empty for a Unix socket
  std::uint16_t port = 0;
  std::string unix_path;  // "unix:/run/redis/redis.sock"
  std::string user;       // ACL user; empty: default user
  std::string password_file;
  std::string password;  // content of password_file without the line end; never printed
  std::optional<TlsConfig> tls;
  bool operator==(const ServerConfig&) const = default;
};

// [pair.server]: how the local server is brought back when it is down.
struct RecoveryConfig {
  std::vector<std::string> start;  // empty: the agent starts no server
  std::vector<std::string> stop;
  bool copy = false;  // recovery = "rdb": the leader's dataset is put in place before the start
  bool automatic = false;                    // auto_recover; default: copy
  Duration delay = std::chrono::seconds(5);  // down for that long
  Duration stop_timeout = std::chrono::seconds(30);
  Duration start_timeout = std::chrono::seconds(60);
  Duration copy_timeout = std::chrono::hours(1);
  std::vector<std::string> command;  // recovery_command; empty: the built-in fetch
  std::string rdb_file;              // empty: as the server says when it is up
  std::size_t keep = 3;              // old datasets that stay
  std::string user = "root";         // command_user
  bool operator==(const RecoveryConfig&) const = default;
};

// Rule 12: asked for a proof that the peer's host is down.
struct FenceConfig {
  std::vector<std::string> command;  // empty: none; the pair and the peer are appended
  std::string user = "nobody";
  Duration timeout = std::chrono::seconds(30);
  bool operator==(const FenceConfig&) const = default;
};

struct PairConfig {
  std::string name;
  std::string interface;
  vrrp::Vrid vrid;
  vrrp::Version version = vrrp::Version::v3;
  vrrp::Priority priority{100};
  Duration advert_interval = std::chrono::milliseconds(100);  // v2: 1 s
  // IPv4 of version 3: RFC 9568 leaves the pseudo-header out, RFC 5798 and keepalived have it.
  vrrp::ChecksumForm checksum_form = vrrp::ChecksumForm::pseudo_header;
  int down_adverts = vrrp::kDownAdverts;  // missed in a row: 1 to 100
  bool preempt = false;                   // take the role from a leader of lower priority
  Duration preempt_delay{};
  bool failback = false;  // take the role back by a planned move, when preferred and in sync
  Duration failback_delay = std::chrono::seconds(30);
  Duration startup_hold{};                           // listen at least that long after the start
  Duration link_up_delay = std::chrono::seconds(1);  // after a loss of the link
  vrrp::AuthType auth_type = vrrp::AuthType::none;   // v2: pass when auth_pass is given
  vrrp::AuthPass auth_pass{};
  std::string auth_key_file;                   // empty: adverts carry no authentication trailer
  vrrp::AuthRules auth;                        // keys: content of auth_key_file; never printed
  std::vector<vrrp::IpAddress> unicast_peers;  // empty: multicast
  std::uint8_t unicast_ttl_min = 255;          // of a received unicast advert
  std::vector<vrrp::IpAddress> sources;        // at most one of each family; empty: chosen
  std::vector<vrrp::VirtualAddress> vips;      // at least one
  std::vector<vrrp::VirtualAddress> vips_excluded;  // not in adverts
  bool strict_vips = false;                         // adverts with other VIPs are refused
  std::chrono::seconds vip_lease{2};                // kernel lifetime of a VIP, 2 s to 60 s
  int announce_count = 5;
  Duration announce_repeat = std::chrono::seconds(5);
  Duration announce_refresh = std::chrono::seconds(60);

  // Rule 4: when a standby may take over.
  Duration max_replica_age = std::chrono::seconds(30);  // link down before the leader was lost
  std::uint64_t max_lag_bytes = 16ULL * 1024 * 1024;    // behind the leader at last sight
  Duration wait_for_peer = std::chrono::seconds(60);    // rule 11, alone after a cold start
  Duration promote_timeout = std::chrono::seconds(3);   // budget of a promotion
  Duration handover_timeout = std::chrono::seconds(2);  // budget of fence and drain on a stop
  std::size_t max_takeovers = 10;  // rule 16: automatic ones in an hour; 0: any number
  Duration hold_down{};            // after the role was lost
  // Rule 12. safe: an isolated leader stops taking writes within about max_lag_time.
  bool safe = false;
  Duration max_lag_time = std::chrono::seconds(2);  // whole seconds
  FenceConfig fence;
  // Rules 8 and 10: a server whose data the leader lacks follows it once they are kept, or waits.
  bool rejoin_alone = true;
  std::size_t keep_diverged = 5;  // kept copies that stay

  ServerConfig server;           // the local one
  std::string replication_host;  // address that the peer's server replicates from
  std::uint16_t replication_port = 0;
  health::MonitorConfig monitor;  // ping_interval, info_interval, fall, rise
  RecoveryConfig recovery;

  ServerConfig peer_server;  // TCP only
  // Servers without an agent that replicate from the pair; login and TLS are the peer server's.
  std::vector<health::Endpoint> replicas;
  std::string peer_agent_host;  // where the other node's agent listens; empty: no peer link
  std::uint16_t peer_agent_port = 0;
  hooks::NotifyConfig notify;
  TrackingConfig tracking;  // track_interfaces, track_gateway, track_script, track_file
  bool operator==(const PairConfig&) const = default;
};

// The link between the two agents.
struct PeerLinkConfig {
  std::string host;  // where this agent listens; empty: there is no link
  std::uint16_t port = 0;
  std::string secret_file;
  std::array<std::uint8_t, 32> key{};  // made of the content of secret_file; never printed
  bool operator==(const PeerLinkConfig&) const = default;
};

// Where the HTTP door opens: metrics, words for load balancers, the status page.
struct MetricsConfig {
  std::string host;  // numeric; empty: there is none
  std::uint16_t port = 0;
  bool operator==(const MetricsConfig&) const = default;
};

struct Config {
  std::string file;  // where it was read from
  std::string node;  // default: host name
  std::string state_dir = "/var/lib/tandem";
  std::string control_socket = "/run/tandem/control.sock";
  bool realtime = true;  // SCHED_RR and locked memory, where the kernel allows it
  LogConfig log;
  MetricsConfig metrics;
  PeerLinkConfig peer_link;
  std::vector<PairConfig> pairs;  // at least one

  // Some pair puts the leader's dataset in place of its own server's.
  bool copies_datasets() const {
    return std::ranges::any_of(pairs, [](const auto& pair) { return pair.recovery.copy; });
  }
};

}  // namespace agent
