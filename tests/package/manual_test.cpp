// The manual pages: they name every command, option, exit code and key, nothing that no longer
// exists, and are clean for the programs that show them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "help.hpp"
#include "tests/support/agent.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace package {
namespace {

using support::Millis;

std::string path_of(const std::string& page) {
  return page == "tandem.toml.5" ? std::string(TANDEM_BINARY_DIR) + "/" + page
                                 : std::string(TANDEM_SOURCE_DIR) + "/etc/man/" + page;
}

// The lines of a page, "\-" as "-"; of one section or subsection when it is named.
std::vector<std::string> page_lines(const std::string& page, const std::string& section = {}) {
  std::string text = support::read_file(path_of(page));
  EXPECT_NE(text, "") << path_of(page);
  for (auto at = text.find("\\-"); at != std::string::npos; at = text.find("\\-")) {
    text.erase(at, 1);
  }
  std::vector<std::string> out;
  bool inside = section.empty();
  for (const std::string& line : lines_of(text)) {
    const bool heading = line.starts_with(".Sh ") || line.starts_with(".Ss ");
    if (heading && !section.empty()) inside = line.substr(4) == section;
    if (inside) out.push_back(line);
  }
  return out;
}

// Whether a line says ".It Fl n , Fl -last" for "--last", or the same within a description.
bool names_option(const std::vector<std::string>& lines, const std::string& option) {
  const std::regex word("Fl( [^ ]+ ,)? ?" + option.substr(1) + "( |$)");
  const std::regex second("Fl [^ ]+ , Fl " + option.substr(1) + "( |$)");
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return std::regex_search(line, word) || std::regex_search(line, second);
  });
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(Manual, TandemHasEveryCommandWithItsOptions) {
  for (const CommandHelp& help : commands_of(support::tandem_path())) {
    const bool itself = help.path.empty();
    const auto lines = page_lines("tandem.1", itself ? "" : help.path.front());
    EXPECT_FALSE(lines.empty()) << "etc/man/tandem.1 has no section .Ss " << help.path.front();
    if (help.path.size() > 1) {
      EXPECT_TRUE(std::any_of(
          lines.begin(), lines.end(),
          [&](const auto& line) { return line.starts_with(".It Cm " + help.path.back()); }))
          << "etc/man/tandem.1 has no .It Cm for " << help.words();
    }
    for (const std::string& option : help.options) {
      if (!itself && (option == "-h" || option == "--help")) continue;
      EXPECT_TRUE(names_option(lines, option))
          << "etc/man/tandem.1 says nothing of " << help.words() << " " << option;
    }
    for (const std::string& kind : help.kinds) {
      EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                              [&](const auto& line) {
                                return line.starts_with(".Cm ") &&
                                       (line + " ").find(" " + kind + " ") != std::string::npos;
                              }))
          << "etc/man/tandem.1 does not name the kind " << kind;
    }
  }
}

TEST(Manual, TandemHasNoCommandThatIsGone) {
  const auto top = commands_of(support::tandem_path()).front();
  for (const std::string& line : page_lines("tandem.1")) {
    if (!line.starts_with(".Ss ")) continue;
    EXPECT_TRUE(contains(top.subcommands, line.substr(4)))
        << "etc/man/tandem.1 describes tandem " << line.substr(4) << ", which does not exist";
  }
}

TEST(Manual, TandemdHasEveryOption) {
  const auto help = commands_of(support::tandemd_path()).front();
  const auto lines = page_lines("tandemd.8", "OPTIONS");
  for (const std::string& option : help.options) {
    EXPECT_TRUE(names_option(lines, option)) << "etc/man/tandemd.8 says nothing of " << option;
  }
  static const std::regex kDescribed(R"(^\.It (?:Fl \w , )?Fl (-[a-z-]+))");
  for (const std::string& line : lines) {
    std::smatch match;
    if (!std::regex_search(line, match, kDescribed)) continue;
    EXPECT_TRUE(contains(help.options, "-" + match[1].str()))
        << "etc/man/tandemd.8 describes -" << match[1] << ", which does not exist";
  }
}

