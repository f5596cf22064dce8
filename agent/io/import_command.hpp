// `tandem import`: reads a keepalived.conf, what it includes and the scripts it names, and writes a
// commented tandem.toml. Needs no agent and changes nothing else.
#pragma once

#include <string>

namespace agent::io {

struct ImportOptions {
  std::string file = "/etc/keepalived/keepalived.conf";
  std::string output;     // empty: standard output
  std::string config_id;  // keepalived's -i; empty: the host name's first part
  bool as_json = false;
};

// The exit code: 0, or 1 with one sentence on stderr.
int import_configuration(const ImportOptions& options);

}  // namespace agent::io
