// Scenarios that an operator can read: a text file of inputs to agent::Pair, each followed by the
// effects that the rulebook must answer with, whole and in order.
//
//   # The leader's server is killed.
//   0ms     begin
//   10ms    health local dead connection refused
//           -> eligible no
//
// UPDATE_SCENARIOS=1 rewrites the files with what the rulebook says now; the diff is reviewed.
#pragma once

#include <string>

namespace scenarios {

// The same text with the effects of the current rulebook. Throws std::runtime_error with line
// number and what is wrong for a line that is no input.
std::string replay(const std::string& text);

}  // namespace scenarios
