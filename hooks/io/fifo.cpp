// Makes and opens the FIFO. It writes nothing to it.
#include "hooks/io/fifo.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace hooks::io {
namespace {

std::string failed(const std::string& what, const std::string& path, int error) {
  return path + " " + what + ": " + std::generic_category().message(error);
}

}  // namespace

std::variant<UniqueFd, std::string> open_notify_fifo(const std::string& path) {
  if (path.empty() || path.front() != '/')
    return path + " is a relative path; give the absolute path of the FIFO";
  if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) {
    return failed("cannot be made a FIFO", path, errno) + "; check its directory";
  }
  // Looked at before it is opened, since opening a device can already do something.
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return failed("cannot be examined", path, errno);
  if (!S_ISFIFO(status.st_mode)) {
    const char* what = S_ISLNK(status.st_mode) ? "a symbolic link" : "not a FIFO";
    return path + " is " + what + "; remove it, or name another path";
  }
  UniqueFd fd(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return failed("cannot be opened", path, errno);
  if (fstat(fd.get(), &status) != 0 || !S_ISFIFO(status.st_mode)) {
    return path + " is not a FIFO; remove it, or name another path";
  }
  return fd;
}

}  // namespace hooks::io
