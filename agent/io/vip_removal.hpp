// `tandemd --remove-vips`: takes the virtual addresses of a configuration off this host when no
// agent is there to do it, as after one that was killed while it stopped.
#pragma once

#include <string>
#include <vector>

#include "agent/config.hpp"

namespace agent::io {

struct VipRemoval {
  std::vector<std::string> removed;   // "192.168.1.120/24 from eth0"
  std::vector<std::string> problems;  // sentences; nothing was touched when the agent lives
};

VipRemoval remove_vips(const Config& config);

}  // namespace agent::io
