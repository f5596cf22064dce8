// Runs real children and looks at what they say, what they leave behind, and how they end.
#include "hooks/io/process_runner.hpp"

#include <sys/wait.h>

#include <csignal>

#include "tests/hooks/process_runner_fixture.hpp"

namespace hooks::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

TEST_F(ProcessRunnerTest, TellsTheExitCode) {
  EXPECT_EQ(end_of(hook({directory_.script("n.sh", "exit 3")})), exited(3));
}

TEST_F(ProcessRunnerTest, TellsTheSignalThatEndedIt) {
  EXPECT_EQ(end_of(hook({directory_.script("n.sh", "kill -USR1 $$")})), killed(SIGUSR1));
}

TEST_F(ProcessRunnerTest, DeliversBothOutputsLineByLine) {
  const auto script =
      directory_.script("n.sh", "echo one; echo two >&2; echo; printf 'three\\r\\nfour'");
  EXPECT_EQ(end_of(hook({script})), exited(0));
  EXPECT_THAT(lines_, ElementsAre("one", "two", "", "three", "four"));
}

TEST_F(ProcessRunnerTest, CutsALineOfMoreThan1024Bytes) {
  const auto script =
      directory_.script("n.sh", "head -c 2000 /dev/zero | tr '\\0' x; echo; echo after");
  EXPECT_EQ(end_of(hook({script})), exited(0));
  EXPECT_THAT(lines_, ElementsAre(std::string(1024, 'x'), std::string(976, 'x'), "after"));
}

TEST_F(ProcessRunnerTest, ReadsAndDropsWhatIsTooMuch) {
  limits_.max_output_bytes = 2048;
  const auto script = directory_.script(
      "n.sh", "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last; exit 4");
  EXPECT_EQ(end_of(hook({script})), exited(4));
  EXPECT_THAT(lines_, ElementsAre("first", std::string(1024, 'x'), std::string(1018, 'x'),
                                  "output truncated"));
}

TEST_F(ProcessRunnerTest, AGrandchildThatKeepsTheOutputOpenHoldsNothingUp) {
  const auto script =
      directory_.script("n.sh", "sleep 1000 & echo $!; printf 'last words'; exit 0");
  EXPECT_EQ(end_of(hook({script})), exited(0));
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_EQ(lines_[1], "last words");
  const pid_t grandchild = std::stoi(lines_[0]);
  EXPECT_TRUE(wait_until([&] { return is_gone(grandchild); }));
}

TEST_F(ProcessRunnerTest, AGrandchildThatKeepsWritingHoldsNothingUp) {
  const auto script = directory_.script("n.sh", "yes & echo $! > " + directory_.out("pid"));
  EXPECT_EQ(end_of(hook({script})), exited(0));
  const pid_t grandchild = std::stoi(directory_.read("out/pid"));
  EXPECT_TRUE(wait_until([&] { return is_gone(grandchild); }));
}

TEST_F(ProcessRunnerTest, ATimeoutEndsIt) {
  EXPECT_EQ(end_of(hook({"sleep", "1000"}, milliseconds(50))), (End{-1, SIGTERM, true, ""}));
}

// Two seconds, so that the script has its trap in time on a busy machine too.
TEST_F(ProcessRunnerTest, ATimeoutKillsWhatIgnoresItAndItsChildren) {
  limits_.kill_grace = milliseconds(50);
  const auto script = directory_.script(
      "n.sh", "trap '' TERM; sleep 1000 & echo $$; echo $!; while :; do sleep 1000; done");
  EXPECT_EQ(end_of(hook({script}, seconds(2))), (End{-1, SIGKILL, true, ""}));
  ASSERT_EQ(lines_.size(), 2U);
  const pid_t child = std::stoi(lines_[0]);
  const pid_t grandchild = std::stoi(lines_[1]);
  EXPECT_TRUE(wait_until([&] { return is_gone(child) && is_gone(grandchild); }));
}

TEST_F(ProcessRunnerTest, TerminateAsksFirst) {
  start(hook(
      {directory_.script("n.sh", "trap 'echo bye; exit 7' TERM; echo ready; sleep 1000 & wait")}));
  await_line("ready");
  runner_->terminate();
  EXPECT_EQ(await_end(), exited(7));
  EXPECT_THAT(lines_, ElementsAre("ready", "bye"));
}

