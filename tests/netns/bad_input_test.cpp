// The operator's command against what goes wrong around it, and the agent's door against those who
// mean it no good: one sentence, the right exit code, and nothing is harmed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/netns/attacker.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// All that ask the agent, about a pair where they can name one.
std::vector<Argv> commands(const std::string& pair) {
  return {{"status", pair},
          {"promote", pair, "--accept-data-loss"},
          {"rejoin", pair},
          {"switchover", pair},
          {"switchover", pair, "--dry-run"},
          {"acknowledge", pair},
          {"recover", pair},
          {"maintenance", "on", pair},
          {"maintenance", "off", pair}};
}

std::string words_of(const Argv& argv) {
  std::string out;
  for (const auto& word : argv) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string answer(PairScene::Side& side, const Argv& words) {
  const Outcome outcome = side.agent.command(words);
  return std::to_string(outcome.exit_code) + " " + outcome.output;
}

TEST(BadInput, WithoutAnAgentEveryCommandSaysSo) {
  PairScene scene;
  auto all = commands("redis");
  all.push_back({"reload"});
  all.push_back({"restart"});
  for (const Argv& words : all) {
    EXPECT_THAT(answer(scene.a, words),
                testing::AllOf(StartsWith("3 tandem: the agent cannot be reached: "),
                               HasSubstr("; is tandemd running?\n")))
        << words_of(words);
  }
  EXPECT_THAT(answer(scene.a, {"watch"}), StartsWith("2 tandem: watch needs a terminal"));
}

TEST(BadInput, WithoutPermissionEveryCommandSaysWhoMay) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const std::string socket = scene.a.host.dir / "control.sock";
  struct stat status {};
  ASSERT_EQ(::stat(socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0117U, 0U);
  for (const Argv& words : commands("redis")) {
    Argv argv{"setpriv",     "--reuid=65534", "--regid=65534", "--clear-groups",
              tandem_path(), "--socket",      socket};
    argv.insert(argv.end(), words.begin(), words.end());
    const Outcome outcome = run(argv, scene.a.host.netns);
    EXPECT_EQ(outcome.exit_code, 3) << words_of(words);
    EXPECT_THAT(outcome.output, HasSubstr("; run as root or as a member of group tandem\n"))
        << words_of(words);
  }
  EXPECT_TRUE(scene.keeps(kALeads, Millis(300)));
}

TEST(BadInput, AnUnknownPairIsAnsweredWithTheKnownOnes) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  for (const Argv& words : commands("cache")) {
    EXPECT_EQ(answer(scene.a, words),
              "1 tandem: no pair of that name: cache; this agent has redis\n")
        << words_of(words);
  }
  EXPECT_TRUE(scene.keeps(kALeads, Millis(300)));
}

// A pair in another state, and the same request twice.
TEST(BadInput, WhatAStateDoesNotAllowIsRefusedWithTheReason) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    EXPECT_THAT(answer(scene.a, {"promote", "redis"}), StartsWith("1 tandem: promote needs --acc"));
    EXPECT_THAT(answer(scene.a, {"promote", "redis", "--accept-data-loss"}),
                StartsWith("1 tandem: "));
    EXPECT_THAT(answer(scene.b, {"promote", "redis", "--accept-data-loss"}),
                HasSubstr("the other node leads"));
    for (auto* side : {&scene.a, &scene.b}) {
      EXPECT_THAT(answer(*side, {"rejoin", "redis"}), StartsWith("1 tandem: "));
      EXPECT_THAT(answer(*side, {"recover", "redis"}), StartsWith("1 tandem: "));
      EXPECT_THAT(answer(*side, {"acknowledge", "redis"}), StartsWith("0 redis: acknowledged"));
      EXPECT_THAT(answer(*side, {"reload"}), StartsWith("0 "));
    }
    EXPECT_THAT(answer(scene.a, {"maintenance", "on", "redis"}), HasSubstr("maintenance is on"));
  }
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(answer(scene.a, {"maintenance", "off"}), HasSubstr("maintenance is over"));
  }
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

