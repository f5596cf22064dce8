// See tracked_file.hpp.
#include "agent/io/tracked_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include "hooks/io/unique_fd.hpp"

namespace agent::io {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

FileRead unusable(std::string problem) {
  return {.content = FileRead::Content::unusable, .problem = std::move(problem)};
}

}  // namespace

FileRead read_tracked_file(const std::string& path) {
  // O_NONBLOCK: opening a FIFO does not wait for its writer, reading a device not for its data.
  const hooks::io::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) {
    return {.content = FileRead::Content::missing, .problem = {}};
  }
  if (!fd) return unusable("cannot be read: " + std::generic_category().message(errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return unusable("is not a regular file");
  }
  std::array<char, 64> buffer{};
  const auto got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got < 0) return unusable("cannot be read: " + std::generic_category().message(errno));
  std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return unusable("is empty");
  text = text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // A buffer that is full may hold the beginning of anything.
  const bool whole = end == text.data() + text.size() && got < std::ssize(buffer);
  if (error != std::errc{} || !whole) return unusable("does not hold a number");
  return {.content = FileRead::Content::number, .number = number, .problem = {}};
}

}  // namespace agent::io
