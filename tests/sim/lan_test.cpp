// Ten thousand LANs. A seed that fails is printed and replays alone, with a trace:
//   TANDEM_SEED=4711 build/release/tests/tests_sim --gtest_filter=SimulatedLanOnce.Replay
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "tests/sim/lan.hpp"

namespace sim {
namespace {

constexpr int kShards = 10;
#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kSeedsPerShard = 100;  // ten times slower
#else
constexpr std::uint64_t kSeedsPerShard = 1000;
#endif

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += "\n  " + line;
  return text;
}

class SimulatedLan : public testing::TestWithParam<int> {};

TEST_P(SimulatedLan, HasOneLeaderInTime) {
  const auto first = static_cast<std::uint64_t>(GetParam()) * kSeedsPerShard;
  const auto begin = std::chrono::steady_clock::now();
  Result longest;
  double worst = 0;
  std::uint64_t steps = 0;
  for (std::uint64_t seed = first; seed < first + kSeedsPerShard; ++seed) {
    const Result result = Lan(seed).run();
    EXPECT_TRUE(result.violations.empty())
        << "seed " << seed << text_of(result.violations) << "\nreplay: TANDEM_SEED=" << seed
        << " tests_sim --gtest_filter=SimulatedLanOnce.Replay";
    steps += result.steps;
    if (result.bound == Duration{}) continue;
    worst = std::max(worst, static_cast<double>(result.leaderless.count()) /
                                static_cast<double>(result.bound.count()));
    if (result.leaderless > longest.leaderless) longest = result;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto milliseconds = [](Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
  };
  std::cout << static_cast<double>(kSeedsPerShard) / took.count() << " schedules/s, " << steps
            << " steps; longest without a leader " << milliseconds(longest.leaderless)
            << " ms (bound " << milliseconds(longest.bound) << " ms), at most " << worst
            << " of its bound\n";
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedLan, testing::Range(0, kShards));

TEST(SimulatedLanOnce, Replay) {
  const char* seed = std::getenv("TANDEM_SEED");
  const Result result =
      Lan(seed == nullptr ? 1 : std::stoull(seed), seed == nullptr ? nullptr : &std::cout).run();
  EXPECT_TRUE(result.violations.empty()) << text_of(result.violations);
}

}  // namespace
}  // namespace sim