TEST(BadInput, WithThePeerDownNothingIsGivenAway) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  scene.lan.power_off(scene.b.host);
  ASSERT_TRUE(eventually("A knows", kSoon, [&] {
    const std::string words = scene.a.agent.command({"status"}).output;
    return Seen{words.find("failover would NOT work now") != std::string::npos, words};
  }));
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(answer(scene.a, {"switchover"}), StartsWith("1 tandem: "));
    EXPECT_THAT(answer(scene.a, {"switchover", "--dry-run"}), StartsWith("1 tandem: "));
  }
  EXPECT_THAT(answer(scene.a, {"doctor"}), StartsWith("1 "));
  EXPECT_EQ(scene.a.agent.state(), "leading");
}

// script(1), which makes the terminal, passes the end of its own input on as Ctrl-D, and that ends
// a watch: so its input is a pipe that it holds open itself.
Argv terminal(const Host& host, const std::string& line) {
  const std::string pipe = (host.dir / "keys").string();
  const std::string words = "[ -p " + pipe + " ] || mkfifo " + pipe +
                            "; TERM=xterm SHELL=/bin/sh exec script -qefc \"$1\" /dev/null <>" +
                            pipe;
  return {"sh", "-c", words, "terminal", line};
}

// What a terminal of this width shows for a command line.
std::string on_terminal(PairScene::Side& side, int columns, const std::string& words,
                        const std::string& wrapper = {}) {
  std::string line = "stty cols " + std::to_string(columns) + " rows 50; ";
  line += "before=$(stty -g); " + wrapper + tandem_path();
  line += " --socket " + (side.host.dir / "control.sock").string() + " " + words;
  line += "; echo \"<$?>\"; test \"$before\" = \"$(stty -g)\" && echo '<as it was>'";
  return run(terminal(side.host, line), side.host.netns).output;
}

std::size_t widest(const std::string& text) {
  std::istringstream lines(text);
  std::size_t out = 0;
  for (std::string line; std::getline(lines, line);) {
    std::size_t columns = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\x1b')
        i = line.find_first_of("mHJKhl", i);
      else if (line[i] != '\r')
        ++columns;
    }
    out = std::max(out, columns);
  }
  return out;
}

TEST(BadInput, ATerminalOf40ColumnsGetsWholeWords) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  const std::string narrow = on_terminal(scene.a, 40, "status");
  EXPECT_LE(widest(narrow), 40U) << narrow;
  EXPECT_THAT(narrow, HasSubstr("would work now"));
  EXPECT_THAT(narrow, HasSubstr("\x1b[32m"));
  EXPECT_THAT(narrow, HasSubstr("<0>"));
  EXPECT_THAT(on_terminal(scene.a, 40, "status --color never"), Not(HasSubstr("\x1b[")));
  EXPECT_THAT(answer(scene.a, {"status"}), Not(HasSubstr("\x1b[")));
  EXPECT_THAT(answer(scene.a, {"status", "--color", "always"}), HasSubstr("\x1b[32m"));
  EXPECT_THAT(answer(scene.a, {"status", "--color", "blue"}), StartsWith("2 "));
  EXPECT_THAT(
      run({"env", "NO_COLOR=1", "TERM=xterm", "SHELL=/bin/sh", "script", "-qec",
           tandem_path() + " --socket " + (scene.a.host.dir / "control.sock").string() + " status",
           "/dev/null"},
          scene.a.host.netns)
          .output,
      Not(HasSubstr("\x1b[")));
}

TEST(Watch, DrawsAnewAndLeavesTheTerminalAsItWas) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  for (const char* const ending : {"INT", "TERM", "HUP"}) {
    const std::string shown = on_terminal(scene.a, 40, "watch --interval 100ms",
                                          "timeout --foreground -s " + std::string(ending) + " 1 ");
    EXPECT_THAT(shown, HasSubstr("\x1b[?1049h\x1b[?25l")) << ending;
    EXPECT_THAT(shown, HasSubstr("\x1b[?25h\x1b[?1049l")) << ending;
    EXPECT_THAT(shown, HasSubstr("redis: ")) << ending;
    EXPECT_THAT(shown, HasSubstr("<124>")) << ending;
    EXPECT_THAT(shown, HasSubstr("<as it was>")) << ending;
  }
  EXPECT_THAT(on_terminal(scene.a, 40, "watch nobody"), HasSubstr("this agent has redis"));
}

