// A shell script as the simple commands in it, whatever decides whether they run. Assignments of
// the script itself are replaced; what only its run could tell stays as it is ("$1").
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent::keepalived {

struct ShellCommand {
  unsigned line = 0;
  std::vector<std::string> words;        // without leading assignments; may be empty
  std::vector<std::string> assignments;  // "NAME=value"
  std::vector<std::string> outputs;      // files behind > and >>
  std::vector<std::string> input;        // lines of a here-document
  bool piped = false;                    // into the next one
};

std::vector<ShellCommand> shell_commands(std::string_view script);

}  // namespace agent::keepalived
