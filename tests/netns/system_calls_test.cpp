// Whatever an agent does in a busy hour, with its hooks, it does with system calls that the filter
// of its unit lets through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/pair_scene.hpp"
#include "tests/support/unit_file.hpp"

namespace support {
namespace {

using Names = std::set<std::string>;

// The sets of calls that systemd knows, as it prints them: a name at the margin, its members below.
std::map<std::string, Names> sets_of_systemd() {
  std::map<std::string, Names> sets;
  std::istringstream text(must_run({"systemd-analyze", "syscall-filter", "--no-pager"}));
  std::string set;
  for (std::string line; std::getline(text, line);) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line[begin] == '#') continue;
    if (begin == 0) {
      set = line;
    } else {
      sets[set].insert(line.substr(begin));
    }
  }
  return sets;
}

void expand(const std::map<std::string, Names>& sets, const std::string& name, Names& into) {
  if (!name.starts_with('@')) {
    into.insert(name);
    return;
  }
  const auto found = sets.find(name);
  if (found == sets.end()) return;
  for (const std::string& member : found->second) expand(sets, member, into);
}

Names allowed_by_the_unit() {
  const auto sets = sets_of_systemd();
  Names out;
  expand(sets, "@default", out);
  for (const std::string& word : words_of_unit("tandem.service", "SystemCallFilter")) {
    expand(sets, word, out);
  }
  return out;
}

// A traced agent with its hooks; strace stands aside, so that signals go to the agent itself.
Argv tracing(const std::string& file) {
  return {"strace", "-D", "-f", "-qq", "-c", "-U", "name", "-o", file};
}

// The summary comes when the last of the traced has ended.
Names called(const std::string& file) {
  std::string text;
  EXPECT_TRUE(eventually("strace's summary", kSoon,
                         equals(
                             [&] {
                               text = read_file(file);
                               return !text.empty();
                             },
                             true)));
  Names out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, std::regex("[a-z][a-z0-9_]+")) && line != "syscall" &&
        line != "total") {
      out.insert(line);
    }
  }
  return out;
}

// A traced process has ended before its parent hears of it: the tracer is told first.
testing::AssertionResult ends_well(Agent& agent) {
  agent.signal(SIGTERM);
  return eventually("a clean end", kSoon,
                    equals([&] { return agent.wait(Millis(100)).value_or(-1); }, 0));
}

TEST(SystemCalls, OfAWholeLifeAreInTheFilterOfTheUnit) {
  ASSERT_EQ(run({"strace", "--version"}).exit_code, 0) << "strace is missing: ./dev setup";
  SceneOptions options;
  options.quarantine = true;
  options.pair_a.secret = options.pair_b.secret = std::string(64, 'a');
  PairScene scene(options);
  scene.start_servers();
  const std::string a = scene.lan.dir() / "a.calls";
  const std::string b = scene.lan.dir() / "b.calls";
  scene.a.agent.start(tracing(a));
  scene.b.agent.start(tracing(b));
  ASSERT_TRUE(scene.reaches(kALeads));
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  scene.a.agent.signal(SIGHUP);
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  scene.a.redis.start();
  ASSERT_TRUE(scene.reaches(kBLeads));
  ASSERT_TRUE(PairScene::protects(scene.b.agent));
  EXPECT_EQ(scene.a.agent.command({"switchover"}).exit_code, 0);
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(ends_well(scene.a.agent));
  EXPECT_TRUE(ends_well(scene.b.agent));

  const Names allowed = allowed_by_the_unit();
  ASSERT_GT(allowed.size(), 200U);
  for (const auto& file : {a, b}) {
    const Names calls = called(file);
    EXPECT_THAT(calls, testing::IsSupersetOf({"epoll_wait", "sendto", "execve"}));
    for (const std::string& call : calls) {
      EXPECT_TRUE(allowed.contains(call)) << call << " is refused by SystemCallFilter=";
    }
  }
}

}  // namespace
}  // namespace support
