// See acting_as.hpp. The wrappers of glibc for groups change the whole process, the system calls
// one thread.
#include "hooks/io/acting_as.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <variant>

#include "hooks/io/path_walk.hpp"

namespace hooks::io {
namespace {

constexpr auto kAsk = static_cast<uid_t>(-1);  // changes nothing, and says what is

#ifdef SYS_setgroups32  // elsewhere SYS_setgroups takes 16 bits
constexpr long kSetGroups = SYS_setgroups32;
#else
constexpr long kSetGroups = SYS_setgroups;
#endif

bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(kSetGroups, groups.size(), groups.data()) == 0;
}

// None: nobody of that number has a name, and so no further groups.
std::vector<gid_t> groups_of(const FileUser& user) {
  std::array<char, 16384> room{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(user.uid, &entry, room.data(), room.size(), &found);
  if (found == nullptr) return {};
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgrouplist(found->pw_name, user.gid, groups.data(), &count) < 0) return {};
  groups.resize(static_cast<std::size_t>(count));
  return groups;
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

std::variant<FileUser, std::string> who_rearranges(const std::string& directory) {
  const auto walked = walk_path(std::filesystem::absolute(directory));
  if (const auto* none = std::get_if<NoPath>(&walked)) return none->why;
  const PathComponent* theirs = nullptr;
  for (const PathComponent& component : std::get<std::vector<PathComponent>>(walked)) {
    if (component.owner == 0) continue;
    if (theirs != nullptr && theirs->owner != component.owner) {
      return component.path + " belongs to uid " + std::to_string(component.owner) + " and " +
             theirs->path + " on the way to it to uid " + std::to_string(theirs->owner) +
             ", who could put something else in its place; nothing is written there: run chown "
             "root " +
             theirs->path;
    }
    theirs = &component;
  }
  if (theirs == nullptr) return FileUser{};
  return FileUser{theirs->owner, theirs->group};
}

ActingAs::ActingAs(const std::optional<FileUser>& user) {
  if (!user || user->uid == 0 || ::geteuid() != 0) return;
  const int count = ::getgroups(0, nullptr);
  groups_.resize(static_cast<std::size_t>(count < 0 ? 0 : count));
  if (count > 0 && ::getgroups(count, groups_.data()) != count) {
    problem_ = "the groups of this process cannot be read";
    return;
  }
  const auto groups = groups_of(*user);
  before_ = file_user();
  dumpable_ = ::prctl(PR_GET_DUMPABLE);
  active_ = true;
  if (!set_groups(groups) || !set_file_user(*user)) {
    problem_ = "this process cannot act as user " + std::to_string(user->uid) +
               ", who owns the directory: it needs CAP_SETUID and CAP_SETGID";
  }
  keep_dumpable();
}

ActingAs::~ActingAs() {
  if (!active_) return;
  set_file_user(before_);
  set_groups(groups_);
  keep_dumpable();
}

// The kernel takes fs.suid_dumpable with each such change, for the whole process.
void ActingAs::keep_dumpable() const {
  ::prctl(PR_SET_DUMPABLE, dumpable_ == 1 ? 1 : 0);
}

}  // namespace hooks::io
