// What an agent that was killed while it stopped leaves behind is taken off, and only then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <regex>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

class RemoveVips : public testing::Test {
 protected:
  Outcome remove() {
    return run({tandemd_path(), "--config", agent_.config(), "--remove-vips"}, lan_.a().netns);
  }

  // The unit's own line, as systemd's shell gets it.
  Outcome stop_post(const std::string& result) {
    const std::string unit = read_file(std::string(TANDEM_SOURCE_DIR) + "/systemd/tandem.service");
    std::smatch line;
    EXPECT_TRUE(std::regex_search(unit, line, std::regex(R"(ExecStopPost=-/bin/sh -c '(.*)')")));
    const std::string shipped = "/usr/sbin/tandemd --config /etc/tandem/tandem.toml";
    std::string command = line[1];
    EXPECT_THAT(command, HasSubstr(shipped));
    command.replace(command.find(shipped), shipped.size(),
                    tandemd_path() + " --config " + agent_.config().string());
    command.replace(command.find("$$"), 2, "$");
    return run({"env", "SERVICE_RESULT=" + result, "sh", "-c", command}, lan_.a().netns);
  }

  Lan lan_;
  Agent agent_{lan_.a(), lan_.b(), {with_priority(100)}};
};

TEST_F(RemoveVips, FromTheInterfaceAndFromLo) {
  lan_.a().add_address("10.77.0.100/24");
  lan_.a().add_address("10.77.0.100/32", "lo");
  const Outcome outcome = remove();
  EXPECT_EQ(outcome.output, "removed 10.77.0.100/24 from eth0\nremoved 10.77.0.100/32 from lo\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_FALSE(lan_.a().has_address());
  EXPECT_FALSE(lan_.a().has_address({}, "lo"));
  EXPECT_TRUE(lan_.a().has_address(lan_.a().ip));

  const Outcome again = remove();
  EXPECT_THAT(again.output, HasSubstr("no VIP of "));
  EXPECT_EQ(again.exit_code, 0);
}

TEST_F(RemoveVips, NotFromUnderAnAgentAlsoWhenItHangs) {
  agent_.start();
  ASSERT_TRUE(eventually("the agent answers", kSoon,
                         equals([&] { return agent_.status().has_value(); }, true)));
  agent_.signal(SIGSTOP);
  lan_.a().add_address("10.77.0.100/24");
  const Outcome outcome = remove();
  EXPECT_THAT(outcome.output, HasSubstr("an agent is there"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(lan_.a().has_address());
  agent_.signal(SIGCONT);
  agent_.kill();
}

TEST_F(RemoveVips, TheUnitDoesItAfterAStopButNotAfterACrash) {
  for (const char* const result : {"signal", "watchdog", "core-dump", "exit-code"}) {
    lan_.a().add_address("10.77.0.100/24");
    EXPECT_EQ(stop_post(result).output, "") << result;
    EXPECT_TRUE(lan_.a().has_address()) << result;
    lan_.a().delete_address("10.77.0.100/24");
  }
  for (const char* const result : {"success", "timeout"}) {
    lan_.a().add_address("10.77.0.100/24");
    EXPECT_EQ(stop_post(result).output, "removed 10.77.0.100/24 from eth0\n") << result;
    EXPECT_FALSE(lan_.a().has_address()) << result;
  }
}

}  // namespace
}  // namespace support
