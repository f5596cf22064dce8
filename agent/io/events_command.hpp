// `tandem events`: what happened to the pairs of this node, from the journal in state_dir. Reads
// the files itself, so that it works without an agent.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/event.hpp"
#include "agent/screen.hpp"

namespace agent::io {

struct EventsOptions {
  std::string state_dir = "/var/lib/tandem";
  std::string pair;                // empty: all
  std::vector<std::string> kinds;  // words of EventKind; empty: all
  bool warnings = false;           // nothing less than a warning
  std::size_t last = 40;           // 0: all that is kept
  std::chrono::seconds since{};    // 0: however old
  bool as_json = false;            // one event a line, as it is kept
  bool follow = false;             // goes on until it is ended
  Screen screen;
};

// The exit code: 0, or 1 with the reason on stderr.
int show_events(const EventsOptions& options);

}  // namespace agent::io
