// The shipped unit as systemd judges it without running it.
#include <gtest/gtest.h>

#include <regex>

#include "help.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace package {
namespace {

std::string unit_file() {
  return TANDEM_SOURCE_DIR "/systemd/tandem.service";
}

// In tenths, as --threshold takes it.
TEST(Unit, ExposureIsSmall) {
  const auto outcome = support::run({"systemd-analyze", "security", "--no-pager", "--offline=yes",
                                     "--threshold=35", unit_file()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

TEST(Unit, TheFigureInItsCommentIsTrue) {
  const auto outcome =
      support::run({"systemd-analyze", "security", "--no-pager", "--offline=yes", unit_file()});
  std::smatch measured;
  std::smatch written;
  ASSERT_TRUE(std::regex_search(outcome.output, measured,
                                std::regex(R"(exposure level for [^:]*: ([0-9.]+))")));
  const std::string unit = support::read_file(unit_file());
  ASSERT_TRUE(std::regex_search(unit, written, std::regex(R"(tandem\.service` says ([0-9.]+))")));
  EXPECT_EQ(written[1], measured[1]);
}

// Every point that systemd still counts has its reason in the unit.
TEST(Unit, EveryRemainingPointHasItsReason) {
  const std::string unit = support::read_file(unit_file());
  const auto at = unit.find("# The points that remain");
  ASSERT_NE(at, std::string::npos);
  const std::string reasons = unit.substr(at);
  const auto outcome =
      support::run({"systemd-analyze", "security", "--no-pager", "--offline=yes", unit_file()});
  static const std::regex kPoint("^✗ ([A-Za-z]+)=(?:[^ ]*?(CAP_[A-Z]+|CAP_\\([^)]*\\)|@[a-z]+))?");
  for (const std::string& line : lines_of(outcome.output)) {
    std::smatch match;
    if (!std::regex_search(line, match, kPoint)) continue;
    std::string what = match[2].matched ? match[2].str() : match[1].str();
    // Groups, by the member that the agent has.
    if (line.find("CAP_SET(UID") != std::string::npos) what = "CAP_SETUID";
    if (line.find("CAP_SYS_(NICE") != std::string::npos) what = "CAP_SYS_NICE";
    if (line.find("CAP_NET_(BIND") != std::string::npos) what = "CAP_NET_RAW";
    EXPECT_NE(reasons.find(what), std::string::npos) << "no reason for " << what << ": " << line;
  }
}

}  // namespace
}  // namespace package
