// `tandem fetch`: a server's dataset as an RDB file, for backups and before risky work. Needs no
// agent. Prints progress on a terminal, one line at the end, or the reason why there is no file.
#pragma once

#include <cstddef>
#include <string>

namespace agent::io {

struct FetchOptions {
  std::string server;         // "server12:6379", "[fd00::2]:6379", "unix:/run/redis/redis.sock"
  std::string user;           // empty: the default user
  std::string password_file;  // empty: no password
  std::string tls_ca;         // empty: no TLS
  std::string tls_cert;
  std::string tls_key;
  std::string tls_name;  // in the certificate; empty: the name or address in `server`
  std::string output;
  std::size_t keep = 1;         // old files that stay beside it
  unsigned stall_seconds = 60;  // without a byte
};

// The exit code: 0, or 1 with the reason on stderr. Cancelled by SIGINT and SIGTERM, which leave
// the old file as it was.
int fetch_dataset(const FetchOptions& options);

}  // namespace agent::io
