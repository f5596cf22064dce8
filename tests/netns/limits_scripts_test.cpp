// Hosts that have no process or descriptor to spare for the scripts that they track: what is not
// known about two healthy servers moves no role. A script that is not there still does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "tests/netns/limits.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

namespace fs = std::filesystem;

class LimitsOfScripts : public testing::Test {
 protected:
  LimitsOfScripts() {
    SceneOptions options;
    for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
      pair->tables +=
          "[[pair.track_script]]\nname = \"check\"\ncommand = \"HOST_DIR/check.sh\"\n"
          "user = \"root\"\ninterval = \"200ms\"\n";
    }
    scene_ = std::make_unique<PairScene>(options);
    for (const auto* side : {&scene_->a, &scene_->b}) {
      write_file(side->host.dir / "check.sh", "#!/bin/sh\nexit 0\n", fs::perms(0755));
    }
  }

  // `tandem status` needs a descriptor of the agent: who leads is seen from outside.
  testing::AssertionResult nothing_moves() {
    return stays("A has the VIP and the master", Millis(2000), [&] {
      const std::string seen = scene_->vip_holders() + " " + scene_->a.redis.role();
      return Seen{seen == "A master", seen};
    });
  }

  std::unique_ptr<PairScene> scene_;
};

const std::string kNotRun = "track_script check cannot be run: ";
const std::string kRunAgain = "track_script check is run again";

TEST_F(LimitsOfScripts, AgentsWithoutASpareDescriptorKeepTheLastResult) {
  ASSERT_TRUE(scene_->start());
  for (const Agent* agent : {&scene_->a.agent, &scene_->b.agent}) {
    ASSERT_TRUE(limit(*agent, RLIMIT_NOFILE, open_files(*agent)));
    EXPECT_TRUE(logs(*agent, kNotRun));
    EXPECT_TRUE(logs(*agent, "Too many open files; its last result counts"));
  }
  EXPECT_TRUE(nothing_moves());
  for (const Agent* agent : {&scene_->a.agent, &scene_->b.agent}) {
    ASSERT_TRUE(limit(*agent, RLIMIT_NOFILE, 0));
    EXPECT_TRUE(logs(*agent, kRunAgain));
  }
  EXPECT_TRUE(scene_->reaches(kALeads));
}

TEST_F(LimitsOfScripts, AgentsThatCannotForkKeepTheLastResult) {
  ASSERT_EQ(run({"strace", "--version"}).exit_code, 0) << "strace is missing: ./dev setup";
  ASSERT_TRUE(scene_->start());
  {
    std::vector<std::unique_ptr<Process>> tracers;
    for (const auto* side : {&scene_->a, &scene_->b}) {
      // fork() is clone(); threads are clone3().
      const Argv refusing = {"strace",
                             "-f",
                             "-qq",
                             "-o",
                             "/dev/null",
                             "-e",
                             "trace=clone",
                             "-e",
                             "inject=clone:error=EAGAIN",
                             "-p",
                             std::to_string(side->agent.pid())};
      tracers.push_back(std::make_unique<Process>(refusing, "", side->host.dir / "strace.log"));
      EXPECT_TRUE(logs(side->agent, kNotRun));
      EXPECT_TRUE(nothing_moves());
    }
    EXPECT_EQ(scene_->a.agent.fields({"/state", "/trackers/0/state"}), "leading good");
    for (const auto& tracer : tracers) tracer->signal(SIGTERM);
    for (const auto& tracer : tracers) ASSERT_TRUE(tracer->wait(kSoon));
  }
  for (const Agent* agent : {&scene_->a.agent, &scene_->b.agent}) {
    EXPECT_TRUE(logs(*agent, kRunAgain));
  }
  EXPECT_TRUE(scene_->reaches(kALeads));
}

TEST_F(LimitsOfScripts, AScriptThatIsNotThereIsAFailure) {
  ASSERT_TRUE(scene_->start());
  fs::remove(scene_->a.host.dir / "check.sh");
  EXPECT_TRUE(scene_->led_by("B"));
  EXPECT_TRUE(logs(scene_->a.agent, "track_script check failed: "));
}

}  // namespace
}  // namespace support
