// A call of redis-cli as its options and its command.
#pragma once

#include <string>
#include <vector>

#include "agent/keepalived_script.hpp"

namespace agent::keepalived {

struct CliCall {
  Endpoint server;
  std::vector<std::string> command;  // empty: it is typed, or comes through a pipe
  bool password = false;
  std::string user;
  bool tls = false;
  std::string tls_ca;
};

// "redis-cli", "valkey-cli", "keydb-cli", at any path.
bool is_redis_cli(const std::string& word);

// `words` begins with the program.
CliCall read_cli_call(const std::vector<std::string>& words);

// The last part of a path.
std::string base_name(const std::string& path);

}  // namespace agent::keepalived
