// House rules that a machine can check, over the tree itself: who may include whom, what pure code
// may not name, how long a function, a line and a file may be, and that every file says what it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestLine = 100;
constexpr std::size_t kLongestFile = 400;
constexpr std::size_t kLongestFunction = 70;

struct Source {
  std::string path;    // relative to the root
  std::string folder;  // "vrrp", "vrrp/io", ...
  std::vector<std::string> lines;
};

const std::vector<std::string> kFolders = {"vrrp",  "vrrp/io",  "health", "health/io",
                                           "hooks", "hooks/io", "agent",  "agent/io"};

std::vector<Source> sources_under(const std::vector<std::string>& folders, bool recursive) {
  std::vector<Source> out;
  const fs::path root = TANDEM_SOURCE_DIR;
  const auto take = [&](const fs::directory_entry& entry, const std::string& folder) {
    const auto extension = entry.path().extension();
    if (extension != ".hpp" && extension != ".cpp") return;
    Source source{fs::relative(entry.path(), root).string(), folder, {}};
    std::ifstream stream(entry.path());
    for (std::string line; std::getline(stream, line);) source.lines.push_back(line);
    out.push_back(std::move(source));
  };
  for (const auto& folder : folders) {
    if (recursive) {
      for (const auto& entry : fs::recursive_directory_iterator(root / folder)) take(entry, folder);
    } else {
      for (const auto& entry : fs::directory_iterator(root / folder)) take(entry, folder);
    }
  }
  return out;
}

std::vector<Source> product() {
  return sources_under(kFolders, false);
}
std::vector<Source> everything() {
  return sources_under({"vrrp", "health", "hooks", "agent", "tests"}, true);
}

bool is_pure(const Source& source) {
  return source.folder.find("/io") == std::string::npos;
}
bool is_main(const Source& source) {
  return source.path.ends_with("_main.cpp");
}

std::string at(const Source& source, std::size_t line) {
  return source.path + ":" + std::to_string(line + 1) + ": ";
}

// Without comments and string contents: a word in prose is no use of it.
std::string code_of(std::string line) {
  static const std::regex kStrings(R"("(\\.|[^"\\])*")");
  line = std::regex_replace(line, kStrings, "\"\"");
  return line.substr(0, line.find("//"));
}

// What a folder may include of the house, itself among it.
std::vector<std::string> allowed(const std::string& folder) {
  if (folder == "vrrp") return {"vrrp"};
  if (folder == "vrrp/io") return {"vrrp", "vrrp/io", "vrrp/io/asio"};
  if (folder == "health") return {"health"};
  if (folder == "health/io") return {"health", "health/io", "vrrp/io/asio"};
  if (folder == "hooks") return {"hooks", "health"};
  if (folder == "hooks/io") return {"hooks", "hooks/io", "health", "health/io", "vrrp/io/asio"};
  if (folder == "agent") return {"agent", "vrrp", "health", "hooks"};
  auto all = kFolders;
  all.emplace_back("vrrp/io/asio");  // Asio, and what every io folder has of it
  return all;
}

TEST(Tidy, FoldersKnowOnlyThoseBelowThem) {
  static const std::regex kInclude(R"(^#include "([^"]+)/[^/"]+")");
  for (const Source& source : product()) {
    if (is_main(source)) continue;
    const auto may = allowed(source.folder);
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(source.lines[i], match, kInclude)) continue;
      EXPECT_TRUE(std::find(may.begin(), may.end(), match[1]) != may.end())
          << at(source, i) << source.folder << " may not include " << match[1];
    }
  }
}

TEST(Tidy, PureFoldersIncludeNoLibraries) {
  static const std::regex kForeign(
      R"(^#include <(boost/asio|spdlog|fmt|toml|netlink|hiredis|CLI|systemd|sys/socket|linux))");
  static const std::regex kAnyBoost(R"(^#include <boost/)");
  for (const Source& source : product()) {
    if (!is_pure(source) || is_main(source)) continue;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(source.lines[i], kForeign))
          << at(source, i) << source.lines[i];
      if (source.folder == "agent") continue;  // JSON is a value format
      EXPECT_FALSE(std::regex_search(source.lines[i], kAnyBoost))
          << at(source, i) << source.lines[i];
    }
  }
}

