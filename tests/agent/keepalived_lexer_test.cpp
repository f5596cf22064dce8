// keepalived.conf as lines and blocks: comments, quotes, definitions, conditions and includes, and
// what of it is refused.
#include "agent/keepalived_lexer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/keepalived_tree.hpp"
#include "agent/keepalived_words.hpp"
#include "tests/agent/keepalived_fixture.hpp"

namespace agent::keepalived {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// "a b { c } d", lines separated by " / "; or the refusal.
std::string read(const std::string& text, const FakeHost& host = {}) {
  const Surroundings around = host.surroundings();
  const auto result = read_lines({"k.conf", text}, around.config_id, around.include);
  if (const auto* refusal = std::get_if<Refusal>(&result)) return refusal->to_string();
  std::string out;
  for (const Line& line : std::get<Lines>(result).lines) {
    if (!out.empty()) out += " /";
    for (const Token& token : line.tokens) {
      const bool blank = token.text.find(' ') != std::string::npos || token.text.empty();
      out += blank ? " [" + token.text + "]" : " " + token.text;
    }
  }
  return out.empty() ? out : out.substr(1);
}

std::string tree(const std::string& text) {
  const Surroundings around = FakeHost{}.surroundings();
  const auto lines = read_lines({"k.conf", text}, "a", around.include);
  const auto result = build_tree(std::get<Lines>(lines).lines);
  if (const auto* refusal = std::get_if<Refusal>(&result)) return refusal->to_string();
  std::function<std::string(const std::vector<Node>&)> show = [&](const std::vector<Node>& nodes) {
    std::string out;
    for (const Node& node : nodes) {
      out += "(";
      for (const auto& word : node.words) out += (out.ends_with("(") ? "" : " ") + word;
      if (node.block) out += " " + show(node.children);
      out += ")";
    }
    return "[" + out + "]";
  };
  return show(std::get<std::vector<Node>>(result));
}

TEST(KeepalivedLexer, TakesCommentsOffButNotInQuotes) {
  EXPECT_EQ(read("! all of it\n# this too\n priority 100 ! here\nvip#x\n"), "priority 100 / vip");
  EXPECT_EQ(read("script \"a # b ! c\" # d\n"), "script [a # b ! c]");
  EXPECT_EQ(read("password a\\#b\n"), "password a#b");
}

TEST(KeepalivedLexer, UnderstandsQuotesAndEscapes) {
  EXPECT_EQ(read("a \"b c\" 'd \"e\"' x\" y \"z\n"), "a [b c] [d \"e\"] [x y z]");
  EXPECT_EQ(read(R"(a "b\"c" \x41\102 "")"), "a b\"c AB []");
  EXPECT_EQ(read("a \"open to the end # too\n b\n"), "a [open to the end # too] / b");
}

TEST(KeepalivedLexer, ReadsFilesOfOtherSystems) {
  EXPECT_EQ(read("\xEF\xBB\xBF! comment\r\npriority 100\r\n"), "priority 100");
}

TEST(KeepalivedLexer, SplitsBracesOutsideOfQuotes) {
  EXPECT_EQ(read("vrrp_instance VI_1{\ntrack_script { chk }\n}\n"),
            "vrrp_instance VI_1 { / track_script { chk } / }");
  EXPECT_EQ(read("script \"{ x }\" ${NOBODY}\n"), "script [{ x }] ${NOBODY}");
}

TEST(KeepalivedLexer, ReplacesDefinitions) {
  EXPECT_EQ(read("$PRIO=100\npriority $PRIO\nvip ${PRIO}.1 $PRIOX\n"),
            "priority 100 / vip 100.1 $PRIOX");
  // At the time of use, as the manual shows it.
  EXPECT_EQ(read("$BASE=10.2.${SUB}\n$SUB=0\n${BASE}.100/32\n$SUB=10\n${BASE}.100/32\n"),
            "10.2.0.100/32 / 10.2.10.100/32");
  EXPECT_EQ(read("$I= \\\nvrrp_instance VI_${N} { \\\n  priority ${N} \\\n}\n$N=1\n$I\n$N=2\n$I\n"),
            "vrrp_instance VI_1 { / priority 1 / } / vrrp_instance VI_2 { / priority 2 / }");
  EXPECT_EQ(read("name ${_INSTANCE}${_HASH}1\n"), "name server11#1");
}

TEST(KeepalivedLexer, KeepsTheLinesOfThisHost) {
  EXPECT_EQ(read("@server11 priority 100\n@server12 priority 90\n@^server12 state MASTER\n"),
            "priority 100 / state MASTER");
  EXPECT_EQ(read("@server11 $P=1\n@server12 $P=2\npriority $P\n"), "priority 1");
}

TEST(KeepalivedLexer, ReadsIncludes) {
  FakeHost host;
  host.files = {{"/etc/k/1.conf", "one\n"}, {"/etc/k/2.conf", "two\n"}, {"x.conf", "$A=5\n"}};
  EXPECT_EQ(read("include /etc/k/*\nthree\n", host), "one / two / three");
  EXPECT_EQ(read("includea x.conf\ninclude_r \"/etc/k/1.conf\"\na $A\n", host), "one / a 5");
  EXPECT_EQ(read("include /none/*\na\n", host), "a");
  EXPECT_EQ(read("a\ninclude /none/x\n", host),
            "k.conf:2: the included file \"/none/x\" does not exist");
}

TEST(KeepalivedLexer, RefusesWhatHasNoEnd) {
  FakeHost host;
  host.files = {{"a", "x\ninclude b\n"}, {"b", "include a\n"}, {"k.conf", "include k.conf\n"}};
  EXPECT_EQ(read("include a\n", host),
            "b:1: includes \"a\", which is being read already: an endless loop; take one of the "
            "includes out");
  EXPECT_THAT(read("include k.conf\n", host), StartsWith("k.conf:1: includes \"k.conf\", which"));
  EXPECT_EQ(read("$A=${B}\n$B=${A}\nx ${A}\n"), "k.conf:3: a definition refers to itself");
  std::string laughs = "$A0=" + std::string(1000, 'x') + "\n";
  for (int i = 1; i < 20; ++i) {
    const std::string before = "${A" + std::to_string(i - 1) + "}";
    laughs += "$A" + std::to_string(i) + "=" + before + before + before + before + "\n";
  }
  EXPECT_EQ(read(laughs + "x ${A19}\n"),
            "k.conf:21: is longer than 64 KB once its definitions are replaced");
}

TEST(KeepalivedLexer, RefusesWhatIsNoText) {
  EXPECT_EQ(read(std::string("a\nb\0c\n", 6)),
            "k.conf:2: holds bytes that are no text; name a keepalived.conf");
  EXPECT_EQ(read("\x7f"
                 "ELF\x02\x01\x01"),
            "k.conf:1: holds bytes that are no text; name a keepalived.conf");
  EXPECT_EQ(read(std::string(70000, 'a')), "k.conf:1: is longer than 64 KB; split the line");
}

TEST(KeepalivedTree, BuildsBlocks) {
  EXPECT_EQ(tree("a 1\nb 2 {\n c\n d { e f }\n}\ng\n"), "[(a 1)(b 2 [(c)(d [(e f)])])(g)]");
  EXPECT_EQ(tree("vrrp_instance VI_1\n{\n a\n}\n"), "[(vrrp_instance VI_1 [(a)])]");
  EXPECT_EQ(tree("a {} b {}\n"), "[(a [])(b [])]");
}

TEST(KeepalivedTree, NamesTheBraceThatIsMissing) {
  EXPECT_EQ(tree("a {\n b {\n }\n"),
            "k.conf:1: the block \"a\" begins here and is never closed; add the missing '}'");
  EXPECT_EQ(tree("a {\n}\n}\n"),
            "k.conf:3: this '}' closes no block; remove it, or add the missing '{'");
  EXPECT_EQ(tree("{\n}\n"), "k.conf:1: this '{' has no name of a block before it; remove it");
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "a {\n";
  EXPECT_EQ(tree(deep), "k.conf:33: blocks are nested more than 32 deep");
}

TEST(KeepalivedWords, AreNumbersOrNot) {
  EXPECT_EQ(to_integer("+5", 1, 10), 5);
  EXPECT_EQ(to_integer("-5", -10, 10), -5);
  for (const char* word : {"", "5x", "11", "0", "99999999999"}) {
    EXPECT_EQ(to_integer(word, 1, 10), std::nullopt) << word;
  }
  EXPECT_EQ(to_seconds("0.25", 10), 0.25);
  for (const char* word : {"", "-1", "nan", "inf", "1e9", "1s"}) {
    EXPECT_EQ(to_seconds(word, 10), std::nullopt) << word;
  }
}

TEST(KeepalivedWords, AreFitForMessages) {
  EXPECT_EQ(clean("a\x01\xff\xc3\xa9\xed\xa0\x80"), "a??\xc3\xa9???");
  EXPECT_EQ(shown(std::string(100, 'a')), "\"" + std::string(80, 'a') + "...\"");
}

}  // namespace
}  // namespace agent::keepalived
