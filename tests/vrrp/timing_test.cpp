// Skew and master-down interval per version, priority and interval, and the limits of the field.
#include "vrrp/timing.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

namespace vrrp {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

struct Expected {
  int priority;
  Duration interval;
  Duration skew;
  Duration master_down;
};

void expect_timing(Version version, const std::vector<Expected>& table) {
  for (const Expected& row : table) {
    const Priority priority{static_cast<std::uint8_t>(row.priority)};
    SCOPED_TRACE(::testing::Message()
                 << "priority " << row.priority << " interval " << row.interval.count() << " ns");
    EXPECT_EQ(skew_time(version, priority, row.interval).count(), row.skew.count());
    EXPECT_EQ(master_down_interval(version, priority, row.interval).count(),
              row.master_down.count());
  }
}

// 1/256 s is 3906250 ns. The interval has no part in the skew.
TEST(Timing, V2SkewIsAFractionOfASecond) {
  expect_timing(Version::v2,
                {
                    {1, seconds(1), nanoseconds(996093750), nanoseconds(3996093750)},
                    {100, seconds(1), nanoseconds(609375000), nanoseconds(3609375000)},
                    {240, seconds(1), nanoseconds(62500000), nanoseconds(3062500000)},
                    {250, seconds(1), nanoseconds(23437500), nanoseconds(3023437500)},
                    {254, seconds(1), nanoseconds(7812500), nanoseconds(3007812500)},
                    {1, seconds(5), nanoseconds(996093750), nanoseconds(15996093750)},
                    {254, seconds(5), nanoseconds(7812500), nanoseconds(15007812500)},
                    {100, seconds(255), nanoseconds(609375000), nanoseconds(765609375000)},
                });
}

TEST(Timing, V3SkewScalesWithTheInterval) {
  expect_timing(Version::v3,
                {
                    {1, seconds(1), nanoseconds(996093750), nanoseconds(3996093750)},
                    {100, seconds(1), nanoseconds(609375000), nanoseconds(3609375000)},
                    {240, seconds(1), nanoseconds(62500000), nanoseconds(3062500000)},
                    {250, seconds(1), nanoseconds(23437500), nanoseconds(3023437500)},
                    {254, seconds(1), nanoseconds(7812500), nanoseconds(3007812500)},
                    {1, milliseconds(100), nanoseconds(99609375), nanoseconds(399609375)},
                    {100, milliseconds(100), nanoseconds(60937500), nanoseconds(360937500)},
                    {240, milliseconds(100), nanoseconds(6250000), nanoseconds(306250000)},
                    {250, milliseconds(100), nanoseconds(2343750), nanoseconds(302343750)},
                    {254, milliseconds(100), nanoseconds(781250), nanoseconds(300781250)},
                    {1, milliseconds(10), nanoseconds(9960937), nanoseconds(39960937)},
                    {254, milliseconds(10), microseconds(78) + nanoseconds(125),
                     milliseconds(30) + nanoseconds(78125)},
                    {100, milliseconds(40950), nanoseconds(24953906250), nanoseconds(147803906250)},
                });
}

// In whole centiseconds 250 and 254 would wait alike at 100 ms and two backups would rise as one.
TEST(Timing, KeepsEveryPriorityApartAtTheShortestInterval) {
  for (std::uint8_t lower = 1; lower < 254; ++lower) {
    const Priority higher{static_cast<std::uint8_t>(lower + 1)};
    EXPECT_GT(skew_time(Version::v3, Priority{lower}, milliseconds(10)),
              skew_time(Version::v3, higher, milliseconds(10)));
  }
}

TEST(Timing, CountsAsManySilentAdvertsAsAsked) {
  EXPECT_EQ(master_down_interval(Version::v3, Priority{240}, milliseconds(100), 1),
            nanoseconds(106250000));
  EXPECT_EQ(master_down_interval(Version::v3, Priority{240}, milliseconds(100), 5),
            nanoseconds(506250000));
}

TEST(Timing, RoutersThatBecomeMasterWithinAHundredthOfAnIntervalSpeakAtOneInstant) {
  const TimePoint start{seconds(1000)};
  const Duration interval = milliseconds(100);
  for (const Duration later :
       {Duration(0), Duration(nanoseconds(1)), Duration(nanoseconds(999999))}) {
    EXPECT_EQ(advert_due(start + later, interval), start + interval) << later.count();
  }
  EXPECT_EQ(advert_due(start + milliseconds(1), interval), start + milliseconds(101));
}

TEST(Timing, AnAdvertIsNeverLateAndNeverMoreThanAHundredthEarly) {
  for (const Duration interval :
       {Duration(milliseconds(10)), Duration(milliseconds(1230)), Duration(seconds(255))}) {
    for (int i = 0; i < 1000; ++i) {
      const TimePoint now{seconds(1000) + i * nanoseconds(7654321)};
      EXPECT_LE(advert_due(now, interval), now + interval);
      EXPECT_GT(advert_due(now, interval), now + interval - interval / 100);
    }
  }
}

TEST(Timing, KnowsWhatTheAdvertFieldCanSay) {
  EXPECT_EQ(min_interval(Version::v2), seconds(1));
  EXPECT_EQ(max_interval(Version::v2), seconds(255));
  EXPECT_EQ(min_interval(Version::v3), milliseconds(10));
  EXPECT_EQ(max_interval(Version::v3), milliseconds(40950));
}

TEST(Timing, AcceptsOnlyWholeUnitsWithinTheField) {
  for (const Duration good : {Duration(seconds(1)), Duration(seconds(2)), Duration(seconds(255))}) {
    EXPECT_TRUE(is_valid_interval(Version::v2, good)) << good.count();
  }
  for (const Duration bad :
       {Duration(seconds(-1)), Duration(0), Duration(milliseconds(100)),
        Duration(milliseconds(1500)), Duration(nanoseconds(1000000001)), Duration(seconds(256))}) {
    EXPECT_FALSE(is_valid_interval(Version::v2, bad)) << bad.count();
  }
  for (const Duration good :
       {Duration(milliseconds(10)), Duration(milliseconds(100)), Duration(milliseconds(1230)),
        Duration(seconds(40)), Duration(milliseconds(40950))}) {
    EXPECT_TRUE(is_valid_interval(Version::v3, good)) << good.count();
  }
  for (const Duration bad :
       {Duration(milliseconds(-10)), Duration(0), Duration(milliseconds(1)),
        Duration(milliseconds(5)), Duration(milliseconds(105)), Duration(nanoseconds(10000001)),
        Duration(milliseconds(40960)), Duration(seconds(41))}) {
    EXPECT_FALSE(is_valid_interval(Version::v3, bad)) << bad.count();
  }
}

}  // namespace
}  // namespace vrrp
