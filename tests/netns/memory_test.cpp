// How much memory an agent takes: what it needs for one pair, and nothing more with each
// transition.
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

constexpr int kMostKilobytes = 12000;

TEST(Memory, OfOnePairIsSmallAndDoesNotGrowWithItsTransitions) {
  constexpr int kMoves = 12;
  constexpr int kGrowth = 300;
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  long own_after_two = 0;
  for (int move = 1; move <= kMoves; ++move) {
    const bool from_a = scene.leader() == "A";
    Agent& leads = from_a ? scene.a.agent : scene.b.agent;
    ASSERT_TRUE(PairScene::protects(leads));
    ASSERT_EQ(leads.command({"switchover"}).exit_code, 0);
    ASSERT_TRUE(scene.reaches(from_a ? kBLeads : kALeads));
    if (move == 2) own_after_two = scene.a.agent.of_process("RssAnon");
  }
  for (const Agent* agent : {&scene.a.agent, &scene.b.agent}) {
    EXPECT_TRUE(eventually("what is not used is given back", Millis(60000), [&] {
      const long resident = agent->of_process("VmRSS");
      return Seen{resident > 0 && resident <= kMostKilobytes, std::to_string(resident) + " kB"};
    }));
    EXPECT_LE(agent->of_process("RssAnon"), own_after_two + kGrowth);
  }
  RecordProperty("resident_kb", std::to_string(scene.a.agent.of_process("VmRSS")));
}

}  // namespace
}  // namespace support