// What was drawn last, when all of it is there.
std::string last_frame(const std::filesystem::path& log) {
  std::ifstream file(log);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const auto end = all.rfind("q ends");
  if (end == std::string::npos) return {};
  const auto begin = all.rfind("\x1b[H", end);
  return begin == std::string::npos ? std::string() : all.substr(begin, end - begin);
}

testing::AssertionResult draws(const std::filesystem::path& log, const std::string& what,
                               const std::function<bool(const std::string&)>& good) {
  return eventually(what, kSoon, [&] {
    const std::string frame = last_frame(log);
    return Seen{good(frame), frame};
  });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Watch, AwaitsAnAgentThatGoesAndFollowsTheSizeOfTheTerminal) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const auto log = scene.lan.dir() / "watch.log";
  const auto tty = scene.lan.dir() / "tty";
  const std::string line = "stty cols 100 rows 50; tty > " + tty.string() + "; exec " +
                           tandem_path() + " --socket " +
                           (scene.a.host.dir / "control.sock").string() + " watch --interval 100ms";
  Process screen(terminal(scene.a.host, line), scene.a.host.netns, log);
  EXPECT_TRUE(draws(log, "A leads", [](const auto& frame) { return has(frame, "redis: "); }));
  scene.a.agent.kill();
  EXPECT_TRUE(draws(log, "the agent is gone", [](const auto& frame) {
    return has(frame, "NO AGENT") && has(frame, "redis: ");
  }));
  scene.a.agent.start();
  EXPECT_TRUE(draws(log, "the agent is back", [](const auto& frame) {
    return !has(frame, "NO AGENT") && has(frame, "redis: ");
  }));
  EXPECT_TRUE(draws(log, "a wide line", [](const auto& frame) { return widest(frame) > 40; }));
  must_run({"/bin/sh", "-c", "stty -F $(cat " + tty.string() + ") cols 40"});
  EXPECT_TRUE(draws(log, "no wide line", [](const auto& frame) { return widest(frame) <= 40; }));
}

// A client that connects and says nothing, or a part of something.
class IdleClient {
 public:
  IdleClient(const std::string& path, const std::string& words) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    connected_ = ::connect(fd_, generic, sizeof(address)) == 0;
    if (!words.empty()) ::send(fd_, words.data(), words.size(), MSG_NOSIGNAL);
  }
  IdleClient(IdleClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  IdleClient(const IdleClient&) = delete;
  IdleClient& operator=(const IdleClient&) = delete;
  IdleClient& operator=(IdleClient&&) = delete;
  ~IdleClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] bool connected() const { return connected_; }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

TEST(ControlSocket, AThousandIdleClientsHarmNothing) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const std::string socket = scene.a.host.dir / "control.sock";
  AdvertEar adverts(scene.lan, scene.a.host);
  const std::vector<std::string> kinds = {"", "{\"command\":", std::string(3000, 'x'),
                                          std::string(9000, 'x'), "garbage\n[1]\n{}\n"};
  std::vector<IdleClient> clients;
  int answered = 0;
  for (int i = 0; i < 1000; ++i) {
    clients.emplace_back(socket, kinds.at(static_cast<std::size_t>(i) % kinds.size()));
    EXPECT_TRUE(clients.back().connected()) << i;
    if (i % 50 == 49 && scene.a.agent.status()) ++answered;
  }
  EXPECT_EQ(answered, 20);
  EXPECT_TRUE(scene.keeps(kALeads, Millis(1000)));
  EXPECT_GT(adverts.times().size(), 10U);
  EXPECT_LT(adverts.longest_gap().count(), 300) << "three adverts of 100 ms";
  RecordProperty("longest_gap_ms", static_cast<int>(adverts.longest_gap().count()));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

}  // namespace
}  // namespace support
