// `tandem diverged`: lists and explains the copies of what was replaced although the leader lacked
// it. Reads state_dir itself, so that it works without an agent.
#pragma once

#include <string>

namespace agent::io {

struct DivergedOptions {
  std::string state_dir = "/var/lib/tandem";
  std::string pair;  // list: empty for all
  std::string name;  // show: the copy; empty: the newest
  bool as_json = false;
};

// The exit code: 0, or 1 with the reason on stderr.
int list_diverged(const DivergedOptions& options);
// Reads the copy to its end and says whether it is whole, and how to look into it.
int show_diverged(const DivergedOptions& options);

}  // namespace agent::io
