// fchown and fchmod, fsync, link the old file to its second name, rename over the first, fsync of
// the directory: a loss of power between any two leaves a whole file under the name.
#include "hooks/io/placement.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "hooks/diverged.hpp"

namespace hooks::io {
namespace {

constexpr std::string_view kBefore = ".before-";
constexpr mode_t kPermissions = 07777;
constexpr mode_t kUserAndGroup = 0660;
constexpr mode_t kUser = 0600;
constexpr int kNameAttempts = 60;

struct OldFile {
  bool exists = false;
  struct stat status {};
};

std::variant<OldFile, std::string> look_at(const std::string& target) {
  OldFile old;
  if (::lstat(target.c_str(), &old.status) != 0) {
    if (errno == ENOENT) return old;
    return cannot(target, "replaced", errno);
  }
  if (!S_ISREG(old.status.st_mode)) {
    return target + " is no regular file and is left as it is; name the file itself";
  }
  old.exists = true;
  return old;
}

// A user who is not root keeps what belongs to himself; only an old file of another owner, whose
// reader would then be locked out, is a reason to stop.
std::optional<std::string> dress(const TempFile& file, const Placement& placement,
                                 const OldFile& old) {
  const std::string& target = placement.target;
  struct stat model = old.status;
  mode_t mode = model.st_mode & kPermissions;
  if (!old.exists) {
    if (::stat(directory_of(target).c_str(), &model) != 0) {
      return cannot(directory_of(target), "read", errno);
    }
    mode = (model.st_mode & kUserAndGroup) | kUser;
  }
  if (::fchown(file.descriptor(), model.st_uid, model.st_gid) != 0 &&
      ((old.exists && !(placement.may_own && model.st_uid == 0)) || errno != EPERM)) {
    return cannot(file.path(), "given to the owner of " + target, errno);
  }
  if (::fchmod(file.descriptor(), mode) != 0) return cannot(file.path(), "given a mode", errno);
  return std::nullopt;
}

bool same_file(const std::string& path, const struct stat& other) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && status.st_ino == other.st_ino &&
         status.st_dev == other.st_dev;
}

struct Kept {
  std::string path;
  std::optional<std::string> problem;
  bool moved = false;  // not linked: the place is empty until the new file is there
};

// A second name for the old file. One that an interrupted placement gave it is good as it is. Where
// the file system has no hard links, or a user may not link what is not his own, it is renamed.
Kept keep_old(const Placement& placement, const OldFile& old) {
  const std::string& target = placement.target;
  int error = 0;
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    std::string name = target + std::string(kBefore) + utc_name(placement.now + attempt);
    if (::link(target.c_str(), name.c_str()) == 0) return {std::move(name), {}};
    error = errno;
    if (error == EEXIST && same_file(name, old.status)) return {std::move(name), {}};
    if (error == EEXIST) continue;
    if ((error != EPERM && error != EOPNOTSUPP) || ::access(name.c_str(), F_OK) == 0) break;
    if (::rename(target.c_str(), name.c_str()) == 0) return {std::move(name), {}, true};
    break;
  }
  return {{}, cannot(target, "kept under a second name", error)};
}

void take_back(const std::string& target, const Kept& kept) {
  if (kept.path.empty()) return;
  if (kept.moved) {
    ::rename(kept.path.c_str(), target.c_str());
  } else {
    ::unlink(kept.path.c_str());
  }
}

void remove_surplus(const Placement& placement) {
  const std::filesystem::path target = placement.target;
  const std::string prefix = target.filename().string() + std::string(kBefore);
  std::vector<std::int64_t> times;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_of(placement.target), error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(prefix)) continue;
    const auto time = parse_utc_name(std::string_view(name).substr(prefix.size()));
    if (time) times.push_back(*time);
  }
  std::sort(times.begin(), times.end(), std::greater<>());
  for (std::size_t i = placement.keep; i < times.size(); ++i) {
    ::unlink((placement.target + std::string(kBefore) + utc_name(times[i])).c_str());
  }
}

}  // namespace

std::variant<Placed, std::string> place(TempFile file, const Placement& placement) {
  const auto looked = look_at(placement.target);
  if (const auto* problem = std::get_if<std::string>(&looked)) return *problem;
  const OldFile& old = std::get<OldFile>(looked);
  if (auto problem = dress(file, placement, old)) return std::move(*problem);
  if (auto problem = file.sync()) return std::move(*problem);
  Kept kept;
  if (old.exists && placement.keep > 0) kept = keep_old(placement, old);
  if (kept.problem) return std::move(*kept.problem);
  if (auto problem = file.rename_to(placement.target)) {
    take_back(placement.target, kept);
    return std::move(*problem);
  }
  if (auto problem = sync_directory(directory_of(placement.target))) return std::move(*problem);
  if (placement.keep > 0) remove_surplus(placement);
  return Placed{kept.path};
}

}  // namespace hooks::io
