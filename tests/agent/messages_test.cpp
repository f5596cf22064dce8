// The catalogue of messages against what it is about: the sentences in the sources and in the
// stories, and the entries of tandem-messages(7).
#include "agent/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace agent {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = TANDEM_SOURCE_DIR;

std::string text_of(const fs::path& path) {
  std::ostringstream all;
  all << std::ifstream(path).rdbuf();
  return all.str();
}

// Every source of the program but the catalogue, literals that the compiler would join joined.
std::map<std::string, std::string> sources() {
  std::map<std::string, std::string> out;
  static const std::regex seam("\"\\s*\n\\s*\"");
  for (const char* const folder : {"agent", "hooks", "health", "vrrp"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const auto extension = entry.path().extension();
      if (entry.path().stem() == "messages") continue;
      if (extension != ".cpp" && extension != ".hpp") continue;
      out[fs::relative(entry.path(), kRoot)] = std::regex_replace(text_of(entry.path()), seam, "");
    }
  }
  return out;
}

TEST(Messages, EveryEntryIsSaidBySomebody) {
  std::string all;
  for (const auto& [path, text] : sources()) all += text;
  for (const KnownMessage& message : known_messages()) {
    EXPECT_NE(all.find(message.words), std::string::npos)
        << "nobody says `" << message.words << "` any more: see agent/messages.cpp";
  }
}

// From `at` to the end of the statement, the literals of which are told; X stands for what is
// between them.
std::string literals(const std::string& text, std::size_t at) {
  std::string out;
  bool inside = false;
  for (; at < text.size() && (inside || text[at] != ';'); ++at) {
    if (inside && text[at] == '\\') {
      out += text[++at];
    } else if (text[at] == '"') {
      inside = !inside;
      if (inside && !out.empty()) out += 'X';
    } else if (inside) {
      out += text[at];
    }
  }
  return out;
}

// Sites that hold a part of a sentence only; the part by which it is known is made elsewhere.
const std::set<std::string> kParts = {"VIP X Xnote",
                                      "reload: {}{}",
                                      "the local server ",
                                      "the peer's server ",
                                      "no failback: ",
                                      "no switchover, ",
                                      "; it goes on when the agent is started again"};

// Where a warning is written down, the catalogue has it. What is handed through from elsewhere has
// no words here; the stories below and the tests with real agents see those.
TEST(Messages, EveryWarningInTheSourcesIsInTheCatalogue) {
  static const std::regex site(
      R"(Say\{Weight::warning,|story_\.(?:warn|error)\(|log_?->(?:warn|error)\(|)"
      R"(HookSeverity::warning,|say\(true,|RecoverySay\{true,|ReplicaSays\{true,|)"
      R"(TrackingSaid\{true,|  out\[[a-zA-Z" ]+\] =)");
  int judged = 0;
  for (const auto& [path, text] : sources()) {
    const bool alarms = path == "agent/pair_report.cpp" || path == "agent/pair_peer.cpp";
    for (std::sregex_iterator at(text.begin(), text.end(), site), end; at != end; ++at) {
      const bool alarm = at->str().starts_with("  out[");
      if (alarm && !alarms) continue;
      auto words = literals(text, static_cast<std::size_t>(at->position() + at->length()));
      // Its hands put that before it.
      if (path.starts_with("hooks/") && path.find("recovery") != std::string::npos) {
        words = "recovery: " + words;
      }
      if (words.find(' ') == std::string::npos || words == "alarm: ") continue;
      if (path.starts_with("agent/io/config_") || kParts.contains(words)) continue;
      ++judged;
      EXPECT_NE(message_key(words), "")
          << path << " warns `" << words
          << "`: give it an entry in agent/messages.cpp and a section"
          << " in etc/man/tandem-messages.7, which says what it means and what to do";
    }
  }
  EXPECT_GT(judged, 50);
}

TEST(Messages, EveryWarningOfTheStoriesIsInTheCatalogue) {
  int judged = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "tests" / "scenarios")) {
    if (entry.path().extension() != ".txt") continue;
    std::istringstream lines(text_of(entry.path()));
    for (std::string line; std::getline(lines, line);) {
      const auto at = line.find("-> warn: ");
      if (at == std::string::npos) continue;
      ++judged;
      EXPECT_NE(message_key(line.substr(at + 9)), "") << entry.path().filename() << ": " << line;
    }
  }
  EXPECT_GT(judged, 50);
}

// Key -> the sentences that the page shows for it.
std::map<std::string, std::vector<std::string>> page() {
  std::map<std::string, std::vector<std::string>> out;
  std::istringstream lines(text_of(kRoot / "etc" / "man" / "tandem-messages.7"));
  std::string key;
  for (std::string line; std::getline(lines, line);) {
    static const std::vector<std::pair<std::string, std::string>> kEscapes = {
        {"\\-", "-"}, {"\\(aq", "'"}, {"\\(dq", "\""}, {"\\e", "\\"}};
    for (const auto& [from, to] : kEscapes) {
      for (auto at = line.find(from); at != std::string::npos; at = line.find(from)) {
        line.replace(at, from.size(), to);
      }
    }
    if (line.starts_with(".Ss ")) key = line.substr(4);
    if (line.starts_with(".Ss ")) out[key];
    if (line.starts_with(".D1 ")) out[key].push_back(line.substr(4));
  }
  return out;
}

TEST(Messages, ThePageHasEachKeyAndNoOther) {
  std::set<std::string> known;
  for (const KnownMessage& message : known_messages()) known.insert(std::string(message.key));
  std::set<std::string> told;
  for (const auto& [key, sentences] : page()) told.insert(key);
  EXPECT_EQ(told, known);
}

TEST(Messages, ASentenceOfThePageHasTheKeyUnderWhichItStands) {
  for (const auto& [key, sentences] : page()) {
    EXPECT_FALSE(sentences.empty()) << key << " shows no sentence";
    for (const std::string& sentence : sentences) EXPECT_EQ(message_key(sentence), key) << sentence;
  }
}

TEST(Messages, EachEntryOfThePageSaysWhatToDo) {
  const std::string text = text_of(kRoot / "etc" / "man" / "tandem-messages.7");
  std::size_t count = 0;
  for (auto at = text.find("\n.Em What to do :\n"); at != std::string::npos;
       at = text.find("\n.Em What to do :\n", at + 1)) {
    ++count;
  }
  EXPECT_EQ(count, page().size());
}

}  // namespace
}  // namespace agent
