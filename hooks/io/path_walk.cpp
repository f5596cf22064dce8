// Follows links itself instead of calling realpath(): the directory that holds a link decides what
// the link names, so it has to be judged too.
#include "hooks/io/path_walk.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <list>
#include <system_error>

namespace hooks::io {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel's own path walk

using Names = std::list<std::string>;

Names names_of(const std::string& path) {
  Names names;
  for (const auto& part : std::filesystem::path(path).relative_path()) {
    if (!part.empty() && part != ".") names.push_back(part.string());
  }
  return names;
}

std::variant<struct stat, NoPath> look_at(const std::string& path, const std::string& whole) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) return status;
  const int error = errno;
  if (error == ENOENT) {
    return NoPath{path + " does not exist" + (path == whole ? "" : ", it is part of " + whole) +
                      "; create it or correct the path",
                  error};
  }
  return NoPath{path + " cannot be examined: " + std::generic_category().message(error) +
                    "; correct the path " + whole,
                error};
}

class PathWalk {
 public:
  explicit PathWalk(const std::string& path) : whole_(path), rest_(names_of(path)) {}

  std::variant<std::vector<PathComponent>, NoPath> walk() {
    record("/");
    while (!problem_ && !rest_.empty()) {
      const std::string name = rest_.front();
      rest_.pop_front();
      if (name == "..") {
        at_ = at_.parent_path();
        record(at_.string());
      } else {
        enter(at_ / name);
      }
    }
    if (problem_) return *problem_;
    return components_;
  }

 private:
  void enter(const std::filesystem::path& next) {
    const auto* component = record(next.string());
    if (component == nullptr) return;
    if (!S_ISLNK(component->mode)) {
      at_ = next;
      return;
    }
    std::error_code error;
    const auto target = std::filesystem::read_symlink(next, error);
    if (error || ++links_ > kMaxLinks) {
      problem_ =
          NoPath{next.string() + " is a link that leads nowhere; correct the path " + whole_};
      return;
    }
    rest_.splice(rest_.begin(), names_of(target.string()));
    if (target.is_absolute()) at_ = "/";
  }

  const PathComponent* record(const std::string& path) {
    const auto looked = look_at(path, whole_);
    if (const auto* problem = std::get_if<NoPath>(&looked)) {
      problem_ = *problem;
      return nullptr;
    }
    const auto& status = std::get<struct stat>(looked);
    components_.push_back({path, status.st_uid, status.st_mode, status.st_gid});
    return &components_.back();
  }

  std::string whole_;
  Names rest_;
  std::filesystem::path at_ = "/";
  int links_ = 0;
  std::optional<NoPath> problem_;
  std::vector<PathComponent> components_;
};

}  // namespace

std::variant<std::vector<PathComponent>, NoPath> walk_path(const std::string& path) {
  return PathWalk(path).walk();
}

std::optional<std::string> refuse_place(const std::string& path, const std::string& what) {
  std::error_code error;
  const auto walked = walk_path(std::filesystem::absolute(path, error));
  const auto* components = std::get_if<std::vector<PathComponent>>(&walked);
  if (error || components == nullptr) return std::nullopt;
  return hooks::refuse_place(*components, ::geteuid(), {"this agent's user", what, ::getegid()});
}

}  // namespace hooks::io