TEST_F(ProcessRunnerTest, TerminateEndsItEarly) {
  start(hook({directory_.script("n.sh", "echo ready; sleep 1000")}));
  await_line("ready");
  runner_->terminate();
  runner_->terminate();
  EXPECT_EQ(await_end(), killed(SIGTERM));
}

TEST_F(ProcessRunnerTest, DestroyedItKillsTheGroupAndLeavesNoZombie) {
  start(hook({directory_.script("n.sh", "sleep 1000 & echo $$; echo $!; echo ready; wait")}));
  await_line("ready");
  runner_.reset();
  const pid_t child = std::stoi(lines_.at(0));
  const pid_t grandchild = std::stoi(lines_.at(1));
  EXPECT_TRUE(wait_until([&] { return kill(child, 0) != 0 && is_gone(grandchild); }));
  EXPECT_EQ(ends_, 0);
}

TEST_F(ProcessRunnerTest, MayBeDestroyedByALine) {
  start(hook({"true"}));
  EXPECT_EQ(await_end(), exited(0));
  runner_.emplace(io_.get_executor(), limits_);
  int seen = 0;
  runner_->run(
      hook({directory_.script("n.sh", "echo one; echo two; sleep 1000")}),
      [&](std::string_view) {
        ++seen;
        runner_.reset();
      },
      [&](const ProcessResult&) { ++ends_; });
  EXPECT_TRUE(wait_until([&] { return !runner_ && waitpid(-1, nullptr, WNOHANG) < 0; }));
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(ends_, 1);
}

TEST_F(ProcessRunnerTest, RunsOneAtATimeAndTheNextFromTheEndOfTheLast) {
  start(hook({directory_.script("n.sh", "echo ready; sleep 1000")}));
  await_line("ready");
  EXPECT_TRUE(runner_->busy());
  std::string refused;
  runner_->run(hook({"true"}), {}, [&](const ProcessResult& result) { refused = result.failure; });
  EXPECT_EQ(refused, "");  // never from inside the call
  EXPECT_TRUE(wait_until([&] { return !refused.empty(); }));
  EXPECT_EQ(refused, "another command still runs");
  runner_->terminate();
  EXPECT_EQ(await_end(), killed(SIGTERM));
  EXPECT_FALSE(runner_->busy());
  int code = -1;
  runner_->run(hook({"true"}), {}, [&](const ProcessResult&) {
    runner_->run(hook({directory_.script("next.sh", "exit 5")}), {},
                 [&](const ProcessResult& result) { code = result.exit_code; });
  });
  EXPECT_TRUE(wait_until([&] { return code == 5; }));
}

TEST_F(ProcessRunnerTest, AFailureToStartIsToldFromTheLoopToo) {
  auto run = hook({"true"});
  run.user = "tandem-no-such-user";
  start(run);
  EXPECT_EQ(ends_, 0);
  EXPECT_TRUE(runner_->busy());
  EXPECT_NE(await_end().failure, "");
  EXPECT_FALSE(runner_->busy());
}

TEST_F(ProcessRunnerTest, AChildReapedBySomeoneElseIsNotTakenForASuccess) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(end_of(hook({"/bin/true"})),
            never_started("/bin/true was waited for by someone else; its result is lost"));
  std::signal(SIGCHLD, before);
}

TEST_F(ProcessRunnerTest, AChildEndsWithItsAgent) {
  const auto script =
      directory_.script("n.sh", "echo $$ > " + directory_.out("pid") + "; exec sleep 1000");
  const pid_t agent = fork();
  if (agent == 0) {
    boost::asio::io_context io;
    ProcessRunner runner(io.get_executor());
    runner.run(hook({script}), {}, [](const ProcessResult&) {});
    while (directory_.read("out/pid").find('\n') == std::string::npos) {
      io.run_for(milliseconds(5));
    }
    _exit(0);
  }
  ASSERT_EQ(waitpid(agent, nullptr, 0), agent);
  const pid_t child = std::stoi(directory_.read("out/pid"));
  EXPECT_TRUE(wait_until([&] { return is_gone(child); }));
}

}  // namespace
}  // namespace hooks::io
