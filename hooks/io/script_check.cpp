// See script_check.hpp.
#include "hooks/io/script_check.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "hooks/io/child_process.hpp"
#include "hooks/io/path_walk.hpp"

namespace hooks::io {
namespace {

bool is_program(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

}  // namespace

std::optional<Refusal> refuse_command(const std::string& command, const Identity& identity) {
  std::string path = command;
  if (command.find('/') == std::string::npos) {
    const auto places = places_of(command);
    const auto found = std::find_if(places.begin(), places.end(), is_program);
    if (found == places.end()) {
      return Refusal{command + " was not found in " + std::string(kScriptPath) +
                     "; install it or give its absolute path"};
    }
    path = *found;
  } else if (command.front() != '/') {
    return Refusal{command + " is a relative path; give the absolute path of the script"};
  }
  const auto walked = walk_path(path);
  if (const auto* none = std::get_if<NoPath>(&walked)) return Refusal{none->why, none->error};
  const auto& components = std::get<std::vector<PathComponent>>(walked);
  auto refused = refuse_script(components, identity.uid, identity.groups);
  if (!refused) return std::nullopt;
  return Refusal{std::move(*refused)};
}

std::optional<Refusal> refuse_command(const std::string& command, const FoundIdentity& found) {
  if (const auto* nobody = std::get_if<NoIdentity>(&found)) {
    return Refusal{nobody->why, nobody->error};
  }
  return refuse_command(command, std::get<Identity>(found));
}

}  // namespace hooks::io
