// Every *.txt beside this file is one test: what the rulebook answers is what the file says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "scenarios/story.hpp"

namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(TANDEM_SOURCE_DIR) / "tests/scenarios";

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".txt") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, SaysWhatTheRulebookDoes) {
  const fs::path file = kFolder / (GetParam() + ".txt");
  std::ifstream stream(file);
  const std::string written{std::istreambuf_iterator<char>(stream), {}};
  const std::string replayed = scenarios::replay(written);
  if (std::getenv("UPDATE_SCENARIOS") != nullptr) {
    std::ofstream(file) << replayed;
    return;
  }
  EXPECT_EQ(replayed, written) << "UPDATE_SCENARIOS=1 rewrites " << file
                               << "; review the difference";
}

INSTANTIATE_TEST_SUITE_P(Files, Scenario, testing::ValuesIn(names()),
                         [](const auto& one) { return one.param; });

TEST(Story, RefusesALineThatItDoesNotKnow) {
  EXPECT_THROW(scenarios::replay("0ms begin\n5ms sing\n"), std::runtime_error);
  EXPECT_THROW(scenarios::replay("begin\n"), std::runtime_error);
}

}  // namespace
