// `tandem watch`: the status on the whole terminal, drawn anew until q or Ctrl-C.
#pragma once

#include <chrono>
#include <string>

namespace agent::io {

struct WatchOptions {
  std::string socket;
  std::string pair;  // empty: all
  std::string colour = "auto";
  std::chrono::milliseconds interval{1000};
};

// Exit code: 0 ended by who watches, 1 no such pair, 2 there is no terminal, 3 no agent at the
// start. Later one that goes away is awaited.
int watch(const WatchOptions& options);

}  // namespace agent::io
