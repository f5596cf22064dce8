// A lock on the open file tells a temporary that is being written from one that was left: the
// kernel lets go of it with the process.
#include "hooks/io/temp_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace hooks::io {
namespace {

constexpr std::string_view kPrefix = ".tandem-fetch-";
constexpr std::size_t kRandomLetters = 6;

bool is_temporary(const std::string& name) {
  return name.starts_with(kPrefix) && name.size() == kPrefix.size() + kRandomLetters;
}

}  // namespace

std::string cannot(const std::string& path, std::string_view what, int error) {
  return path + " cannot be " + std::string(what) + ": " + std::generic_category().message(error);
}

std::string directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  return directory.empty() ? "." : directory;
}

std::optional<std::string> sync_directory(const std::string& directory) {
  const UniqueFd folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return cannot(directory, "synced", errno);
  return std::nullopt;
}

std::variant<TempFile, std::string> TempFile::create(const std::string& target) {
  std::string path =
      directory_of(target) + '/' + std::string(kPrefix) + std::string(kRandomLetters, 'X');
  // O_CREAT | O_EXCL, which also follows no symbolic link, with mode 0600.
  UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd) return cannot(directory_of(target), "written to", errno);
  TempFile file(std::move(path), std::move(fd));
  struct stat status {};
  const bool held = ::flock(file.fd_.get(), LOCK_EX | LOCK_NB) == 0 &&
                    ::fstat(file.fd_.get(), &status) == 0 && status.st_nlink == 1;
  if (!held) return file.path_ + " was taken away by another process; try again";
  return file;
}

TempFile::TempFile(TempFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

TempFile::~TempFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

std::optional<std::string> TempFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot(path_, "written", errno);
    if (written == 0) return cannot(path_, "written", ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return std::nullopt;
}

std::optional<std::string> TempFile::check_space(std::uint64_t bytes) const {
  struct statvfs disk {};
  if (::fstatvfs(fd_.get(), &disk) != 0) return std::nullopt;
  const std::uint64_t blocks = disk.f_frsize == 0 ? 0 : bytes / disk.f_frsize;
  if (disk.f_frsize == 0 || blocks <= disk.f_bavail) return std::nullopt;
  return directory_of(path_) + " has " + std::to_string(disk.f_bavail * disk.f_frsize) +
         " bytes free, " + std::to_string(bytes) + " are needed";
}

std::optional<std::string> TempFile::sync() {
  if (::fsync(fd_.get()) != 0) return cannot(path_, "synced", errno);
  return std::nullopt;
}

std::optional<std::string> TempFile::rename_to(const std::string& target) {
  if (::rename(path_.c_str(), target.c_str()) != 0) return cannot(target, "replaced", errno);
  path_.clear();
  return std::nullopt;
}

std::vector<std::string> remove_leftovers(const std::string& directory) {
  std::vector<std::string> removed;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!is_temporary(entry->path().filename())) continue;
    const std::string path = entry->path();
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (::unlink(path.c_str()) == 0) removed.push_back(path);
  }
  return removed;
}

}  // namespace hooks::io
