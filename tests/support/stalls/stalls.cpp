// Preloaded into an agent: makes calls that may be slow on a bad day take two seconds, for as long
// as the file named by TANDEM_STALLS is there, and notes each of them in that file's neighbour
// ".hits". The calls are those that wait for a disk or for a directory of users.
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/support/next_call.hpp"

namespace {

using support::next_call;

constexpr time_t kSeconds = 2;

void stall(const char* call) {
  const char* const file = std::getenv("TANDEM_STALLS");
  if (file == nullptr || ::access(file, F_OK) != 0) return;
  const int hits =
      ::open((std::string(file) + ".hits").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (hits >= 0) {
    ::dprintf(hits, "%s\n", call);
    ::close(hits);
  }
  timespec left{kSeconds, 0};
  while (::nanosleep(&left, &left) != 0) {
  }
}

}  // namespace

extern "C" {

int fsync(int fd) {
  stall("fsync");
  return next_call<int(int)>("fsync")(fd);
}

int fdatasync(int fd) {
  stall("fdatasync");
  return next_call<int(int)>("fdatasync")(fd);
}

int rename(const char* from, const char* to) noexcept {
  stall("rename");
  return next_call<int(const char*, const char*)>("rename")(from, to);
}

int getpwnam_r(const char* name, passwd* entry, char* buffer, size_t size, passwd** found) {
  stall("getpwnam_r");
  return next_call<int(const char*, passwd*, char*, size_t, passwd**)>("getpwnam_r")(
      name, entry, buffer, size, found);
}

int getgrouplist(const char* user, gid_t group, gid_t* groups, int* count) {
  stall("getgrouplist");
  return next_call<int(const char*, gid_t, gid_t*, int*)>("getgrouplist")(user, group, groups,
                                                                          count);
}

}  // extern "C"
