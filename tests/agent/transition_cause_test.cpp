// The label of a transition's reason: it follows the sentences of the rulebook, and this test says
// so when one of them is put into other words.
#include "agent/transition_cause.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace agent {
namespace {

TEST(TransitionCause, IsTheClassOfASentence) {
  EXPECT_EQ(to_string(cause_of("the agent started")), "start");
  EXPECT_EQ(to_string(cause_of("the leader resigned")), "leader_resigned");
  EXPECT_EQ(to_string(cause_of("the local server is dead: closed by the server")), "server_failed");
  EXPECT_EQ(to_string(cause_of("the local server is the master")), "election");
  EXPECT_EQ(to_string(cause_of("a switchover was asked for on node b")), "switchover");
  EXPECT_EQ(to_string(cause_of("node b, which is preferred, takes the role back")), "failback");
  EXPECT_EQ(to_string(cause_of("the leader is silent and its server does not answer")),
            "leader_lost");
  EXPECT_EQ(to_string(cause_of("interface eth1 is down")), "tracked");
  EXPECT_EQ(to_string(cause_of("something new")), "other");
}

std::string sources_of_the_rulebook() {
  std::ostringstream all;
  const std::filesystem::path root = TANDEM_SOURCE_DIR;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "agent")) {
    if (entry.path().filename() == "transition_cause.cpp") continue;
    if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") {
      all << std::ifstream(entry.path()).rdbuf();
    }
  }
  return all.str();
}

TEST(TransitionCause, EverySentenceItKnowsIsOneOfTheRulebook) {
  const std::string sources = sources_of_the_rulebook();
  std::set<TransitionCause> known;
  for (const CausePhrase& phrase : cause_phrases()) {
    const std::string begin = "\"" + std::string(phrase.begins);
    EXPECT_NE(sources.find(begin), std::string::npos)
        << "nobody says `" << phrase.begins << "` any more: see agent/transition_cause.cpp";
    known.insert(phrase.cause);
  }
  EXPECT_NE(sources.find(", which is preferred"), std::string::npos);
  EXPECT_EQ(known.size() + 2, static_cast<std::size_t>(TransitionCause::other) + 1);
}

}  // namespace
}  // namespace agent
