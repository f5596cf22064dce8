// See tool_output.hpp.
#include "agent/io/tool_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "hooks/io/child_process.hpp"
#include "hooks/io/unique_fd.hpp"

namespace agent::io {
namespace {

using std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr std::size_t kMostBytes = 64UL << 20U;

std::string place_of(const std::string& tool) {
  for (const std::string& place : hooks::io::places_of(tool)) {
    if (::access(place.c_str(), X_OK) == 0) return place;
  }
  return {};
}

// False: it took too long, or said too much.
bool read_all(int fd, std::string& out) {
  const auto deadline = steady_clock::now() + kPatience;
  std::array<char, 65536> buffer{};
  while (out.size() < kMostBytes) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(left)) == 0) return false;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return true;
    if (got < 0 && errno != EINTR) return false;
    if (got > 0) out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return false;
}

}  // namespace

std::string tool_output(const std::vector<std::string>& argv) {
  const std::string path = place_of(argv.front());
  std::array<int, 2> ends{-1, -1};
  if (path.empty() || ::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const hooks::io::UniqueFd output(ends[0]);
  hooks::io::UniqueFd input(ends[1]);
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::array<char*, 1> environment{nullptr};
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const int refused =
      ::posix_spawn(&child, path.c_str(), &actions, nullptr, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  input.reset();
  if (refused != 0) return {};
  std::string out;
  const bool whole = read_all(output.get(), out);
  if (!whole) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const bool well = whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return well ? out : std::string();
}

}  // namespace agent::io