TEST(Tidy, LibrariesHaveTheirFolders) {
  const std::vector<std::pair<std::regex, std::vector<std::string>>> homes = {
      {std::regex(R"(^#include <toml)"), {"agent/io"}},
      {std::regex(R"(^#include <spdlog)"), {"agent/io"}},
      {std::regex(R"(^#include <netlink)"), {"vrrp/io"}},
      {std::regex(R"(^#include <hiredis)"), {"health/io"}},
  };
  for (const Source& source : product()) {
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      for (const auto& [pattern, folders] : homes) {
        if (!std::regex_search(source.lines[i], pattern)) continue;
        EXPECT_TRUE(std::find(folders.begin(), folders.end(), source.folder) != folders.end())
            << at(source, i) << source.lines[i];
      }
    }
  }
}

TEST(Tidy, PureCodeReadsNoClockAndWaitsForNothing) {
  static const std::regex kBanned(
      R"(::now\(|\bsleep|\bsystem\(|\bdetach\(|\brand\(|random_device)");
  for (const Source& source : product()) {
    if (!is_pure(source) || is_main(source)) continue;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(code_of(source.lines[i]), kBanned))
          << at(source, i) << source.lines[i];
    }
  }
}

TEST(Tidy, NobodySleepsOrShellsOut) {
  static const std::regex kBanned(R"(\b(u?sleep|nanosleep|sleep_for|sleep_until|system|popen)\()");
  for (const Source& source : product()) {
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(code_of(source.lines[i]), kBanned))
          << at(source, i) << source.lines[i];
    }
  }
}

TEST(Tidy, NothingIsLeftForLater) {
  // Written apart, so that this line is not found.
  static const std::regex kLeftover(std::string(R"(\b(TO)") + "DO|FIX" + "ME|XX" + R"(X)\b)");
  for (const Source& source : everything()) {
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(source.lines[i], kLeftover))
          << at(source, i) << source.lines[i];
    }
  }
}

TEST(Tidy, FilesBeginWithWhatTheyAre) {
  for (const Source& source : everything()) {
    ASSERT_FALSE(source.lines.empty()) << source.path;
    EXPECT_TRUE(source.lines.front().starts_with("//")) << source.path;
  }
}

TEST(Tidy, HeadersAreGuarded) {
  for (const Source& source : everything()) {
    if (!source.path.ends_with(".hpp")) continue;
    EXPECT_TRUE(std::find(source.lines.begin(), source.lines.end(), "#pragma once") !=
                source.lines.end())
        << source.path;
  }
}

TEST(Tidy, LinesAndFilesAreShort) {
  for (const Source& source : everything()) {
    EXPECT_LE(source.lines.size(), kLongestFile) << source.path;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      // Characters, not bytes: captured text may hold others than ASCII.
      const auto characters = std::count_if(source.lines[i].begin(), source.lines[i].end(),
                                            [](char c) { return (c & 0xC0) != 0x80; });
      EXPECT_LE(static_cast<std::size_t>(characters), kLongestLine) << at(source, i);
    }
  }
}

// clang-format puts the opening line of a function at the margin or two columns in, and its end at
// the same column; that is enough to measure it.
TEST(Tidy, FunctionsAreShort) {
  static const std::regex kOpening(R"(^( {0,4})[A-Za-z~].*\) ?(const|noexcept|override| )*\{$)");
  for (const Source& source : everything()) {
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(source.lines[i], match, kOpening)) continue;
      const std::string end = match[1].str() + "}";
      std::size_t last = i + 1;
      while (last < source.lines.size() && !source.lines[last].starts_with(end)) ++last;
      EXPECT_LE(last - i, kLongestFunction) << at(source, i) << source.lines[i];
    }
  }
}

// A table of proofs is worth what its names are worth.
TEST(Tidy, TheTableOfTheRfcNamesTestsThatExist) {
  static const std::regex kTest(R"(TEST(_F|_P)?\((\w+), (\w+)\))");
  static const std::regex kName(R"(`([A-Z]\w+\.\w+)`)");
  std::set<std::string> tests;
  for (const Source& source : everything()) {
    for (const std::string& line : source.lines) {
      std::smatch match;
      if (std::regex_search(line, match, kTest)) {
        tests.insert(match[2].str() + "." + match[3].str());
      }
    }
  }
  std::ifstream table(std::string(TANDEM_SOURCE_DIR) + "/tests/vrrp/rfc9568.md");
  int names = 0;
  for (std::string line; std::getline(table, line);) {
    for (std::sregex_iterator at(line.begin(), line.end(), kName), end; at != end; ++at, ++names) {
      EXPECT_TRUE(tests.contains((*at)[1])) << (*at)[1];
    }
  }
  EXPECT_GT(names, 40);
}

}  // namespace
