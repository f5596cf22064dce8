// mode = "safe" with a fence script: what it proves, and that nothing else proves anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

SceneOptions fenced(const std::string& max_lag_time) {
  SceneOptions options = linked();
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->pair_lines = "mode = \"safe\"\nfence = [\"HOST_DIR/fence.sh\", \"off\"]\n";
    pair->pair_lines += "fence_user = \"root\"\nfence_timeout = \"2s\"\nmax_lag_time = \"";
    pair->pair_lines += max_lag_time + "\"\n";
  }
  return options;
}

void write_script(const Host& host, const std::string& body) {
  const std::filesystem::path script = host.dir / "fence.sh";
  write_file(script.string() + ".new", "#!/bin/sh\n" + body + "\n", std::filesystem::perms(0755));
  std::filesystem::rename(script.string() + ".new", script);
}

std::string asked(const Host& host) {
  std::ifstream file(host.dir / "asked");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string note(const Host& host) {
  return "echo \"$@\" > " + (host.dir / "asked").string();
}

testing::AssertionResult alarm(Agent& agent, const std::string& text) {
  return eventually("the alarm: " + text, Millis(30000), [&] {
    const std::string alarms = agent.field("/alarms");
    return Seen{alarms.find(text) != std::string::npos, alarms};
  });
}

testing::AssertionResult takes_writes(PairScene::Side& side) {
  return eventually("writes are taken", Millis(30000), [&] {
    const Answer answer = side.redis.command({"SET", "alone", "x"});
    return Seen{answer.ok(), answer.text};
  });
}

class FenceScript : public testing::Test {
 protected:
  explicit FenceScript(const std::string& max_lag_time = "1s") : scene_(fenced(max_lag_time)) {
    write_script(scene_.a.host, note(scene_.a.host));
    write_script(scene_.b.host, note(scene_.b.host));
  }
  PairScene scene_;
};

class FenceScriptForAPatientStandby : public FenceScript {
 protected:
  FenceScriptForAPatientStandby() : FenceScript("600s") {}
};

TEST_F(FenceScript, ThatProvesTheStandbyDownOpensTheLeader) {
  ASSERT_TRUE(scene_.start());
  EXPECT_EQ(asked(scene_.a.host), "");
  scene_.lan.power_off(scene_.lan.b());
  EXPECT_TRUE(eventually("the script is asked", kSoon,
                         equals([&] { return asked(scene_.a.host); }, "off redis 10.77.0.2\n")));
  ASSERT_TRUE(takes_writes(scene_.a));
  EXPECT_THAT(scene_.a.agent.field("/alarms"), testing::Not(HasSubstr("refuses writes")));
}

TEST_F(FenceScriptForAPatientStandby, ThatProvesTheLeaderDownLetsItTakeOver) {
  ASSERT_TRUE(scene_.start());
  scene_.lan.power_off(scene_.lan.a());
  ASSERT_TRUE(
      eventually("B leads", kSoon, equals([&] { return scene_.b.agent.state(); }, "leading")));
  EXPECT_EQ(asked(scene_.b.host), "off redis 10.77.0.1\n");
  EXPECT_THAT(scene_.b.agent.field("/reason"), HasSubstr("its host is proved down (fence)"));
  EXPECT_TRUE(takes_writes(scene_.b));
}

TEST_F(FenceScript, ThatSaysAnythingElseProvesNothing) {
  ASSERT_TRUE(scene_.start());
  const std::string unproved = "the fence script does not prove that the peer's host is down: ";
  write_script(scene_.a.host, "echo no such outlet; exit 3");
  scene_.lan.power_off(scene_.lan.b());
  ASSERT_TRUE(alarm(scene_.a.agent, unproved + "exit code 3, it said: no such outlet"));
  write_script(scene_.a.host, "tail -f /dev/null");
  ASSERT_TRUE(alarm(scene_.a.agent, unproved + "did not end in time"));
  std::filesystem::remove(scene_.a.host.dir / "fence.sh");
  ASSERT_TRUE(alarm(scene_.a.agent, "fence.sh"));
  EXPECT_FALSE(scene_.a.redis.command({"SET", "alone", "x"}).ok());
  write_script(scene_.a.host, "exit 0");
  std::filesystem::permissions(scene_.a.host.dir / "fence.sh", std::filesystem::perms(0777));
  ASSERT_TRUE(alarm(scene_.a.agent, "is writable by"));
  EXPECT_FALSE(scene_.a.redis.command({"SET", "alone", "x"}).ok());
  write_script(scene_.a.host, "exit 0");
  EXPECT_TRUE(takes_writes(scene_.a));
}

TEST(FenceScriptCheck, NamesAScriptThatIsMissing) {
  PairScene scene(fenced("1s"));
  const Outcome outcome =
      run({tandemd_path(), "--config", scene.a.agent.config(), "--check"}, scene.a.host.netns);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("pair[redis].fence: "));
}

}  // namespace
}  // namespace support
