// `tandem reload` with another login for the local server: a wrong password is an alarm and never a
// failover, so one that is about to be taken up is refused while the old one still works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ReloadLogin, ThatTheServerRefusesIsNotTakenUp) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const std::string text = read_file(scene.a.agent.config());
  const std::string server = "[pair.server]\n";
  const auto at = text.find(server);
  ASSERT_NE(at, std::string::npos);
  std::ofstream(scene.a.agent.config())
      << text.substr(0, at + server.size()) << "user = \"nobody_known\"\n"
      << text.substr(at + server.size());
  const Outcome refused = scene.a.agent.command({"reload"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, AllOf(HasSubstr("nothing was changed: pair[redis].server: "),
                                    HasSubstr("the login is refused, WRONGPASS")));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

}  // namespace
}  // namespace support
