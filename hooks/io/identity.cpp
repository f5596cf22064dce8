// Asks the host's user and group databases through libc.
#include "hooks/io/identity.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <system_error>

namespace hooks::io {
namespace {

constexpr std::size_t kMaxEntryBytes = 1024UL * 1024;

// getpwnam_r and getgrnam_r share their shape: an entry, a buffer for its strings, a result.
template <typename Entry, typename Lookup>
std::variant<Entry, int> look_up(Lookup lookup, const std::string& name) {
  std::vector<char> buffer(1024);
  while (true) {
    Entry entry{};
    Entry* found = nullptr;
    const int error = lookup(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return *found;
    if (error == EINTR) continue;
    if (error != ERANGE || buffer.size() >= kMaxEntryBytes) return error;
    buffer.resize(buffer.size() * 4);
  }
}

// getpwnam(3): no such name is 0, or one of several errors, depending on the database.
NoIdentity unknown(const std::string& kind, const std::string& name, int error) {
  if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM) {
    return {kind + " " + name + " does not exist on this host; create it or name another"};
  }
  return {kind + " " + name + " could not be looked up: " + std::generic_category().message(error),
          error};
}

std::vector<gid_t> groups_of(const std::string& user, gid_t gid) {
  std::vector<gid_t> groups(32);
  auto count = static_cast<int>(groups.size());
  while (getgrouplist(user.c_str(), gid, groups.data(), &count) < 0) {
    groups.resize(std::max(static_cast<std::size_t>(count), groups.size() * 2));
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

FoundIdentity find_identity(const std::string& user, const std::string& group) {
  if (user.empty()) return NoIdentity{"no user is named to run as; name one"};
  Identity identity;
  const auto account = look_up<passwd>(getpwnam_r, user);
  if (const auto* error = std::get_if<int>(&account)) return unknown("user", user, *error);
  identity.uid = std::get<passwd>(account).pw_uid;
  identity.gid = std::get<passwd>(account).pw_gid;
  if (!group.empty()) {
    const auto entry = look_up<::group>(getgrnam_r, group);
    if (const auto* error = std::get_if<int>(&entry)) return unknown("group", group, *error);
    identity.gid = std::get<::group>(entry).gr_gid;
  }
  identity.groups = groups_of(user, identity.gid);
  return identity;
}

}  // namespace hooks::io
