// See limits.hpp.
#include "tests/netns/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {

namespace fs = std::filesystem;

rlim_t open_files(const Agent& agent) {
  const fs::path dir = "/proc/" + std::to_string(agent.pid()) + "/fd";
  return static_cast<rlim_t>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

testing::AssertionResult limit(const Agent& agent, __rlimit_resource what, rlim_t most) {
  rlimit now{};
  if (::prlimit(agent.pid(), what, nullptr, &now) != 0) {
    return testing::AssertionFailure() << std::strerror(errno);
  }
  now.rlim_cur = most == 0 ? now.rlim_max : most;
  if (::prlimit(agent.pid(), what, &now, nullptr) != 0) {
    return testing::AssertionFailure() << std::strerror(errno);
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult logs(const Agent& agent, const std::string& words) {
  return eventually("the log says: " + words, kSoon, [&] {
    const std::string log = read_file(agent.log());
    const bool found = log.find(words) != std::string::npos;
    return Seen{found,
                found ? words : log.substr(log.size() - std::min<std::size_t>(log.size(), 2000))};
  });
}

}  // namespace support
