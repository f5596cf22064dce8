// What a notify script gets: split words, argument vectors, environment, FIFO lines.
#include "hooks/notify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "hooks/output_lines.hpp"

namespace hooks {

void PrintTo(const HookRun& run, std::ostream* out) {
  *out << ::testing::PrintToString(run.argv) << ' ' << ::testing::PrintToString(run.environment)
       << ' ' << run.user << ':' << run.group << ' ' << run.timeout.count() << "ns";
}

namespace {

using Words = std::vector<std::string>;

Words split(std::string_view line);
std::string split_error(std::string_view line);
NotifyEvent a_takeover();
std::map<std::string, std::string> the_environment_of_a_takeover();

TEST(SplitWords, SeparatesAtBlanks) {
  EXPECT_EQ(split("  /etc/tandem/master.sh one\ttwo \n three\v"),
            (Words{"/etc/tandem/master.sh", "one", "two", "three"}));
}

TEST(SplitWords, QuotesGroupAndMayStandInsideAWord) {
  EXPECT_EQ(split(R"(/s 'a  b' "c 'd'" e"f g"'h i'j '' "")"),
            (Words{"/s", "a  b", "c 'd'", "ef gh ij", "", ""}));
}

TEST(SplitWords, EscapesMeanTheSameOutsideAndInsideOfQuotes) {
  EXPECT_EQ(split(R"(/s a\ b \" "\"" '\'' \\ \q)"),
            (Words{"/s", "a b", "\"", "\"", "'", "\\", "q"}));
  EXPECT_EQ(split(R"(/s \a\b\E\f\n\r\t\v)"), (Words{"/s", "\a\b\x1b\f\n\r\t\v"}));
  EXPECT_EQ(split(R"(/s \x41 "\x7az" \xg \101 '\1019' \7x \cA \c)"),
            (Words{"/s", "A", "zz", "xg", "A", "A9", "\ax", "\x01", "c"}));
}

TEST(SplitWords, AnUnterminatedQuoteSaysWhereItBegan) {
  EXPECT_EQ(
      split_error(R"(/s "a b)"),
      R"(the quote " at column 4 is never closed; close it, or write \" for the character itself)");
  EXPECT_EQ(
      split_error(R"(/s a it's)"),
      R"(the quote ' at column 8 is never closed; close it, or write \' for the character itself)");
}

TEST(SplitWords, ABackslashAtTheEndIsRefused) {
  EXPECT_EQ(split_error(R"(/s a\)"),
            R"(the \ at the end escapes nothing; remove it, or write \\ for the character itself)");
  EXPECT_EQ(split_error(R"(/s 'a\)"),
            R"(the \ at the end escapes nothing; remove it, or write \\ for the character itself)");
}

TEST(SplitWords, AnEmptyCommandIsRefused) {
  for (const auto* line : {"", " \t ", "''", "\"\" word"}) {
    EXPECT_EQ(split_error(line), "the command is empty; name a script") << line;
  }
}

TEST(SplitWords, ANulIsRefused) {
  const std::string sentence =
      "the character at column 5 is a NUL, which no argument can hold; remove it";
  EXPECT_EQ(split_error(R"(/s a\0)"), sentence);
  EXPECT_EQ(split_error(R"(/s a\x00)"), sentence);
  EXPECT_EQ(split_error(std::string_view("/s a\0b", 6)), sentence);
}

TEST(HookRuns, TheSpecificScriptComesFirstWithItsWordsOnly) {
  NotifyConfig config;
  config.master = {"/etc/tandem/master.sh", "with space", ""};
  config.backup = {"/etc/tandem/backup.sh"};
  config.any = {"/etc/tandem/any.sh", "--log"};
  config.user = "redis";
  config.group = "adm";
  config.timeout = std::chrono::seconds(7);
  const auto environment = the_environment_of_a_takeover();
  auto environment_of_any = environment;
  environment_of_any["TANDEM_HOOK"] = "any";
  const std::vector<HookRun> expected = {
      {{"/etc/tandem/master.sh", "with space", ""},
       environment,
       "redis",
       "adm",
       std::chrono::seconds(7)},
      {{"/etc/tandem/any.sh", "--log", "INSTANCE", "redis main", "MASTER", "150"},
       environment_of_any,
       "redis",
       "adm",
       std::chrono::seconds(7)}};
  EXPECT_EQ(hook_runs(config, a_takeover()), expected);
}

TEST(HookRuns, EachStateHasItsScript) {
  NotifyConfig config;
  config.master = {"/m"};
  config.backup = {"/b"};
  config.fault = {"/f"};
  config.stop = {"/s"};
  Words started;
  for (const auto state :
       {NotifyState::master, NotifyState::backup, NotifyState::fault, NotifyState::stop}) {
    auto event = a_takeover();
    event.state = state;
    for (const auto& run : hook_runs(config, event)) {
      started.push_back(run.argv.front() + " " + run.environment.at("TANDEM_STATE"));
    }
  }
  EXPECT_EQ(started, (Words{"/m MASTER", "/b BACKUP", "/f FAULT", "/s STOP"}));
}

TEST(VetoRun, HasTheTimeAndTheNameOfItsQuestion) {
  NotifyConfig config;
  config.pre_promote = {"/may", "--lead"};
  config.pre_timeout = std::chrono::milliseconds(700);
  config.user = "redis";
  auto environment = the_environment_of_a_takeover();
  environment["TANDEM_HOOK"] = "pre_promote";
  const HookRun expected{.argv = {"/may", "--lead"},
                         .environment = environment,
                         .user = "redis",
                         .group = "",
                         .timeout = std::chrono::milliseconds(700),
                         .only_errors = true};
  EXPECT_EQ(veto_run(config, Question::promote, a_takeover()), expected);
  EXPECT_EQ(veto_run(config, Question::demote, a_takeover()), std::nullopt);
}

TEST(HookRuns, WithoutScriptsThereIsNothingToRun) {
  EXPECT_EQ(hook_runs({}, a_takeover()), std::vector<HookRun>{});
}

TEST(HookRuns, AFirstEventLeavesNoVariableUnset) {
  NotifyConfig config;
  config.backup = {"/b"};
  NotifyEvent event;
  event.pair = "cache";
  event.initial = true;
  const std::map<std::string, std::string> expected = {
      {"TANDEM_EPOCH", "0"},         {"TANDEM_INITIAL", "1"},    {"TANDEM_PAIR", "cache"},
      {"TANDEM_PEER", ""},           {"TANDEM_PRIORITY", "0"},   {"TANDEM_REASON", ""},
      {"TANDEM_PREVIOUS_STATE", ""}, {"TANDEM_STATE", "BACKUP"}, {"TANDEM_VIPS", ""},
      {"TANDEM_HOOK", "backup"},     {"TANDEM_RELOAD", "0"},     {"TANDEM_INTERFACE", ""}};
  EXPECT_EQ(hook_runs(config, event).at(0).environment, expected);
}

TEST(FifoLine, IsKeepalivedsToTheByte) {
  std::string lines;
  for (const auto state :
       {NotifyState::master, NotifyState::backup, NotifyState::fault, NotifyState::stop}) {
    NotifyEvent event;
    event.pair = "VI_1";
    event.state = state;
    event.priority = state == NotifyState::stop ? 0 : 150;
    lines += fifo_line(event);
  }
  EXPECT_EQ(lines,
            "INSTANCE \"VI_1\" MASTER 150\n"
            "INSTANCE \"VI_1\" BACKUP 150\n"
            "INSTANCE \"VI_1\" FAULT 150\n"
            "INSTANCE \"VI_1\" STOP 0\n");
}

TEST(OutputLines, CutsAtNewlinesAcrossReads) {
  OutputLines lines(8, 100);
  EXPECT_EQ(lines.take("one\ntw"), (Words{"one"}));
  EXPECT_EQ(lines.take("o\r\n\nrest"), (Words{"two", ""}));
  EXPECT_EQ(lines.end(), (Words{"rest"}));
  EXPECT_EQ(lines.end(), Words{});
}

TEST(OutputLines, ALongLineComesInPieces) {
  OutputLines lines(4, 100);
  EXPECT_EQ(lines.take("12345678\n123456789\n"), (Words{"1234", "5678", "1234", "5678", "9"}));
}

TEST(OutputLines, AfterTheBoundItSaysSoOnce) {
  OutputLines lines(8, 10);
  EXPECT_EQ(lines.take("1234\n56789"), (Words{"1234"}));
  EXPECT_EQ(lines.take("x\n"), (Words{"56789", "output truncated"}));
  EXPECT_EQ(lines.take("more\n"), Words{});
  EXPECT_EQ(lines.end(), Words{});
}

Words split(std::string_view line) {
  const auto result = split_words(line);
  if (const auto* error = std::get_if<SplitError>(&result)) return {"error: " + error->what};
  return std::get<Words>(result);
}

std::string split_error(std::string_view line) {
  const auto result = split_words(line);
  const auto* error = std::get_if<SplitError>(&result);
  return error != nullptr ? error->what
                          : "words: " + ::testing::PrintToString(std::get<Words>(result));
}

NotifyEvent a_takeover() {
  NotifyEvent event;
  event.state = NotifyState::master;
  event.pair = "redis main";
  event.priority = 150;
  event.previous = "BACKUP";
  event.reason = "the leader resigned";
  event.epoch = 42;
  event.vips = {"192.168.1.120/24", "fd00::120/64"};
  event.peer = "192.168.1.113:6379";
  event.interface = "eth0";
  return event;
}

std::map<std::string, std::string> the_environment_of_a_takeover() {
  return {{"TANDEM_PAIR", "redis main"},
          {"TANDEM_STATE", "MASTER"},
          {"TANDEM_PREVIOUS_STATE", "BACKUP"},
          {"TANDEM_REASON", "the leader resigned"},
          {"TANDEM_INITIAL", "0"},
          {"TANDEM_EPOCH", "42"},
          {"TANDEM_VIPS", "192.168.1.120/24 fd00::120/64"},
          {"TANDEM_PEER", "192.168.1.113:6379"},
          {"TANDEM_PRIORITY", "150"},
          {"TANDEM_HOOK", "master"},
          {"TANDEM_RELOAD", "0"},
          {"TANDEM_INTERFACE", "eth0"}};
}

}  // namespace
}  // namespace hooks
