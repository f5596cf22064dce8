// Child processes of a test: a tool that is run to its end, and a server that is watched, signalled
// and certainly gone when its owner is. Never interprets what a child prints.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace support {

using Millis = std::chrono::milliseconds;
using Argv = std::vector<std::string>;

struct Outcome {
  int exit_code = 0;  // 128 + n: killed by signal n
  std::string output;
};

// Runs a tool in a network namespace (empty: in this one) and returns what it printed on both
// outputs. A tool that takes longer than the deadline is killed.
Outcome run(const Argv& argv, const std::string& netns = {}, Millis deadline = Millis(20000));

// The same, for tools that have to succeed: throws with one sentence that names the command.
std::string must_run(const Argv& argv, const std::string& netns = {});

// Waits between two polls of something that gives no event.
void wait_a_moment(Millis time);

class Process {
 public:
  // Both outputs are appended to `log`. The child dies with the thread that starts it.
  Process(const Argv& argv, const std::string& netns, const std::filesystem::path& log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  bool running() { return !wait(Millis(0)).has_value(); }
  void signal(int number) const;
  // Exit code as in Outcome; nothing when it still runs at the deadline.
  std::optional<int> wait(Millis deadline);
  void kill();

 private:
  pid_t pid_ = -1;
  int handle_ = -1;  // pidfd: waits without polling and without the risk of a reused pid
  std::optional<int> exit_code_;
};

}  // namespace support
