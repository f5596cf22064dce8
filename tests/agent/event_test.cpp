// The history of a pair: one line for each event, and what an operator reads of it.
#include "agent/event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/io/event_journal.hpp"
#include "agent/io/events_command.hpp"
#include "tests/hooks/script_directory.hpp"

namespace agent {
namespace {

using std::chrono::microseconds;
using std::chrono::system_clock;
using ::testing::HasSubstr;
using ::testing::Not;

Event transition() {
  Event event;
  event.when = system_clock::time_point(microseconds(1'795'000'000'123'456));
  event.pair = "redis";
  event.kind = EventKind::transition;
  event.text = "the leader resigned";
  event.from = "standby";
  event.to = "leading";
  event.epoch = 7;
  event.lasted = std::chrono::hours(3);
  event.path = {{"priority 0 heard", microseconds(0)}, {"promoted", microseconds(1234)}};
  return event;
}

Event alarm(const std::string& text) {
  Event event;
  event.when = std::chrono::floor<microseconds>(system_clock::now());
  event.pair = "redis";
  event.kind = EventKind::alarm;
  event.severity = Severity::warning;
  event.text = text;
  return event;
}

TEST(EventLine, ComesBackAsItWas) {
  EXPECT_EQ(parse_event(format_event(transition())), transition());
  const Event plain = alarm("with \"quotes\",\na line end and \xc3\xa4");
  EXPECT_EQ(format_event(plain).find('\n'), std::string::npos);
  EXPECT_EQ(parse_event(format_event(plain)), plain);
}

TEST(EventLine, ThatIsTornOrForeignIsNone) {
  const std::string line = format_event(transition());
  EXPECT_EQ(parse_event(""), std::nullopt);
  EXPECT_EQ(parse_event(line.substr(0, line.size() / 2)), std::nullopt);
  EXPECT_EQ(parse_event("[]"), std::nullopt);
  EXPECT_EQ(parse_event(R"({"time_us":1,"kind":"party","severity":"info"})"), std::nullopt);
  EXPECT_EQ(parse_event(R"({"time_us":"1","kind":"note","severity":"info"})"), std::nullopt);
  EXPECT_EQ(parse_event(R"({"time_us":17900010000000000,"kind":"note","severity":"info"})"),
            std::nullopt);
}

TEST(EventText, SaysWhereTheMillisecondsWent) {
  const std::string text = event_text(transition(), Screen{});
  EXPECT_THAT(text, HasSubstr("redis  standby -> leading: the leader resigned (epoch 7, after 3 h "
                              "standby)\n"));
  EXPECT_THAT(text, HasSubstr("priority 0 heard 0.0, promoted 1.2 ms\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(event_text(transition(), Screen{.coloured = true}),
              HasSubstr("\x1b[32mstandby -> leading\x1b[0m"));
}

TEST(EventText, IsNotCutOnATerminal) {
  Event event = transition();
  event.text = "a sentence that is longer than a line of the terminal that it is shown on";
  for (const std::size_t columns : {40UL, 80UL}) {
    std::istringstream lines(event_text(event, Screen{.columns = columns, .coloured = true}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), columns) << line;
  }
  EXPECT_THAT(event_text(event, Screen{.columns = 80}), HasSubstr("(epoch"));
}

class Journal : public ::testing::Test {
 protected:
  void keep(const std::vector<std::string>& texts, std::size_t largest = 4096) {
    io::EventJournal journal(
        directory_.path(""), [this](const std::string& said) { problem_ = said; }, largest);
    for (const auto& text : texts) journal.append(alarm(text));
  }
  std::string shown(io::EventsOptions options = {}) const {
    options.state_dir = directory_.path("");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = io::show_events(options);
    std::string out = ::testing::internal::GetCapturedStdout();
    const std::string complaint = ::testing::internal::GetCapturedStderr();
    return code == 0 ? out : complaint;
  }

  hooks::testing::ScriptDirectory directory_;
  std::string problem_;
};

TEST_F(Journal, OutlivesItsAgent) {
  keep({"one"});
  keep({"two"});
  const std::string out = shown();
  EXPECT_THAT(out, HasSubstr("one\n"));
  EXPECT_THAT(out, HasSubstr("two\n"));
  EXPECT_LT(out.find("one"), out.find("two"));
}

TEST_F(Journal, IsBoundedAndForgetsTheOldestFirst) {
  constexpr std::size_t kLargest = 2000;
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back("number " + std::to_string(i) + ".");
  keep(texts, kLargest);
  io::EventsOptions all;
  all.last = 0;
  const std::string out = shown(all);
  EXPECT_THAT(out, HasSubstr("number 99."));
  EXPECT_THAT(out, HasSubstr("number 90."));
  EXPECT_THAT(out, Not(HasSubstr("number 0.")));
  const std::size_t longest_line = format_event(alarm("number 99.")).size() + 1;
  EXPECT_LE(directory_.read("events.jsonl").size(), kLargest + longest_line);
  EXPECT_LE(directory_.read("events.old.jsonl").size(), kLargest + longest_line);
}

TEST_F(Journal, GoesOnBehindATornLine) {
  keep({"whole"});
  std::ofstream(directory_.path("events.jsonl"), std::ios::app) << R"({"time_us":17)";
  keep({"after"});
  const std::string out = shown();
  EXPECT_THAT(out, HasSubstr("whole"));
  EXPECT_THAT(out, HasSubstr("after"));
}

TEST_F(Journal, SaysOnceThatItCannotBeKept) {
  std::filesystem::create_directory(directory_.path("events.jsonl"));
  keep({"one", "two"});
  EXPECT_THAT(problem_, HasSubstr("events cannot be kept in "));
  EXPECT_THAT(problem_, HasSubstr("events.jsonl: Is a directory"));
}

TEST_F(Journal, ShowsWhatIsAskedFor) {
  keep({"old", "older", "newest"});
  io::EventsOptions options;
  options.last = 1;
  EXPECT_THAT(shown(options), Not(HasSubstr("older")));
  EXPECT_THAT(shown(options), HasSubstr("warning: newest"));
  options.pair = "other";
  EXPECT_EQ(shown(options), "no such event\n");
  options.pair = "redis";
  options.kinds = {"transition"};
  EXPECT_EQ(shown(options), "no such event\n");
  options.kinds = {"alarms"};
  EXPECT_THAT(shown(options), HasSubstr("no kind of event: alarms; there are transition, alarm"));
  options.kinds = {};
  options.as_json = true;
  EXPECT_EQ(parse_event(shown(options).substr(0, shown(options).size() - 1))->text, "newest");
}

TEST_F(Journal, ThatIsNotThereIsSaid) {
  EXPECT_THAT(shown(), HasSubstr("does not exist: no agent has kept events"));
}

}  // namespace
}  // namespace agent
