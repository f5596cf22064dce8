// Whether a script may be run: keepalived's enable_script_security, as a pure judgement over what
// stat() said of each component of its path.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace hooks {

struct PathComponent {
  std::string path;   // "/", "/etc", "/etc/tandem", "/etc/tandem/notify.sh"; links resolved
  uid_t owner = 0;
  mode_t mode = 0;    // st_mode
};

// nullopt: fine. Otherwise one sentence with component, owner and mode in octal, and what to do.
// Rules: the last component is a regular file that `run_as` can execute; every component is owned
// by root or by `run_as`, and writable by no one else (sticky directories excepted).
std::optional<std::string> refuse_script(const std::vector<PathComponent>& components,
                                         uid_t run_as);

}  // namespace hooks
