// README.md, ARCHITECTURE.md and the guides: their links lead somewhere, and they name no command,
// option or key that does not exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "help.hpp"
#include "tests/support/agent.hpp"
#include "tests/support/process.hpp"

namespace package {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const fs::path kSource = TANDEM_SOURCE_DIR;

std::vector<fs::path> pages() {
  std::vector<fs::path> out{kSource / "README.md", kSource / "ARCHITECTURE.md"};
  for (const auto& entry : fs::directory_iterator(kSource / "etc/guides")) {
    if (entry.path().extension() == ".md") out.push_back(entry.path());
  }
  return out;
}

std::vector<std::string> all(const std::string& text, const std::regex& what) {
  std::vector<std::string> out;
  for (std::sregex_iterator at(text.begin(), text.end(), what), end; at != end; ++at) {
    out.push_back((*at)[1]);
  }
  return out;
}

// "## Two leaders (mode "safe")" -> "two-leaders-mode-safe", as where Markdown is shown.
std::set<std::string> anchors_of(const fs::path& page) {
  std::set<std::string> out;
  for (const std::string& line : lines_of(support::read_file(page))) {
    if (!line.starts_with("#")) continue;
    std::string anchor;
    for (const char c : line.substr(std::min(line.find(' ') + 1, line.size()))) {
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) != 0 || c == '-' || c == '_') {
        anchor += static_cast<char>(std::tolower(byte));
      }
      if (c == ' ') anchor += '-';
    }
    out.insert(anchor);
  }
  return out;
}

TEST(Guides, LinksLeadSomewhere) {
  static const std::regex kLink(R"(\]\(([^)]+)\))");
  for (const fs::path& page : pages()) {
    for (const std::string& link : all(support::read_file(page), kLink)) {
      if (link.starts_with("http")) continue;
      const auto hash = link.find('#');
      const std::string file = link.substr(0, hash);
      const fs::path target = file.empty() ? page : page.parent_path() / file;
      ASSERT_TRUE(fs::exists(target)) << page << " links to " << link;
      if (hash == std::string::npos) continue;
      EXPECT_TRUE(anchors_of(target).contains(link.substr(hash + 1)))
          << page << " links to " << link << ", and no heading is called so";
    }
  }
}

// What is written as code: lines that are set in, and `words` in a sentence.
std::vector<std::string> code_of(const fs::path& page) {
  static const std::regex kInline("`([^`]+)`");
  std::vector<std::string> out;
  for (const std::string& line : lines_of(support::read_file(page))) {
    if (line.starts_with("    ")) {
      out.push_back(line.substr(4));
    } else {
      for (const std::string& words : all(line, kInline)) out.push_back(words);
    }
  }
  return out;
}

// The words behind "tandem", up to what the shell would not give to it; empty: another command.
Words tandem_words(const std::string& code) {
  static const std::regex kCall(R"(^(?:sudo )?tandem ([^#|;&>]*))");
  std::smatch match;
  Words out;
  if (!std::regex_search(code, match, kCall)) return out;
  std::istringstream words(match[1]);
  for (std::string word; words >> word;) out.push_back(word);
  return out;
}

const CommandHelp* command_of(const std::vector<CommandHelp>& commands, const Words& words) {
  const CommandHelp* best = nullptr;
  for (const CommandHelp& help : commands) {
    if (help.path.size() > words.size()) continue;
    const bool fits = std::equal(help.path.begin(), help.path.end(), words.begin());
    if (fits && (best == nullptr || help.path.size() > best->path.size())) best = &help;
  }
  return best;
}

TEST(Guides, NameOnlyCommandsAndOptionsThatExist) {
  const auto commands = commands_of(support::tandem_path());
  int calls = 0;
  for (const fs::path& page : pages()) {
    for (const std::string& code : code_of(page)) {
      const Words words = tandem_words(code);
      if (words.empty() || words.front().starts_with("-")) continue;
      ++calls;
      const CommandHelp* help = command_of(commands, words);
      ASSERT_TRUE(help != nullptr && !help->path.empty()) << page << ": " << code;
      for (const std::string& word : words) {
        if (!word.starts_with("-")) continue;
        EXPECT_THAT(help->options, testing::Contains(word.substr(0, word.find('='))))
            << page << ": " << code;
      }
    }
  }
  EXPECT_GT(calls, 60);
}

TEST(Guides, NameOnlyKeysThatExist) {
  static const std::regex kKey(R"((?:^|\n)#?([a-z_]+) = )");
  static const std::regex kUsed(R"(\n    ([a-z_]+) = )");
  const auto known = all(support::read_file(kSource / "etc/tandem.toml"), kKey);
  int used = 0;
  for (const fs::path& page : pages()) {
    for (const std::string& key : all(support::read_file(page), kUsed)) {
      ++used;
      EXPECT_THAT(known, testing::Contains(key)) << page;
    }
  }
  EXPECT_GT(used, 15);
}

}  // namespace
}  // namespace package
