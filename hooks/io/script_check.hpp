// Asks the file system about a command's path and lets script_policy judge it.
#pragma once

#include <optional>
#include <string>

#include "hooks/io/identity.hpp"

namespace hooks::io {

struct Refusal {
  std::string why;  // one sentence
  int error = 0;    // errno, when it could not be looked at
};

// nullopt: `command` may run as `identity`. A command without a slash is looked for along
// kScriptPath, as the runner does.
std::optional<Refusal> refuse_command(const std::string& command, const Identity& identity);
// Nor may it run as nobody.
std::optional<Refusal> refuse_command(const std::string& command, const FoundIdentity& found);

}  // namespace hooks::io
