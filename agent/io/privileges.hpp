// What the process needs from the kernel: capabilities, realtime scheduling, locked memory.
#pragma once

#include <optional>
#include <string>

namespace agent::io {

// A sentence that names what is missing of CAP_NET_ADMIN and CAP_NET_RAW; nullopt: both are there.
std::optional<std::string> missing_capabilities();

// SCHED_RR at the lowest realtime priority for the calling thread, not inherited by children, and
// memory locked as it is touched. A sentence when the kernel refuses; the agent runs on without.
std::optional<std::string> become_realtime();

// No core files: they would hold passwords.
void forbid_core_files();

}  // namespace agent::io
