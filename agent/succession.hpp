// What a process that executes its program anew tells its successor: which word the scripts of each
// pair have heard last, so that they are not told once more. It travels in the environment.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "hooks/notify.hpp"

namespace agent {

using Succession = std::map<std::string, hooks::NotifyState>;  // by the pair's name

// "redis=MASTER,sessions=BACKUP"; names of pairs hold neither of the signs.
std::string format_succession(const Succession& told);
// What cannot be read is left out: then scripts are told once more.
Succession parse_succession(std::string_view text);

}  // namespace agent
