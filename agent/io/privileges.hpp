// What the process needs from the kernel: capabilities, realtime scheduling, locked memory.
#pragma once

#include <optional>
#include <string>

namespace agent::io {

// A sentence that names what is missing of CAP_NET_ADMIN and CAP_NET_RAW; nullopt: both are there.
std::optional<std::string> missing_capabilities();

// The process keeps what tandem.service and tandem-recovery.conf grant, and no more, also when
// somebody starts it as root by hand; of that, what the latter grants is not in force yet. For a
// process of one thread. Its children are not concerned: what they may is hooks/io's business.
void give_up_capabilities();
// `wanted`: datasets are put in place of a server's own, and what tandem-recovery.conf grants is in
// force from now on; else it is given up until the program is executed anew.
void settle_file_capabilities(bool wanted);
// They were given up, and would be there after `tandem restart`.
bool file_capabilities_given_up();

// SCHED_RR at the lowest realtime priority for the calling thread, not inherited by children, and
// memory locked as it is touched. A sentence when the kernel refuses; the agent runs on without.
std::optional<std::string> become_realtime();

// No core files: they would hold passwords.
void forbid_core_files();

}  // namespace agent::io
