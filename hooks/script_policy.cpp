// The judgement over a script's path. It looks at nothing itself: what it needs was asked of the
// file system before.
#include "hooks/script_policy.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace hooks {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:,@%";

// A path as an operator can paste it into a shell.
std::string shell_word(const std::string& path) {
  if (path.find_first_not_of(kPlain) == std::string::npos) return path;
  std::string quoted = "'";
  for (const char c : path) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string described(const PathComponent& component) {
  std::array<char, 16> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(component.mode & 07777));
  return component.path + " (owner uid " + std::to_string(component.owner) + ", mode " +
         mode.data() + ")";
}

// Whether `run_as` has the x bit: to execute a file, to pass through a directory.
bool may_execute(const PathComponent& component, uid_t run_as, const std::vector<gid_t>& groups) {
  constexpr mode_t kAnyX = S_IXUSR | S_IXGRP | S_IXOTH;
  if (run_as == 0) return S_ISDIR(component.mode) || (component.mode & kAnyX) != 0;
  if (component.owner == run_as) return (component.mode & S_IXUSR) != 0;
  if (std::find(groups.begin(), groups.end(), component.group) != groups.end()) {
    return (component.mode & S_IXGRP) != 0;
  }
  return (component.mode & S_IXOTH) != 0;
}

std::optional<std::string> refuse_owner(const PathComponent& component, uid_t user,
                                        const PlaceWords& words) {
  if (component.owner == 0 || component.owner == user) return std::nullopt;
  const char* command = S_ISLNK(component.mode) ? "chown -h root " : "chown root ";
  std::string sentence = described(component);
  sentence += " belongs to neither root nor " + words.user + ", so its owner could change ";
  sentence += words.what + "; mend it with: " + command + shell_word(component.path);
  return sentence;
}

std::optional<std::string> refuse_writable(const PathComponent& component,
                                           const PlaceWords& words) {
  if (S_ISLNK(component.mode)) return std::nullopt;
  // In a sticky directory only the owner of an entry can replace it, and owners are judged.
  if (S_ISDIR(component.mode) && (component.mode & S_ISVTX) != 0) return std::nullopt;
  if ((component.mode & (S_IWGRP | S_IWOTH)) == 0) return std::nullopt;
  const char* by = (component.mode & S_IWOTH) != 0 ? "everybody" : "its group";
  return described(component) + " is writable by " + by + ", who could change " + words.what +
         "; mend it with: chmod go-w " + shell_word(component.path);
}

std::optional<std::string> refuse_directory(const PathComponent& component, uid_t run_as,
                                            const std::vector<gid_t>& groups) {
  if (S_ISLNK(component.mode)) return std::nullopt;
  if (!S_ISDIR(component.mode)) {
    return described(component) + " is not a directory; correct the path of the script";
  }
  if (may_execute(component, run_as, groups)) return std::nullopt;
  return described(component) + " cannot be entered by uid " + std::to_string(run_as) +
         ", which runs the script; move the script elsewhere, or mend it with: chmod a+x " +
         shell_word(component.path);
}

std::optional<std::string> refuse_file(const PathComponent& component, uid_t run_as,
                                       const std::vector<gid_t>& groups) {
  if (!S_ISREG(component.mode)) {
    const char* what = S_ISDIR(component.mode) ? " is a directory" : " is not a regular file";
    return described(component) + what + "; name the script itself";
  }
  if (may_execute(component, run_as, groups)) return std::nullopt;
  return described(component) + " cannot be executed by uid " + std::to_string(run_as) +
         "; mend it with: chmod a+x " + shell_word(component.path);
}

}  // namespace

std::optional<std::string> refuse_script(const std::vector<PathComponent>& components, uid_t run_as,
                                         const std::vector<gid_t>& groups) {
  if (components.empty()) return "the script has no path; give its absolute path";
  const PlaceWords words{"the user that runs the script", "what runs", 0};
  for (const auto& component : components) {
    if (auto refused = refuse_owner(component, run_as, words)) return refused;
    if (auto refused = refuse_writable(component, words)) return refused;
    auto refused = &component == &components.back() ? refuse_file(component, run_as, groups)
                                                    : refuse_directory(component, run_as, groups);
    if (refused) return refused;
  }
  return std::nullopt;
}

std::optional<std::string> refuse_place(const std::vector<PathComponent>& components, uid_t user,
                                        const PlaceWords& words) {
  for (const auto& component : components) {
    if (auto refused = refuse_owner(component, user, words)) return refused;
    const bool trusted = component.group == 0 || component.group == words.group;
    if (trusted && (component.mode & S_IWOTH) == 0) continue;
    if (auto refused = refuse_writable(component, words)) return refused;
    // What is not there yet, anybody could make there first.
    const bool last = &component == &components.back();
    if (last && S_ISDIR(component.mode) && (component.mode & S_ISVTX) != 0) {
      return described(component) +
             " is a directory in which others can put files, and so change " + words.what +
             "; name one in which only root can";
    }
  }
  return std::nullopt;
}

}  // namespace hooks
