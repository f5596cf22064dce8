// Names of kept copies, which of them go, and how a transfer's time left is told.
#include "hooks/diverged.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "hooks/transfer_rate.hpp"

namespace hooks {
namespace {

using namespace std::chrono_literals;

TEST(UtcName, IsTheMomentInTheCalendar) {
  EXPECT_EQ(utc_name(0), "19700101T000000Z");
  EXPECT_EQ(utc_name(951782399), "20000228T235959Z");
  EXPECT_EQ(utc_name(951782400), "20000229T000000Z");
  EXPECT_EQ(utc_name(-5), "19700101T000000Z");
  EXPECT_EQ(utc_name(std::numeric_limits<std::int64_t>::max()), "99991231T235959Z");
  for (const std::int64_t seconds : {0L, 951782400L, 1795266062L, 253402300799L}) {
    EXPECT_EQ(parse_utc_name(utc_name(seconds)), seconds);
  }
}

TEST(DivergedName, IsReadBackAndNothingElseIs) {
  const DivergedName name{951782400, 7};
  EXPECT_EQ(name.to_string(), "20000229T000000Z-7");
  EXPECT_EQ(parse_diverged_name("20000229T000000Z-7"), name);
  for (const char* foreign :
       {"", ".", "..", "20000229T000000Z", "20000229T000000Z-", "20000229T000000Z-07",
        "20000229T000000Z--7", "20000230T000000Z-7", "20000229T240000Z-7", "20000229t000000z-7",
        "20000229T000000Z-7.old", "20000229T000000Z-99999999999999999999999", "2000022 T000000Z-7",
        "dump.rdb"}) {
    EXPECT_EQ(parse_diverged_name(foreign), std::nullopt) << foreign;
  }
}

TEST(Surplus, IsAllButTheNewest) {
  const DivergedName old{100, 9};
  const DivergedName middle{200, 1};
  const DivergedName late{200, 2};
  EXPECT_EQ(surplus({late, old, middle}, 1), (std::vector{old, middle}));
  EXPECT_EQ(surplus({late, old, middle}, 3), std::vector<DivergedName>{});
  EXPECT_EQ(surplus({late, old}, 0), (std::vector{old, late}));
}

TEST(Recent, IsWithinAnHourOnEitherSide) {
  constexpr std::int64_t kNow = 951782400;
  EXPECT_TRUE(is_recent({kNow, 1}, kNow));
  EXPECT_TRUE(is_recent({kNow - 3599, 1}, kNow));
  EXPECT_FALSE(is_recent({kNow - 3600, 1}, kNow));
  EXPECT_TRUE(is_recent({kNow + 5, 1}, kNow));
  EXPECT_FALSE(is_recent({kNow + 3600, 1}, kNow)) << "of a clock that was wrong";
}

TEST(TransferRate, IsThatOfTheLastSeconds) {
  const health::TimePoint start{};
  TransferRate rate(5s);
  EXPECT_EQ(rate.sample(start, 0, 1000), (TransferProgress{0, 1000, 0, std::nullopt}));
  EXPECT_EQ(rate.sample(start + 1s, 100, 1000), (TransferProgress{100, 1000, 100, 9s}));
  EXPECT_EQ(rate.sample(start + 7s, 700, 1000), (TransferProgress{700, 1000, 100, 3s}));
  EXPECT_EQ(rate.sample(start + 12s, 700, 1000), (TransferProgress{700, 1000, 0, std::nullopt}));
  EXPECT_EQ(rate.sample(start + 13s, 700, std::nullopt).left, std::nullopt);
}

}  // namespace
}  // namespace hooks
