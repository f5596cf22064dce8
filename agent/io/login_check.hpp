// Whether the servers of this host let the agent in by a configuration that is about to be taken
// up: a leader that begins anew with a wrong password would lose its role for it.
#pragma once

#include <string>
#include <vector>

#include "agent/config.hpp"

namespace agent::io {

// Of the pairs that are in both, and whose local server is reached or logged in to otherwise now:
// a sentence for each login that is refused and each right that is missing. A server that does not
// answer is none. Waits for at most some tenths of a second each: not for the loop.
std::vector<std::string> login_problems(const Config& now, const Config& wanted);

}  // namespace agent::io
