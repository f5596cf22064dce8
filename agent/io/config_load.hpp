// Reads tandem.toml (toml++) into a Config. Every problem of the file is collected and reported at
// once, each with line, key, what is wrong and what is allowed.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "agent/config.hpp"

namespace agent {

struct ConfigProblem {
  unsigned line = 0;  // 0: the file as a whole
  // "pair[redis].vrid", or "pair[1].vrid" (counted from 1) while the pair has no good name; empty:
  // the file as a whole.
  std::string key;
  std::string what;  // sentence without file, line and key
  // "/etc/tandem/tandem.toml:12: pair[redis].vrid: 0 is not a VRID; allowed are 1 to 255"
  // "/etc/tandem/tandem.toml does not exist"
  std::string to_string(const std::string& file) const;
};

// Where a VIP stands in the file, for what only a host can tell about it.
struct VipPlace {
  vrrp::VirtualAddress vip;
  unsigned line = 0;
  std::string key;  // "pair[redis].vips[1]"
};

// The same for track_gateway.
struct GatewayPlace {
  std::string interface;
  vrrp::IpAddress address;
  unsigned line = 0;
  std::string key;  // "pair[redis].track_gateway"
};

struct LoadedConfig {
  Config config;
  std::vector<ConfigProblem> warnings;  // usable all the same
  std::vector<VipPlace> vips;           // of all pairs, in the order of the file
  std::vector<GatewayPlace> gateways;   // likewise
};

using LoadResult = std::variant<LoadedConfig, std::vector<ConfigProblem>>;

// Reads the file and the secrets that it names, and checks everything that can be checked without
// the network: what needs the host is checked at start.
LoadResult load_config(const std::string& path);
// The same from text; `path` is used for messages and for the check of secrets' permissions.
LoadResult parse_config(const std::string& text, const std::string& path);

}  // namespace agent
