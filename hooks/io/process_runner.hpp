// Runs one child process: own process group, dropped to a user and group, clean environment, no
// inherited descriptors, default signals and scheduling, output captured line by line up to a
// bound, killed as a group (SIGTERM, then SIGKILL after a grace) when its time is over.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "hooks/io/identity.hpp"
#include "hooks/notify.hpp"

namespace hooks::io {

// The errno of a host that has run out of something and will have it again: it says nothing about
// the command.
bool is_shortage(int error);

struct ProcessResult {
  int exit_code = -1;  // when it exited
  int signal = 0;      // when a signal ended it
  bool timed_out = false;
  std::string failure;  // could not be started: one sentence; empty otherwise
  int error = 0;        // errno of that, when a system call refused
  std::chrono::nanoseconds took{};
  bool succeeded() const { return failure.empty() && !timed_out && signal == 0 && exit_code == 0; }
};

struct ProcessLimits {
  std::size_t max_output_bytes = 64UL * 1024;  // what comes after is read and dropped, and said so
  std::chrono::nanoseconds kill_grace = std::chrono::seconds(2);
  // What a command that succeeded has left running in its group stays: it was to start something.
  bool leave_group = false;
};

class ProcessRunner {
 public:
  using LineHandler = std::function<void(std::string_view line)>;  // stdout and stderr
  using ExitHandler = std::function<void(const ProcessResult&)>;

  explicit ProcessRunner(boost::asio::any_io_executor executor, ProcessLimits limits = {});
  ~ProcessRunner();  // kills what still runs
  ProcessRunner(const ProcessRunner&) = delete;
  ProcessRunner& operator=(const ProcessRunner&) = delete;

  // One at a time. `finished` is called exactly once from the executor, also when it could not be
  // started, and never after the runner's end. The group is killed at the end, so that nothing of
  // the script stays behind (but see leave_group). A timeout of zero is none.
  void run(const HookRun& hook, LineHandler line, ExitHandler finished);
  // SIGTERM now, SIGKILL after the grace; `finished` follows.
  void terminate();
  bool busy() const;

  // As find_identity(), but a good answer is kept: a directory service that hangs must not stand
  // between two adverts. Ask early, for the first time.
  FoundIdentity identity_of(const std::string& user, const std::string& group);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
