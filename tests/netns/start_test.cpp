// Starts that cannot work say why in one sentence and end with the agreed exit code; starts that
// cannot work yet wait and say for what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A configuration with the given change, started for real.
class BadStart : public testing::Test {
 protected:
  Outcome start_with(const std::string& before, const std::string& after) {
    const Agent agent(lan_.a(), lan_.b(), {with_priority(100)});
    std::string text = read_file(agent.config());
    const auto at = text.find(before);
    EXPECT_NE(at, std::string::npos) << before;
    text.replace(at, before.size(), after);
    write_file(agent.config(), text, std::filesystem::perms(0600));
    return start(agent.config());
  }

  Outcome start(const std::filesystem::path& config) {
    return run({tandemd_path(), "--config", config, "--foreground"}, lan_.a().netns);
  }

  Lan lan_;
};

TEST_F(BadStart, MissingFileIsNamed) {
  const Outcome outcome = start("/nowhere/tandem.toml");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("/nowhere/tandem.toml"));
}

TEST_F(BadStart, BrokenTomlIsToldWithItsLine) {
  const Outcome outcome = start_with("[[pair]]", "[[pair");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("tandem.toml:6:"));
}

TEST_F(BadStart, WrongValueIsToldWithItsLineAndKey) {
  const Outcome outcome = start_with("priority = 100", "priority = 300");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("tandem.toml:11:"), HasSubstr("priority")));
}

TEST_F(BadStart, OneVridForTwoPairsIsRefused) {
  PairOptions second = with_priority(100);
  second.name = "other";
  second.port = 6380;
  second.vip = "10.77.0.101/24";
  const Agent agent(lan_.a(), lan_.b(), {with_priority(100), second});
  const Outcome outcome = start(agent.config());
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("tandem.toml:"), HasSubstr("vrid")));
}

TEST_F(BadStart, ReadablePasswordFileIsRefused) {
  const Agent agent(lan_.a(), lan_.b(), {with_priority(100)});
  std::filesystem::permissions(lan_.a().dir / "redis.password", std::filesystem::perms(0644));
  const Outcome outcome = start(agent.config());
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("redis.password"));
}

TEST_F(BadStart, WithoutCapNetRawOneSentenceSaysSo) {
  const Agent agent(lan_.a(), lan_.b(), {with_priority(100)});
  const Outcome outcome = run({"setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw",
                               tandemd_path(), "--config", agent.config(), "--foreground"},
                              lan_.a().netns);
  EXPECT_EQ(outcome.exit_code, 1);
  std::string last = outcome.output.substr(0, outcome.output.find_last_not_of('\n') + 1);
  last.erase(0, last.rfind('\n') + 1);
  EXPECT_THAT(last, HasSubstr("CAP_NET_RAW")) << outcome.output;
}

TEST(LateStart, AnInterfaceThatIsNotThereIsWaitedFor) {
  PairScene scene;
  scene.start_servers();
  const std::string netns = scene.a.host.netns;
  must_run({"ip", "link", "set", "eth0", "down"}, netns);
  must_run({"ip", "link", "set", "eth0", "name", "hidden0"}, netns);

  scene.a.agent.start();
  EXPECT_TRUE(eventually("the agent says what it waits for", kSoon, [&] {
    const std::string seen = scene.a.agent.fields({"/state", "/reason", "/alarms"});
    return Seen{seen.find("interface") != std::string::npos, seen};
  }));
  EXPECT_NE(scene.a.agent.state(), "leading");

  must_run({"ip", "link", "set", "hidden0", "name", "eth0"}, netns);
  must_run({"ip", "link", "set", "eth0", "up"}, netns);
  scene.b.agent.start();
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(LateStart, ServersThatComeAfterTheirAgentsAreTaken) {
  PairScene scene;
  scene.a.agent.start();
  scene.b.agent.start();
  EXPECT_TRUE(eventually("both agents answer", kSoon, [&] {
    const std::string seen = scene.a.agent.state() + " " + scene.b.agent.state();
    return Seen{seen.find('-') == std::string::npos, seen};
  }));
  EXPECT_EQ(scene.vip_holders(), "");
  scene.start_servers();
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

}  // namespace
}  // namespace support
