// [pair.server], [pair.peer] and replicas: where the servers are and how to log in.
#include "agent/io/config_pair.hpp"
#include "agent/io/config_peer.hpp"
#include "agent/io/config_secrets.hpp"
#include "agent/io/config_tls.hpp"

namespace agent::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxUser = 128;
constexpr std::size_t kMaxReplicas = 16;
constexpr Duration kLateDetection = seconds(10);

Parsed<std::string> parse_user(const ConfigNode& node) {
  auto user = parse_text(node, kMaxUser);
  if (std::holds_alternative<std::string>(user) && node.text.find(' ') != std::string::npos) {
    return Refusal{"contains a blank, which no ACL user's name can"};
  }
  return user;
}

// Reachable from the other host: TCP, and no loopback.
Parsed<Endpoint> parse_remote_endpoint(const ConfigNode& node, std::string_view whose) {
  auto parsed = parse_endpoint(node, UnixSocket::refused);
  if (const auto* endpoint = std::get_if<Endpoint>(&parsed)) {
    const auto address = vrrp::IpAddress::parse(endpoint->host);
    if (address && is_loopback(*address)) {
      return Refusal{quoted(endpoint->host) +
                     " is a loopback address, which means another server on each host; write " +
                     std::string(whose) + " address in the network"};
    }
  }
  return parsed;
}

void read_login(TableReader& reader, ServerConfig& server) {
  reader.read("user", server.user, parse_user);
  const bool named = reader.read("password_file", server.password_file,
                                 [](const ConfigNode& node) { return parse_path(node, kMaxPath); });
  if (!named) return;
  auto password = read_password(server.password_file);
  if (auto* refusal = std::get_if<Refusal>(&password)) {
    reader.error("password_file", std::move(refusal->what));
  } else {
    server.password = std::get<std::string>(std::move(password));
  }
}

void refuse_user_without_password(TableReader& reader) {
  if (!reader.accepted("user")) return;
  reader.error("user", "needs password_file; write the path of a file with the user's password");
}

void read_monitor(TableReader& reader, health::MonitorConfig& monitor) {
  const auto interval = [](const ConfigNode& node) {
    return parse_duration(node, {milliseconds(10), seconds(60)});
  };
  const auto count = [](const ConfigNode& node) { return parse_integer(node, 1, 100); };
  reader.read("ping_interval", monitor.ping_interval, interval);
  reader.read("info_interval", monitor.info_interval, interval);
  reader.read("fall", monitor.fall, count);
  reader.read("rise", monitor.rise, count);
  const Duration detection = monitor.ping_interval * monitor.fall;
  if (detection <= kLateDetection) return;
  reader.warning(reader.accepted("ping_interval") ? "ping_interval" : "fall",
                 "ping_interval times fall is " + to_text(detection) +
                     ": that long a hung server keeps the VIP; 10s or less is usual");
}

void assign(ServerConfig& server, Endpoint endpoint) {
  server.host = std::move(endpoint.host);
  server.port = endpoint.port;
  server.unix_path = std::move(endpoint.unix_path);
}

// Whether a password is named, be it good or not.
bool read_local_server(TableReader& reader, PairDraft& draft) {
  PairConfig& pair = draft.config;
  Endpoint address;
  Endpoint replication;
  if (reader.require(
          "address", address,
          [](const ConfigNode& node) { return parse_endpoint(node, UnixSocket::allowed); },
          "write where the local server listens, as in address = \"127.0.0.1:6379\"")) {
    assign(pair.server, std::move(address));
  }
  if (reader.require(
          "replication_address", replication,
          [](const ConfigNode& node) { return parse_remote_endpoint(node, "this host's own"); },
          "write this host's own address and the server's port, as in \"192.168.1.112:6379\"")) {
    pair.replication_host = replication.host;
    pair.replication_port = replication.port;
  }
  read_login(reader, pair.server);
  const bool has_password = reader.find("password_file") != nullptr;
  if (!has_password) refuse_user_without_password(reader);
  read_tls(reader, pair.server.tls, std::nullopt);
  if (pair.server.tls && !pair.server.unix_path.empty()) {
    reader.error("tls",
                 "is for TCP; Redis has no TLS on a Unix socket: leave it away, and give "
                 "[pair.peer] its own");
  }
  read_monitor(reader, pair.monitor);
  read_recovery(reader, pair.recovery);
  reader.finish();
  draft.server_address = reader.accepted("address");
  draft.replication_address = reader.accepted("replication_address");
  return has_password;
}

void read_peer(TableReader& reader, PairDraft& draft, bool has_server_password) {
  ServerConfig& peer = draft.config.peer_server;
  Endpoint server;
  if (reader.require(
          "server", server,
          [](const ConfigNode& node) { return parse_remote_endpoint(node, "the other host's"); },
          "write the other host's address and its server's port, as in \"192.168.1.113:6379\"")) {
    assign(peer, std::move(server));
  }
  peer.user = draft.config.server.user;
  peer.password_file = draft.config.server.password_file;
  peer.password = draft.config.server.password;
  read_login(reader, peer);
  if (reader.find("password_file") == nullptr && !has_server_password) {
    refuse_user_without_password(reader);
  }
  read_tls(reader, peer.tls, draft.config.server.tls);
  read_peer_agent(reader, draft);
  reader.finish();
  draft.peer_server = reader.accepted("server");
}

void read_replicas(TableReader& reader, PairDraft& draft) {
  std::vector<Endpoint> endpoints;
  reader.read_list("replicas", endpoints, draft.replicas, [](const ConfigNode& node) {
    return parse_remote_endpoint(node, "the replica's");
  });
  for (const Endpoint& one : endpoints) draft.config.replicas.push_back({one.host, one.port});
  if (endpoints.size() > kMaxReplicas) {
    reader.error("replicas", "has more than " + std::to_string(kMaxReplicas) +
                                 " servers; let some of them replicate from a replica");
  }
}

}  // namespace

void read_servers(TableReader& pair, PairDraft& draft) {
  read_replicas(pair, draft);
  bool has_password = false;
  if (pair.find("server") == nullptr) {
    pair.error("server", "is missing; write [pair.server] with the local server's address");
  } else if (auto server = pair.table("server")) {
    has_password = read_local_server(*server, draft);
  }
  if (pair.find("peer") == nullptr) {
    pair.error("peer", "is missing; write [pair.peer] with the other node's server");
  } else if (auto peer = pair.table("peer")) {
    read_peer(*peer, draft, has_password);
  }
}

}  // namespace agent::io
