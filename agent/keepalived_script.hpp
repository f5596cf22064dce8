// What a script beside keepalived does, as far as it concerns Redis: which servers it names, which
// of its lines do what Tandem does now, and whether it does anything else. Never keeps a password.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agent::keepalived {

// Where a server listens, as redis-cli is told; its defaults where it is not.
struct Endpoint {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string unix_path;
  bool operator==(const Endpoint&) const = default;
};

enum class Work : std::uint8_t {
  nothing,   // control flow, logging
  wait,      // sleep
  check,     // asks Redis, or whether it runs
  role,      // SLAVEOF, REPLICAOF, FAILOVER
  settings,  // of replication, and clients
  start,     // of a server
  stop,
  copy,    // of an RDB
  router,  // keepalived itself, the network
  logs,    // appends to a file of its own
  looks,   // tests a file
  other,
};

struct ScriptLine {
  unsigned line = 0;
  Work work = Work::other;
  std::string words;  // "SLAVEOF 192.168.1.113 6379"; no password
};

struct ScriptFindings {
  std::vector<ScriptLine> lines;     // all but nothing
  std::vector<Endpoint> commanded;   // servers whose role it changes
  std::vector<Endpoint> masters;     // servers that it makes others follow
  std::vector<Endpoint> asked;       // servers that it asks
  std::vector<std::string> sources;  // hosts that an RDB is copied from
  bool password = false;
  std::string user;  // ACL user
  bool tls = false;
  std::string tls_ca;
  std::string unit;      // of the server, where systemctl or service are used
  std::string rdb_file;  // where a copied RDB is put
  bool shell = true;     // false: another language, looked through by words only
  bool binary = false;   // a program, not looked into

  bool does(Work work) const;
  bool touches_redis() const;  // a line that Tandem makes superfluous
  // A line that would work against Tandem.
  bool steers() const;
  // "line 7 (SLAVEOF 192.168.1.113 6379), line 9 (SLAVEOF NO ONE)", of what Tandem does now.
  std::string redis_lines() const;
};

ScriptFindings look_at_script(std::string_view text);
// One command line, as in `script "redis-cli ping"`.
ScriptFindings look_at_command(std::string_view line);

// Whether a command line has a password for redis-cli in it.
bool has_password(std::string_view line);

}  // namespace agent::keepalived
