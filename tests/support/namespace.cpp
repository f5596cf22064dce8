// See namespace.hpp.
#include "tests/support/namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "tdm";
const fs::path kNamespaces = "/run/netns";

// The pid in a name like tdm4711-0-a or tandem-test-4711-0; 0 when the name is not ours.
pid_t owner_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return 0;
  pid_t pid = 0;
  const char* const begin = name.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), pid);
  const bool whole = error == std::errc() && end != name.data() + name.size() && *end == '-';
  return whole ? pid : 0;
}

bool is_dead(pid_t pid) {
  return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

bool on_path(const std::string& program) {
  for (const char* const folder : {"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"}) {
    if (::access((fs::path(folder) / program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::vector<std::string> entries_of_the_dead(const fs::path& folder, std::string_view prefix) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename();
    if (is_dead(owner_of(name, prefix))) names.push_back(name);
  }
  return names;
}

}  // namespace

int open_namespace(const std::string& name) {
  const int handle = ::open((kNamespaces / name).c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) throw std::runtime_error("there is no network namespace " + name);
  return handle;
}

InNamespace::InNamespace(const std::string& name)
    : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  const int there = open_namespace(name);
  const int result = ::setns(there, CLONE_NEWNET);
  ::close(there);
  if (result == 0) return;
  ::close(home_);
  throw std::runtime_error("cannot enter the network namespace " + name);
}

InNamespace::~InNamespace() {
  ::setns(home_, CLONE_NEWNET);
  ::close(home_);
}

std::string next_namespace_prefix() {
  static std::atomic<int> count{0};
  return std::string(kPrefix) + std::to_string(::getpid()) + "-" + std::to_string(count++) + "-";
}

void add_namespace(const std::string& name) {
  must_run({"ip", "netns", "add", name});
  must_run({"sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1",
            "net.ipv6.conf.default.disable_ipv6=1"},
           name);
  must_run({"ip", "link", "set", "lo", "up"}, name);
}

void kill_processes_in(const std::string& name) {
  std::istringstream pids(run({"ip", "netns", "pids", name}).output);
  for (pid_t pid = 0; pids >> pid;) {
    if (pid != ::getpid()) ::kill(pid, SIGKILL);
  }
}

void delete_namespaces(const std::vector<std::string>& names) {
  for (const auto& name : names) kill_processes_in(name);
  for (const auto& name : names) run({"ip", "netns", "del", name});
}

void remove_leftovers() {
  delete_namespaces(entries_of_the_dead(kNamespaces, kPrefix));
  const fs::path folder = fs::temp_directory_path();
  std::error_code ignored;
  for (const auto& name : entries_of_the_dead(folder, kTempDirPrefix)) {
    fs::remove_all(folder / name, ignored);
  }
}

void require_root_and_tools() {
  if (::geteuid() != 0) {
    throw std::runtime_error("the tests in network namespaces must run as root");
  }
  for (const char* const tool :
       {"ip", "nft", "sysctl", "redis-server", "redis-cli", "keepalived"}) {
    if (!on_path(tool)) {
      throw std::runtime_error(std::string("the tests in network namespaces need the program ") +
                               tool + ", which is not installed");
    }
  }
}

}  // namespace support
