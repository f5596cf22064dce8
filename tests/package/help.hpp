// The operator's command as its own --help shows it: every subcommand with what can follow it. What
// is written about the command elsewhere (manual, completions) is compared with this.
#pragma once

#include <string>
#include <vector>

namespace package {

struct CommandHelp {
  std::vector<std::string> path;  // empty: `tandem` itself; "diverged", "show"
  std::vector<std::string> subcommands;
  std::vector<std::string> options;  // "--last" and "-n" are two
  std::vector<std::string> kinds;    // what --kind takes, where there is such an option
  std::string words() const;         // "tandem diverged show"
};

// All of them, the program itself first.
std::vector<CommandHelp> commands_of(const std::string& program);

std::vector<std::string> lines_of(const std::string& text);

}  // namespace package
