// A line of the log with its fields: through the queue as text, out again as fields or JSON.
#include "agent/log_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

const Standing kLeading{"leading", "the leader resigned", 7};

TEST(LogLine, CarriesItsFieldsBehindTheSentence) {
  const std::string text = line_with_fields("VIP was gone", "redis", "address", kLeading);
  const LogLine line = parse_log_line(text);
  EXPECT_EQ(line.message, "redis: VIP was gone");
  EXPECT_EQ(line.fields, (Fields{{"PAIR", "redis"},
                                 {"EVENT", "address"},
                                 {"STATE", "leading"},
                                 {"REASON", "the leader resigned"},
                                 {"EPOCH", "7"}}));
}

TEST(LogLine, APairThatHasNotBegunHasNoState) {
  EXPECT_EQ(parse_log_line(line_with_fields("hello", "redis", "", {})).fields,
            (Fields{{"PAIR", "redis"}}));
}

TEST(LogLine, TextOfOthersForgesNoField) {
  const std::string forged = "x\x1ePAIR\x1fother";
  const std::string text = line_with_fields(forged, "redis", "hook", {"leading", forged, 1});
  const LogLine line = parse_log_line(text);
  EXPECT_EQ(line.message, "redis: x PAIR other");
  EXPECT_EQ(line.fields.size(), 5U);
  EXPECT_EQ(line.fields[0].second, "redis");
  EXPECT_EQ(line.fields[3].second, "x PAIR other");
}

TEST(LogLine, WithoutFieldsItIsAMessage) {
  EXPECT_EQ(parse_log_line("stopped").message, "stopped");
  EXPECT_EQ(parse_log_line("stopped").fields, Fields{});
  EXPECT_EQ(parse_log_line("").message, "");
  EXPECT_EQ(parse_log_line("a\x1e\x1e"
                           "b")
                .fields,
            Fields{});
}

TEST(LogLine, IsOneLineOfJson) {
  const auto when = std::chrono::system_clock::time_point(std::chrono::microseconds(1500000));
  const std::string text = line_with_fields("it \"broke\"\n", "redis", "alarm", kLeading);
  EXPECT_EQ(json_line(when, "warning", "no-standby-in-sync", parse_log_line(text)),
            R"({"time":"1970-01-01T00:00:01.500000Z","level":"warning",)"
            R"("message":"redis: it \"broke\"\n","key":"no-standby-in-sync","pair":"redis",)"
            R"("event":"alarm","state":"leading","reason":"the leader resigned","epoch":7})");
}

TEST(LogLine, BytesThatAreNoTextDoNotBreakTheJson) {
  EXPECT_EQ(json_line({}, "info", "", parse_log_line("a\xff\xfe\xc3\xa4")),
            R"({"time":"1970-01-01T00:00:00.000000Z","level":"info","message":"a????"})");
  EXPECT_NE(json_line({}, "info", "", parse_log_line("\xc3\xa4")).find("\xc3\xa4"),
            std::string::npos);
}

}  // namespace
}  // namespace agent
