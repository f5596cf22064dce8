// What Prometheus scrapes, made of the status of all pairs when it is asked for: names, units and
// meaning are those of etc/metrics.md.
#pragma once

#include <cstdint>
#include <string>

#include "agent/status.hpp"

namespace agent::io {

// Of this process, by /proc.
struct ProcessFacts {
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double cpu_seconds = 0;
  double start_seconds = 0;  // since 1970
  double open_fds = 0;
  double max_fds = 0;
};
// Reads files: not for the loop.
ProcessFacts read_process_facts();

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// `now`: seconds since 1970.
std::string metrics_text(const AgentStatus& status, const ProcessFacts& process, double now);

}  // namespace agent::io
