// keepalived.conf and its scripts to a commented tandem.toml: the whole way, without touching a
// file itself.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "agent/keepalived_toml.hpp"

namespace agent::keepalived {

struct Import {
  std::string toml;
  std::vector<Note> notes;         // in the order of the files
  std::vector<Gap> gaps;           // empty: nothing is left to fill in
  std::vector<std::string> steps;  // to be done by hand, with commands
};

std::variant<Import, Refusal> import_keepalived(const Source& main, const Surroundings& around);

}  // namespace agent::keepalived
