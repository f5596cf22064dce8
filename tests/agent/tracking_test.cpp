// What results of trackers mean: counting, faults, what is awaited at the start, weights.
#include "agent/tracking.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace agent {
namespace {

using namespace std::chrono_literals;

using Content = FileRead::Content;

TimePoint at(Duration since_start) {
  return TimePoint{} + since_start;
}

TrackingConfig one_script(int rise, int fall, int weight) {
  TrackScriptConfig script;
  script.name = "check";
  script.rise = rise;
  script.fall = fall;
  script.weight = weight;
  TrackingConfig config;
  config.scripts.push_back(script);
  return config;
}

TrackingConfig one_file(int weight) {
  TrackingConfig config;
  config.files.push_back({"mode", "/run/mode", weight});
  return config;
}

std::string words(const TrackingEffects& effects) {
  std::ostringstream out;
  for (const auto& effect : effects) {
    if (const auto* moved = std::get_if<PriorityMoved>(&effect)) {
      out << "priority " << +moved->priority.value << "; ";
    } else if (const auto* said = std::get_if<TrackingSaid>(&effect)) {
      out << (said->warning ? "warn: " : "say: ") << said->text << "; ";
    } else {
      const auto& seen = std::get<TrackingSeen>(effect);
      for (const auto& fault : seen.faults) out << "fault " << fault << "; ";
      if (!seen.pending.empty()) out << "pending " << seen.pending << "; ";
      if (seen.gateway == GatewaySight::unknown) out << "gateway unknown; ";
      if (seen.gateway == GatewaySight::reachable) out << "gateway reachable; ";
      if (seen.gateway == GatewaySight::lost) out << "gateway lost; ";
      if (seen == TrackingSeen{}) out << "fine; ";
    }
  }
  return out.str();
}

// A script's results in order, "+" and "-", each followed by what came of it.
std::string story(Tracking& tracking, const std::string& results) {
  std::string out;
  for (const char result : results) {
    out += result;
    out += words(tracking.step(at(1s), ScriptEnded{0, result == '+', "exit code 1"}));
  }
  return out;
}

TEST(TrackedScript, TheFirstResultDecidesAndLaterOnesAreCounted) {
  Tracking tracking(one_script(2, 3, 0), vrrp::Priority{100});
  EXPECT_EQ(words(tracking.step(at(0s), TrackingBegun{})),
            "pending track_script check has no result yet; ");
  EXPECT_EQ(story(tracking, "+--+---+-++"),
            "+fine; --+--"
            "-fault track_script check failed: exit code 1; "
            "+-++fine; ");
}

TEST(TrackedScript, FailsAtOnceWhenItsFirstRunFails) {
  Tracking tracking(one_script(2, 3, 0), vrrp::Priority{100});
  tracking.step(at(0s), TrackingBegun{});
  EXPECT_EQ(story(tracking, "-"), "-fault track_script check failed: exit code 1; ");
}

// Its timeout of one second, two until it is killed, and one to spare.
TEST(TrackedScript, WithoutAFirstEndIsNotAwaitedForEver) {
  Tracking tracking(one_script(1, 1, 0), vrrp::Priority{100});
  tracking.step(at(0s), TrackingBegun{});
  EXPECT_EQ(tracking.next_deadline(), at(4s));
  EXPECT_EQ(words(tracking.step(at(3999ms), TrackingDeadline{})), "");
  EXPECT_EQ(words(tracking.step(at(4s), TrackingDeadline{})),
            "fault track_script check failed: its first run does not end; ");
  EXPECT_EQ(tracking.next_deadline(), std::nullopt);
}

TEST(TrackedScript, ThatCouldNotBeRunKeepsItsLastResultAndIsSaidOnce) {
  const ScriptNotRun missed{0, "/bin/true could not be started: Cannot allocate memory"};
  Tracking tracking(one_script(2, 2, 0), vrrp::Priority{100});
  tracking.step(at(0s), TrackingBegun{});
  EXPECT_EQ(story(tracking, "+-"), "+fine; -");
  EXPECT_EQ(words(tracking.step(at(2s), missed)),
            "warn: track_script check cannot be run: /bin/true could not be started: Cannot "
            "allocate memory; its last result counts; ");
  EXPECT_EQ(words(tracking.step(at(3s), missed)), "");
  EXPECT_EQ(tracking.snapshot()[0].state, TrackState::good);
  EXPECT_EQ(tracking.snapshot()[0].detail, missed.why + "; its last result counts");
  // The second failure in a row, for nothing was learnt in between.
  EXPECT_EQ(
      story(tracking, "-"),
      "-say: track_script check is run again; fault track_script check failed: exit code 1; ");
  tracking.step(at(4s), missed);
  EXPECT_EQ(tracking.snapshot()[0].state, TrackState::bad);
  EXPECT_EQ(tracking.snapshot()[0].detail, "exit code 1");
}

TEST(TrackedScript, ThatCouldNeverBeRunIsNeitherAFaultNorAwaitedForEver) {
  Tracking tracking(one_script(1, 1, 0), vrrp::Priority{100});
  tracking.step(at(0s), TrackingBegun{});
  EXPECT_EQ(words(tracking.step(at(0s), ScriptNotRun{0, "no process"})),
            "warn: track_script check cannot be run: no process; it has no result yet; ");
  EXPECT_EQ(tracking.next_deadline(), at(4s));
  EXPECT_EQ(words(tracking.step(at(4s), TrackingDeadline{})), "fine; ");
  EXPECT_EQ(tracking.next_deadline(), std::nullopt);
  EXPECT_EQ(
      story(tracking, "-"),
      "-say: track_script check is run again; fault track_script check failed: exit code 1; ");
}

TEST(TrackedScript, WithAWeightIsNoFaultAndAwaitsNothing) {
  Tracking bonus(one_script(1, 1, 20), vrrp::Priority{100});
  EXPECT_EQ(words(bonus.step(at(0s), TrackingBegun{})), "");
  EXPECT_EQ(story(bonus, "+-"),
            "+say: effective priority 100 -> 120 by the weights of trackers; priority 120; "
            "-say: effective priority 120 -> 100 by the weights of trackers; priority 100; ");
  Tracking malus(one_script(1, 1, -20), vrrp::Priority{100});
  malus.step(at(0s), TrackingBegun{});
  EXPECT_EQ(story(malus, "+-"),
            "+-say: effective priority 100 -> 80 by the weights of trackers; priority 80; ");
}

TEST(TrackedScript, CannotMoveThePriorityOutOfItsRange) {
  Tracking low(one_script(1, 1, -253), vrrp::Priority{100});
  low.step(at(0s), TrackingBegun{});
  story(low, "-");
  EXPECT_EQ(low.priority(), vrrp::Priority{1});
  Tracking high(one_script(1, 1, 253), vrrp::Priority{100});
  high.step(at(0s), TrackingBegun{});
  story(high, "+");
  EXPECT_EQ(high.priority(), vrrp::Priority{254});
}

TEST(TrackedFile, ANumberOtherThanZeroIsAFault) {
  Tracking tracking(one_file(0), vrrp::Priority{100});
  EXPECT_EQ(words(tracking.step(at(0s), TrackingBegun{})),
            "pending track_file mode has no result yet; ");
  EXPECT_EQ(words(tracking.step(at(1s), FileRead{0, Content::missing, 0, ""})), "fine; ");
  EXPECT_EQ(words(tracking.step(at(2s), FileRead{0, Content::number, 7, ""})),
            "fault track_file mode holds 7; ");
  EXPECT_EQ(words(tracking.step(at(3s), FileRead{0, Content::number, 0, ""})), "fine; ");
}

// Whoever writes it empties it first: one empty reading keeps what was there.
TEST(TrackedFile, UnusableTwiceInARowCountsAsZeroAndIsSaidOnce) {
  Tracking tracking(one_file(0), vrrp::Priority{100});
  tracking.step(at(0s), TrackingBegun{});
  tracking.step(at(1s), FileRead{0, Content::number, 7, ""});
  const FileRead empty{0, Content::unusable, 0, "is empty"};
  EXPECT_EQ(words(tracking.step(at(2s), empty)), "");
  EXPECT_EQ(words(tracking.step(at(3s), empty)),
            "warn: track_file mode is empty: counts as 0; fine; ");
  EXPECT_EQ(words(tracking.step(at(4s), empty)), "");
  EXPECT_EQ(words(tracking.step(at(5s), FileRead{0, Content::number, 0, ""})),
            "say: track_file mode is usable again; ");
}

TEST(TrackedFile, ThatCannotBeReadInTimeIsNotAwaited) {
  Tracking tracking(one_file(0), vrrp::Priority{100});
  tracking.step(at(0s), TrackingBegun{});
  EXPECT_EQ(words(tracking.step(at(5s), TrackingDeadline{})), "fine; ");
  EXPECT_EQ(tracking.snapshot().front().detail, "cannot be read in time: counts as 0");
}

TEST(TrackedFile, AddsItsNumberTimesItsWeight) {
  Tracking tracking(one_file(-2), vrrp::Priority{100});
  tracking.step(at(0s), TrackingBegun{});
  tracking.step(at(1s), FileRead{0, Content::number, 10, ""});
  EXPECT_EQ(tracking.priority(), vrrp::Priority{80});
  tracking.step(at(2s), FileRead{0, Content::number, std::numeric_limits<std::int64_t>::min(), ""});
  EXPECT_EQ(tracking.priority(), vrrp::Priority{254});
}

TEST(TrackedInterface, IsAFaultThatNamesItAndWhatIsWrong) {
  TrackingConfig config;
  config.interfaces = {"eth1", "eth2"};
  Tracking tracking(config, vrrp::Priority{100});
  EXPECT_EQ(words(tracking.step(at(0s), TrackingBegun{})), "");
  EXPECT_EQ(words(tracking.step(at(0s), InterfaceSeen{1, "has no carrier"})),
            "fault interface eth2 has no carrier; ");
  EXPECT_EQ(words(tracking.step(at(1s), InterfaceSeen{1, "is down"})),
            "fault interface eth2 is down; ");
  EXPECT_EQ(words(tracking.step(at(2s), InterfaceSeen{1, ""})), "fine; ");
}

TEST(TrackedGateway, IsLostAndFoundByItsCountsAndNeverAFaultOfItself) {
  TrackingConfig config;
  config.gateway = TrackGatewayConfig{*vrrp::IpAddress::parse("10.0.0.254")};
  Tracking tracking(config, vrrp::Priority{100});
  std::string out = words(tracking.step(at(0s), TrackingBegun{}));
  for (const bool answered : {true, false, false, false, true, true}) {
    out += answered ? '+' : '-';
    out += words(tracking.step(at(1s), GatewayProbed{answered, ""}));
  }
  EXPECT_EQ(out, "gateway unknown; +gateway reachable; ---gateway lost; ++gateway reachable; ");
}

TEST(Trackers, KeepTheTimeOfTheirLastChange) {
  Tracking tracking(one_script(1, 1, 0), vrrp::Priority{100});
  tracking.step(at(1s), TrackingBegun{});
  EXPECT_EQ(tracking.snapshot().front().since, at(1s));
  tracking.step(at(2s), ScriptEnded{0, false, "exit code 1"});
  tracking.step(at(3s), ScriptEnded{0, false, "exit code 2"});
  const TrackerSnapshot seen = tracking.snapshot().front();
  EXPECT_EQ(seen.since, at(2s));
  EXPECT_EQ(seen.detail, "exit code 2");
  EXPECT_EQ(to_string(seen.state), "bad");
}

TEST(Weights, AreSaidToMoveNothingOrToBeCut) {
  const auto advice = [](int weight, bool preempt) {
    const auto all = judge_weights(one_script(1, 1, weight), vrrp::Priority{250}, preempt);
    return all.empty() ? std::string() : all.front().what;
  };
  EXPECT_EQ(advice(0, false), "");
  EXPECT_EQ(advice(-20, true), "");
  EXPECT_EQ(advice(-20, false),
            "moves no role: roles are sticky, whatever the priority; write weight = 0 to make a "
            "failure resign");
  EXPECT_EQ(advice(20, true),
            "and priority 250 make 270, which is cut to 254; allowed are 1 to 254");
  EXPECT_EQ(advice(-253, true),
            "and priority 250 make -3, which is cut to 1; allowed are 1 to 254");
}

}  // namespace
}  // namespace agent
