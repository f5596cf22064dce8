// Asks the file system what decides where a path leads, for hooks::refuse_script() and
// hooks::refuse_place() to judge.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hooks/script_policy.hpp"

namespace hooks::io {

struct NoPath {
  std::string why;  // one sentence about the first that is missing
  int error = 0;    // errno of the look at it; 0: it leads nowhere
};

// Every directory, link and file that decides what `path` (absolute) means, in the order the kernel
// visits them.
std::variant<std::vector<PathComponent>, NoPath> walk_path(const std::string& path);

// hooks::refuse_place() for this process; nullopt also when the path leads nowhere, for whoever
// opens it says why. `what` somebody could change: "the password".
std::optional<std::string> refuse_place(const std::string& path, const std::string& what);

}  // namespace hooks::io
