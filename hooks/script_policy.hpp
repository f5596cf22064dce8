// Whether a script may be run: keepalived's enable_script_security, as a pure judgement over what
// stat() said of each component of its path.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace hooks {

struct PathComponent {
  // "/", "/etc", "/etc/tandem", "/etc/tandem/notify.sh": links followed, each link a component too
  std::string path;
  uid_t owner = 0;
  mode_t mode = 0;  // st_mode of lstat()
  gid_t group = 0;
};

// nullopt: fine. Otherwise one sentence with component, owner and mode in octal, and what to do.
// Rules: the last component is a regular file that `run_as` (a member of `groups`) can execute, and
// the directories before it can be searched; every component is owned by root or by `run_as`, and
// writable by no one else (sticky directories excepted; of a link only the owner counts).
std::optional<std::string> refuse_script(const std::vector<PathComponent>& components, uid_t run_as,
                                         const std::vector<gid_t>& groups = {});

struct PlaceWords {
  std::string user;  // "the agent's user"
  std::string what;  // what somebody could change: "the password"
  gid_t group = 0;   // which may write, besides root's
};
// The same judgement of who can put something else in the place of a file or directory that is not
// run: root, `user` and root's group may. nullopt, or one sentence with what to do.
std::optional<std::string> refuse_place(const std::vector<PathComponent>& components, uid_t user,
                                        const PlaceWords& words);

}  // namespace hooks
