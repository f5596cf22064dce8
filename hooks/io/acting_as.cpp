// See acting_as.hpp. The wrappers of glibc for groups change the whole process, the system calls
// one thread.
#include "hooks/io/acting_as.hpp"

#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <variant>

#include "hooks/io/path_walk.hpp"

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

}  // namespace

std::optional<FileUser> who_rearranges(const std::string& directory) {
  const auto walked = walk_path(std::filesystem::absolute(directory));
  const auto* way = std::get_if<std::vector<PathComponent>>(&walked);
  if (way == nullptr) return std::nullopt;
  for (const PathComponent& component : *way) {
    if (component.owner != 0) return FileUser{component.owner, component.group};
  }
  return FileUser{};
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
