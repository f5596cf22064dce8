// What the agent does most often, each as one call: for the clock (Google Benchmark) and for the
// count of instructions (callgrind).
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace micro {

using Operation = std::function<void()>;

struct Measured {
  std::string name;
  // Prepares it; nothing of this is counted.
  std::function<Operation()> prepare;
  bool counts = true;  // its instructions are all in this program: no kernel in the path
};

const std::vector<Measured>& operations();

}  // namespace micro
