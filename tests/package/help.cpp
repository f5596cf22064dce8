// See help.hpp.
#include "help.hpp"

#include <sstream>

#include "tests/support/process.hpp"

namespace package {
namespace {

// "-n,--last" or "show": what stands first in a line of a section.
std::vector<std::string> names_in(const std::string& line) {
  std::istringstream words(line);
  std::string first;
  words >> first;
  std::vector<std::string> out;
  std::istringstream names(first);
  for (std::string name; std::getline(names, name, ',');) out.push_back(name);
  return out;
}

void read_line(CommandHelp& help, const std::string& section, const std::string& line) {
  const bool begins_an_entry = line.starts_with("  ") && line.size() > 2 && line[2] != ' ';
  if (!begins_an_entry) return;
  auto& into = section == "Options:" ? help.options : help.subcommands;
  if (section != "Options:" && section != "Subcommands:") return;
  for (const std::string& name : names_in(line)) into.push_back(name);
  const std::string described = "...";
  const auto at = line.find(described);
  if (!line.starts_with("  --kind ") || at == std::string::npos) return;
  std::istringstream kinds(line.substr(at + described.size()));
  for (std::string kind; kinds >> kind;) {
    help.kinds.push_back(kind.substr(0, kind.find(',')));
  }
}

void collect(const std::string& program, const std::vector<std::string>& path,
             std::vector<CommandHelp>& into) {
  support::Argv argv{program};
  argv.insert(argv.end(), path.begin(), path.end());
  argv.emplace_back("--help");
  CommandHelp help;
  help.path = path;
  std::string section;
  for (const std::string& line : lines_of(support::must_run(argv))) {
    if (!line.empty() && line.front() != ' ') section = line;
    read_line(help, section, line);
  }
  const auto subcommands = help.subcommands;
  into.push_back(std::move(help));
  for (const std::string& name : subcommands) {
    auto below = path;
    below.push_back(name);
    collect(program, below, into);
  }
}

}  // namespace

std::string CommandHelp::words() const {
  std::string out = "tandem";
  for (const std::string& word : path) {
    out += ' ';
    out += word;
  }
  return out;
}

std::vector<CommandHelp> commands_of(const std::string& program) {
  std::vector<CommandHelp> out;
  collect(program, {}, out);
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

}  // namespace package
