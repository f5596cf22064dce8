// Puts a finished file in the place of another one and keeps the old one beside it. At every moment
// the place holds the whole old file or the whole new one. All calls may wait for the disk.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "hooks/io/temp_file.hpp"

namespace hooks::io {

struct Placement {
  std::string target;
  std::int64_t now = 0;  // seconds since 1970, UTC: names the kept file
  // How many old files stay, as TARGET.before-20261121T120102Z; 0 replaces without keeping.
  std::size_t keep = 1;
  bool may_own = false;  // who may not give the new file to root, whose the old one is, keeps it
};

struct Placed {
  std::string kept;  // where the old file is; empty when there was none or it was not to be kept
};

// The new file gets owner and mode of the old one; without one the owner of the directory, and of
// its mode what lets user and group read and write. Synced, with its directory. On a sentence about
// anything but that last sync the old file is where it was.
std::variant<Placed, std::string> place(TempFile file, const Placement& placement);

}  // namespace hooks::io
