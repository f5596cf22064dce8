// See process.hpp. Between fork and exec the child only makes system calls.
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "tests/support/namespace.hpp"

namespace support {
namespace {

std::string joined(const Argv& argv) {
  std::string line;
  for (const auto& word : argv) line += (line.empty() ? "" : " ") + word;
  return line;
}

// The child of `fork`. Exit code 127 says that the program could not be executed, as in a shell.
[[noreturn]] void become(char* const* argv, int netns, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();
  ::signal(SIGPIPE, SIG_DFL);
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (netns >= 0 && ::setns(netns, CLONE_NEWNET) != 0) ::_exit(126);
  ::execvp(argv[0], argv);
  ::_exit(127);
}

pid_t spawn(const Argv& argv, const std::string& netns, int output) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int space = netns.empty() ? -1 : open_namespace(netns);
  const pid_t pid = ::fork();
  if (pid == 0) become(words.data(), space, output);
  const int error = errno;
  if (space >= 0) ::close(space);
  if (pid < 0) {
    throw std::runtime_error("cannot start " + joined(argv) + ": " + std::strerror(error));
  }
  return pid;
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Reads until all writers have closed the pipe or the deadline is over.
bool read_to_end(int pipe, Millis deadline, std::string& into) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto left = std::chrono::ceil<Millis>(end - std::chrono::steady_clock::now());
    if (left <= Millis(0)) return false;
    pollfd readable{pipe, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t count = ::read(pipe, buffer.data(), buffer.size());
    if (count == 0) return true;
    if (count > 0) into.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

Outcome run(const Argv& argv, const std::string& netns, Millis deadline) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe for a child process");
  const pid_t pid = spawn(argv, netns, ends[1]);
  ::close(ends[1]);
  Outcome outcome;
  const bool ended = read_to_end(ends[0], deadline, outcome.output);
  ::close(ends[0]);
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  outcome.exit_code = exit_code_of(status);
  return outcome;
}

std::string must_run(const Argv& argv, const std::string& netns) {
  const Outcome outcome = run(argv, netns);
  if (outcome.exit_code == 0) return outcome.output;
  throw std::runtime_error("`" + joined(argv) + "` " + (netns.empty() ? "" : "in " + netns) +
                           " ended with " + std::to_string(outcome.exit_code) + ": " +
                           outcome.output);
}

void wait_a_moment(Millis time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

Process::Process(const Argv& argv, const std::string& netns, const std::filesystem::path& log) {
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) throw std::runtime_error("cannot write " + log.string());
  pid_ = spawn(argv, netns, output);
  ::close(output);
  handle_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

Process::~Process() {
  kill();
  ::close(handle_);
}

void Process::signal(int number) const {
  if (!exit_code_) ::kill(pid_, number);
}

std::optional<int> Process::wait(Millis deadline) {
  if (exit_code_) return exit_code_;
  pollfd ended{handle_, POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(deadline.count())) <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = exit_code_of(status);
  return exit_code_;
}

void Process::kill() {
  signal(SIGKILL);
  wait(Millis(20000));
}

}  // namespace support
