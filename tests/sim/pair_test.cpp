// Ten thousand pairs; TANDEM_FIRST_SEED and TANDEM_SEEDS (of each shard) choose others. A seed that
// fails is printed and replays alone, with a trace:
//   TANDEM_SEED=4711 build/release/tests/tests_sim --gtest_filter=SimulatedPairOnce.Replay
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "tests/sim/pair_world.hpp"

namespace sim {
namespace {

constexpr int kShards = 10;
#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kSeedsPerShard = 100;  // ten times slower
constexpr std::uint64_t kMinutesOfMoves = 4;
#else
constexpr std::uint64_t kSeedsPerShard = 1000;
constexpr std::uint64_t kMinutesOfMoves = 60;
#endif

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += "\n  " + line;
  return text;
}

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// What many runs have in common.
struct Summary {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  Duration served{};
  Duration in_sync{};
  int operator_needed = 0;
  int needless = 0;
  int asks = 0;
  int failbacks = 0;
  int returns = 0;
  Duration longest_gap{};
  Losses losses;
  std::map<std::string, int> deeds;
  std::map<std::string, int> reasons;

  void add(const PairResult& result) {
    ++runs;
    steps += result.steps;
    if (!result.operator_needed) {
      served = std::max(served, result.until_served);
      in_sync = std::max(in_sync, result.until_in_sync);
    }
    operator_needed += result.operator_needed ? 1 : 0;
    needless += result.needless ? 1 : 0;
    asks += result.asks;
    failbacks += result.failbacks;
    returns += result.returns;
    longest_gap = std::max(longest_gap, result.longest_gap);
    losses.tail += result.losses.tail;
    losses.left_behind += result.losses.left_behind;
    losses.forked += result.losses.forked;
    losses.accepted += result.losses.accepted;
    losses.replaced_sets += result.losses.replaced_sets;
    losses.replaced_writes += result.losses.replaced_writes;
    for (const auto& [deed, times] : result.deeds) deeds[deed] += times;
    if (result.operator_needed) ++reasons[result.operator_reason];
  }

  void print(std::ostream& out, double seconds) const {
    out << static_cast<double>(runs) / seconds << " schedules/s, " << steps
        << " steps; after the healing at most " << milliseconds(served)
        << " ms until the VIP took writes, " << milliseconds(in_sync)
        << " ms until a standby was in sync; the operator was needed " << operator_needed
        << " times, " << needless << " of them with no write at stake\n"
        << "writes lost: " << losses.tail << " with their server, " << losses.left_behind
        << " left behind by a takeover, " << losses.forked << " beside a newer master, "
        << losses.accepted << " by the operator's word; " << losses.replaced_sets
        << " data sets with " << losses.replaced_writes << " such writes were replaced\n";
    if (asks > 0) {
      out << "failback was asked for " << asks << " times and begun " << failbacks
          << " times; when nothing failed any more the role came back " << returns
          << " times, with at most " << milliseconds(longest_gap) << " ms without a leader\n";
    }
    for (const auto& [deed, times] : deeds) out << "  " << times << " x " << deed << '\n';
    for (const auto& [reason, times] : reasons) out << "  " << times << " x " << reason << '\n';
  }
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

class SimulatedPair : public testing::TestWithParam<int> {};

TEST_P(SimulatedPair, LosesNothingAndComesTogether) {
  const auto per_shard = number_from("TANDEM_SEEDS", kSeedsPerShard);
  const auto first =
      number_from("TANDEM_FIRST_SEED", 0) + static_cast<std::uint64_t>(GetParam()) * per_shard;
  const auto begin = std::chrono::steady_clock::now();
  Summary summary;
  for (std::uint64_t seed = first; seed < first + per_shard; ++seed) {
    const PairResult result = PairWorld(seed).run();
    summary.add(result);
    if (result.violations.empty()) continue;
    ADD_FAILURE() << "seed " << seed << text_of(result.violations)
                  << "\nreplay: TANDEM_SEED=" << seed
                  << " tests_sim --gtest_filter=SimulatedPairOnce.Replay";
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  summary.print(std::cout, took.count());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedPair, testing::Range(0, kShards));

// Mode "safe", rule 12.
TEST(SimulatedSafePair, NeverHasTwoServersThatTakeWrites) {
  const auto seeds = number_from("TANDEM_SEEDS", kSeedsPerShard);
  const auto first = number_from("TANDEM_FIRST_SEED", 0);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const PairResult result = PairWorld(seed, nullptr, {.safe = true}).run();
    EXPECT_TRUE(result.violations.empty()) << "seed " << seed << text_of(result.violations)
                                           << "\nreplay: TANDEM_SAFE=1 TANDEM_SEED=" << seed
                                           << " tests_sim --gtest_filter=SimulatedPairOnce.Replay";
  }
}

// Failback and preemption, rules 6, 7 and 16.
TEST(SimulatedPreferredNode, TakesTheRoleBackOnceAndLosesNothing) {
  const auto seeds = number_from("TANDEM_SEEDS", kSeedsPerShard);
  const auto first = number_from("TANDEM_FIRST_SEED", 0);
  const auto begin = std::chrono::steady_clock::now();
  Summary summary;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const bool safe = seed % 4 == 3;
    const PairResult result = PairWorld(seed, nullptr, {safe, true}).run();
    summary.add(result);
    EXPECT_TRUE(result.violations.empty())
        << "seed " << seed << text_of(result.violations) << "\nreplay: TANDEM_FAILBACK=1 "
        << (safe ? "TANDEM_SAFE=1 " : "") << "TANDEM_SEED=" << seed
        << " tests_sim --gtest_filter=SimulatedPairOnce.Replay";
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  summary.print(std::cout, took.count());
}

// Seed 1 is a pair whose agents are linked, and whose roles are sticky. A day takes minutes:
// TANDEM_MINUTES=1440.
TEST(SimulatedPairDay, OfMovesLeavesNothingBehind) {
  const std::chrono::minutes length(number_from("TANDEM_MINUTES", kMinutesOfMoves));
  const PairDay day = PairWorld(1).spend(length);
  std::cout << day.moves << " moves; " << day.held_early << " bytes held after the first, "
            << day.held_late << " in the end\n";
  EXPECT_GT(day.moves, std::chrono::seconds(length).count() / 4);
  EXPECT_LT(day.held_late, day.held_early + 1024);
}

TEST(SimulatedPairOnce, Replay) {
  const bool chosen = std::getenv("TANDEM_SEED") != nullptr;
  const PairKind kind{.safe = std::getenv("TANDEM_SAFE") != nullptr,
                      .failback = std::getenv("TANDEM_FAILBACK") != nullptr};
  const PairResult result =
      PairWorld(number_from("TANDEM_SEED", 1), chosen ? &std::cout : nullptr, kind).run();
  EXPECT_TRUE(result.violations.empty()) << text_of(result.violations);
}

}  // namespace
}  // namespace sim
