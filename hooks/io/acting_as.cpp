// See acting_as.hpp. The wrappers of glibc for groups change the whole process, the system calls
// one thread.
#include "hooks/io/acting_as.hpp"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace hooks::io {
namespace {

constexpr auto kAsk = static_cast<uid_t>(-1);  // changes nothing, and says what is

bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

FileUser file_user() {
  return {static_cast<uid_t>(::setfsuid(kAsk)), static_cast<gid_t>(::setfsgid(kAsk))};
}

bool set_file_user(const FileUser& user) {
  ::setfsgid(user.gid);
  ::setfsuid(user.uid);
  return file_user() == user;
}

std::optional<FileUser> first_owner(const std::filesystem::path& directory) {
  FileUser last;
  std::filesystem::path way;
  for (const auto& part : directory) {
    way /= part;
    struct stat status {};
    if (::lstat(way.c_str(), &status) != 0) return std::nullopt;
    last = {status.st_uid, status.st_gid};
    if (last.uid != 0) return last;
  }
  return last;
}

}  // namespace

std::optional<FileUser> who_rearranges(const std::string& directory) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(directory, error);
  auto owner = first_owner(whole);
  if (!owner || owner->uid != 0) return owner;
  // Where the links of root lead.
  const auto real = std::filesystem::canonical(whole, error);
  return error ? std::nullopt : first_owner(real);
}

ActingAs::ActingAs(const std::optional<FileUser>& user) {
  if (!user || user->uid == 0 || ::geteuid() != 0) return;
  const int count = ::getgroups(0, nullptr);
  groups_.resize(static_cast<std::size_t>(count < 0 ? 0 : count));
  if (count > 0 && ::getgroups(count, groups_.data()) != count) {
    problem_ = "the groups of this process cannot be read";
    return;
  }
  before_ = file_user();
  active_ = true;
  if (!set_groups({}) || !set_file_user(*user)) {
    problem_ = "this process cannot act as user " + std::to_string(user->uid) +
               ", who owns the directory: it needs CAP_SETUID and CAP_SETGID";
  }
}

ActingAs::~ActingAs() {
  if (!active_) return;
  set_file_user(before_);
  set_groups(groups_);
}

}  // namespace hooks::io
