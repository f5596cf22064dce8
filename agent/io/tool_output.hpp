// What a tool of the system prints, for a command that waits for it.
#pragma once

#include <string>
#include <vector>

namespace agent::io {

// Standard output of `argv`, found along hooks::io::kScriptPath; empty: there is no such tool, it
// failed, or it took longer than 5 s and was killed. No shell is in between.
std::string tool_output(const std::vector<std::string>& argv);

}  // namespace agent::io
