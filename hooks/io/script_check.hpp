// Asks the file system about a command's path and lets script_policy judge it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hooks/io/identity.hpp"
#include "hooks/script_policy.hpp"

namespace hooks::io {

// Every directory, link and file that decides what `path` (absolute) means, in the order the kernel
// visits them; or one sentence about the first that is missing.
std::variant<std::vector<PathComponent>, std::string> walk_path(const std::string& path);

// nullopt: `command` may run as `identity`. A command without a slash is looked for along
// kScriptPath, as the runner does.
std::optional<std::string> refuse_command(const std::string& command, const Identity& identity);

}  // namespace hooks::io
