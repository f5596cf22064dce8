// What a process tells the one that it becomes.
#include "agent/succession.hpp"

#include <gtest/gtest.h>

namespace agent {
namespace {

using hooks::NotifyState;

TEST(SuccessionTest, ComesBackAsItWas) {
  const Succession told{{"redis", NotifyState::master}, {"sessions", NotifyState::fault}};
  EXPECT_EQ(format_succession(told), "redis=MASTER,sessions=FAULT");
  EXPECT_EQ(parse_succession(format_succession(told)), told);
  EXPECT_EQ(parse_succession(""), Succession{});
}

TEST(SuccessionTest, LeavesOutWhatItCannotRead) {
  EXPECT_EQ(parse_succession("redis,=,a=LEADER,b=BACKUP,"),
            (Succession{{"b", NotifyState::backup}}));
}

}  // namespace
}  // namespace agent