TEST(Manual, ExitCodesAreExplained) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> codes = {
      {"tandem.1", {"0", "1", "2", "3"}}, {"tandemd.8", {"0", "1", "2"}}};
  for (const auto& [page, expected] : codes) {
    std::vector<std::string> found;
    for (const std::string& line : page_lines(page, "EXIT STATUS")) {
      if (line.starts_with(".It ")) found.push_back(line.substr(4));
    }
    EXPECT_EQ(found, expected) << page;
  }
}

TEST(Manual, ConfigurationHasEveryKeyOfTheExample) {
  static const std::regex kTable(R"(^#?(\[\[?[a-z_.]+\]\]?))");
  static const std::regex kKey(R"(^#?([a-z_]+) = )");
  const std::string example = std::string(TANDEM_SOURCE_DIR) + "/etc/tandem.toml";
  std::vector<std::string> section;
  std::string table;
  int keys = 0;
  for (const std::string& line : lines_of(support::read_file(example))) {
    std::smatch match;
    if (std::regex_search(line, match, kTable)) {
      table = match[1];
      section = page_lines("tandem.toml.5", table);
      EXPECT_FALSE(section.empty()) << "tandem.toml.5 has no section .Ss " << table;
    } else if (std::regex_search(line, match, kKey)) {
      ++keys;
      const std::string item = ".It Cm " + match[1].str() + " Li = ";
      const auto found = std::find_if(section.begin(), section.end(),
                                      [&](const auto& other) { return other.starts_with(item); });
      EXPECT_NE(found, section.end()) << "tandem.toml.5 lacks " << match[1] << " of " << table;
      if (found == section.end()) continue;
      EXPECT_TRUE(std::next(found) != section.end() && !std::next(found)->starts_with(".It"))
          << "tandem.toml.5 says nothing about " << match[1] << " of " << table;
    }
  }
  EXPECT_GT(keys, 70);
}

TEST(Manual, ConfigurationHasEveryVariableOfHooks) {
  static const std::regex kVariable(R"(\{"(TANDEM_[A-Z_]+)\")");
  std::string page;
  for (const std::string& line : page_lines("tandem.toml.5", "ENVIRONMENT")) page += line + "\n";
  for (const char* const file : {"hooks/notify.cpp", "hooks/io/dataset_fetch.cpp",
                                 "hooks/io/recovery_runner.cpp", "agent/io/track_runner.cpp"}) {
    const auto text = support::read_file(std::string(TANDEM_SOURCE_DIR) + "/" + file);
    for (std::sregex_iterator at(text.begin(), text.end(), kVariable), end; at != end; ++at) {
      EXPECT_NE(page.find((*at)[1].str()), std::string::npos)
          << "etc/man/tandem.toml.5.in does not explain " << (*at)[1];
    }
  }
}

// Each of the programs that can judge a page, where it is installed.
TEST(Manual, PagesAreClean) {
  const std::vector<support::Argv> judges = {{"man", "--warnings", "-l"},
                                             {"groff", "-ww", "-mdoc", "-Tutf8", "-z"},
                                             {"mandoc", "-Tlint", "-Wwarning"}};
  int judged = 0;
  for (auto judge : judges) {
    if (support::run({"sh", "-c", "command -v " + judge.front()}).exit_code != 0) continue;
    ++judged;
    for (const char* const page : {"tandemd.8", "tandem.1", "tandem.toml.5", "tandem-messages.7"}) {
      auto argv = judge;
      argv.push_back(path_of(page));
      if (judge.front() == "man")
        argv = {"sh", "-c", "man --warnings -l \"$0\" >/dev/null", argv.back()};
      EXPECT_EQ(support::run(argv, {}, Millis(60000)).output, "") << judge.front() << " " << page;
    }
  }
  if (judged == 0) GTEST_SKIP() << "none of man, groff and mandoc is installed";
}

}  // namespace
}  // namespace package
