// Forks and executes one command as another user, with nothing of the daemon left on it: no
// descriptors, environment, signal settings, scheduling or capabilities. It waits for nothing.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hooks/io/identity.hpp"
#include "hooks/io/unique_fd.hpp"
#include "hooks/notify.hpp"

namespace hooks::io {

inline constexpr std::string_view kScriptPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Where a command without a slash may lie, in order; a command with one lies where it says.
std::vector<std::string> places_of(const std::string& command);

struct ChildProcess {
  pid_t pid = -1;   // also its process group
  UniqueFd pidfd;   // readable when it has ended
  UniqueFd output;  // its stdout and stderr, non-blocking
  UniqueFd report;  // what kept it from running the command; see failure_of()
};

struct NotStarted {
  std::string why;  // one sentence
  int error = 0;    // errno, when a system call refused
};

std::variant<ChildProcess, NotStarted> start_child(const HookRun& hook, const Identity& identity);

// The sentence about a child that another part of this process has reaped, or SIGCHLD's SIG_IGN.
std::string result_lost(const HookRun& hook);

// Once the child has ended: why it never became the command, if so.
std::optional<NotStarted> failure_of(const ChildProcess& child, const HookRun& hook);

}  // namespace hooks::io
