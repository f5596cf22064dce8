// `tandem doctor`: looks at this host, and says what is wrong and what mends it.
#pragma once

#include <string>

#include "agent/screen.hpp"

namespace agent::io {

struct DoctorOptions {
  std::string socket;
  std::string config;  // empty: that of the running agent, else the usual place
  std::string pair;    // empty: all
  bool as_json = false;
  bool all = false;  // also what is well
  Screen screen;
};

// Exit code: 0 nothing serious, 1 problems.
int examine(const DoctorOptions& options);

}  // namespace agent::io
