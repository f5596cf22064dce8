// Lines about trouble that lasts become rare, and are prompt again for a new one.
#include "agent/log_limit.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace agent {
namespace {

using namespace std::chrono_literals;
const health::TimePoint kStart = health::TimePoint{} + 1h;

TEST(LogLimit, SpacesLinesMoreAndMore) {
  LogLimit limit;
  std::vector<long> seconds;
  std::uint64_t told = 0;
  for (long second = 0; second < 400; ++second) {
    const auto count = limit.event(kStart + std::chrono::seconds(second));
    if (!count) continue;
    seconds.push_back(second);
    told += *count;
  }
  EXPECT_EQ(seconds, (std::vector<long>{0, 10, 30, 70, 150, 310}));
  EXPECT_EQ(told, 311U) << "each event is in one of the counts";
}

TEST(LogLimit, StartsAnewAfterAQuietTime) {
  LogLimit limit;
  EXPECT_EQ(limit.event(kStart), 1U);
  EXPECT_EQ(limit.event(kStart + 1s), std::nullopt);
  EXPECT_EQ(limit.event(kStart + 20min), 2U);
  EXPECT_EQ(limit.event(kStart + 20min + 10s), 1U) << "the spacing is the first one again";
}

}  // namespace
}  // namespace agent
