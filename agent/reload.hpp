// What a changed configuration asks of a running agent: which pairs go, come, begin anew, or do not
// notice.
#pragma once

#include <string>
#include <vector>

#include "agent/config.hpp"

namespace agent {

struct ReloadPlan {
  std::vector<std::string> removed;
  std::vector<std::string> added;
  std::vector<std::string> changed;
  std::vector<std::string> unchanged;
  // Keys of [agent] that only a restart can change; then nothing is changed.
  std::vector<std::string> refused;

  // "1 pair changed (redis), 1 added (cache), 3 unchanged"
  std::string to_string() const;
};

// The contents of certificates and of auth_key_file are read again without this.
ReloadPlan plan_reload(const Config& now, const Config& wanted);

}  // namespace agent
