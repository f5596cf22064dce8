// What a child sees of the daemon that started it, and why it may not start at all.
#include "hooks/io/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <fstream>

#include "tests/hooks/process_runner_fixture.hpp"

namespace hooks::io {
namespace {

using ::testing::ElementsAre;

class ChildProcessTest : public ProcessRunnerTest {};

TEST_F(ChildProcessTest, GivesTheWordsToTheByte) {
  const auto script =
      directory_.script("n.sh", "printf '%s\\0' \"$0\" \"$@\" > " + directory_.out("argv"));
  EXPECT_EQ(end_of(hook({script, "a b", "", "\"'\\ $HOME", "INSTANCE", "\xc3\xa9\n"})), exited(0));
  const auto expected = std::string("a b\0\0\"'\\ $HOME\0INSTANCE\0\xc3\xa9\n\0", 28);
  EXPECT_EQ(directory_.read("out/argv"), script + '\0' + expected);
}

TEST_F(ChildProcessTest, GivesNothingOfItsOwnEnvironment) {
  setenv("TANDEM_TEST_SECRET", "s3cret", 1);
  auto run = hook({"/usr/bin/env"});
  run.environment = {{"TANDEM_PAIR", "redis"}, {"TANDEM_REASON", "two words=\"x\""}};
  EXPECT_EQ(end_of(run), exited(0));
  EXPECT_THAT(lines_,
              ElementsAre("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "TANDEM_PAIR=redis", "TANDEM_REASON=two words=\"x\""));
}

TEST_F(ChildProcessTest, DropsToTheUserWithAllItsGroups) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: children are given to another user";
  std::vector<gid_t> before(64);
  before.resize(static_cast<std::size_t>(std::max(getgroups(64, before.data()), 0)));
  const std::array<gid_t, 1> extra = {4};
  ASSERT_EQ(setgroups(extra.size(), extra.data()), 0);
  const auto ids = directory_.script(
      "ids.sh", "grep -E '^(Uid|Gid|Groups|CapEff|CapAmb):' /proc/self/status | tr -s ' \\t' ' '");
  EXPECT_EQ(end_of(hook({ids})), exited(0));
  EXPECT_THAT(lines_, ElementsAre("Uid: 65534 65534 65534 65534", "Gid: 65534 65534 65534 65534",
                                  "Groups: 65534 ", "CapEff: 0000000000000000",
                                  "CapAmb: 0000000000000000"));
  auto with_group = hook({ids});
  with_group.group = "daemon";
  EXPECT_EQ(end_of(with_group), exited(0));
  EXPECT_THAT(Lines(lines_.begin(), lines_.begin() + 3),
              ElementsAre("Uid: 65534 65534 65534 65534", "Gid: 1 1 1 1", "Groups: 1 "));
  ASSERT_EQ(setgroups(before.size(), before.data()), 0);
}

TEST_F(ChildProcessTest, IsNotKeptFromTheKernelsChoiceWhenMemoryEnds) {
  const std::string own = "/proc/self/oom_score_adj";
  std::string before;
  std::ifstream(own) >> before;
  std::ofstream(own) << "321";
  EXPECT_EQ(end_of(hook({"/bin/cat", own})), exited(0));
  std::ofstream(own) << before;
  EXPECT_THAT(lines_, ElementsAre("0"));
}

TEST_F(ChildProcessTest, LeavesNoDescriptorOpen) {
  const int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  const int leaking = fcntl(file, F_DUPFD, 50);  // not to be closed by execve()
  close(file);
  ASSERT_GE(leaking, 50);
  // 3 is the directory that ls itself reads.
  EXPECT_EQ(end_of(hook({"ls", "/proc/self/fd"})), exited(0));
  EXPECT_THAT(lines_, ElementsAre("0", "1", "2", "3"));
  close(leaking);
  EXPECT_EQ(end_of(hook({"readlink", "/proc/self/fd/0"})), exited(0));
  EXPECT_THAT(lines_, ElementsAre("/dev/null"));
}

TEST_F(ChildProcessTest, ClosesEverythingOfTheChildOnItsOwnSide) {
  const auto open_descriptors = [] {
    const std::filesystem::directory_iterator entries("/proc/self/fd");
    return std::distance(begin(entries), end(entries));
  };
  EXPECT_EQ(end_of(hook({"true"})), exited(0));
  const auto before = open_descriptors();
  EXPECT_EQ(end_of(hook({"true"})), exited(0));
  EXPECT_EQ(end_of(hook({"/no/such/script"})).exit_code, 127);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChildProcessTest, StartsFromDefaults) {
  const auto script =
      directory_.script("n.sh",
                        "read -r pid name state parent group session rest < /proc/$$/stat\n"
                        "[ $pid = $group ] && echo own group\n"
                        "pwd; umask\n"
                        "grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -s ' \\t' ' '\n"
                        "cut -d ' ' -f 40,41 /proc/self/stat");
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  const auto sigpipe_before = std::signal(SIGPIPE, SIG_IGN);
  const auto umask_before = umask(077);
  const sched_param realtime{1};
  const bool is_realtime = sched_setscheduler(0, SCHED_RR, &realtime) == 0;
  start(hook({script}));
  const sched_param ordinary{};
  sched_setscheduler(0, SCHED_OTHER, &ordinary);
  umask(umask_before);
  std::signal(SIGPIPE, sigpipe_before);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(await_end(), exited(0));
  EXPECT_THAT(lines_, ElementsAre("own group", "/", "0022", "SigBlk: 0000000000000000",
                                  "SigIgn: 0000000000000000", "0 0"))
      << (is_realtime ? "" : "(realtime scheduling was not available to start from)");
}

TEST_F(ChildProcessTest, SaysWhyACommandCouldNotBeStarted) {
  EXPECT_EQ(end_of(hook({"/no/such/script"})).failure,
            "/no/such/script could not be started: No such file or directory (the file, or the "
            "interpreter that its first line names)");
  const auto wrong = directory_.write("wrong.sh", "#!/no/such/interpreter\n");
  EXPECT_EQ(end_of(hook({wrong})).failure,
            wrong +
                " could not be started: No such file or directory (the file, or the "
                "interpreter that its first line names)");
  const auto plain = directory_.write("plain.sh", "#!/bin/sh\n", 0644);
  EXPECT_EQ(end_of(hook({plain})).failure, plain + " could not be started: Permission denied");
  EXPECT_EQ(end_of(hook({"tandem-no-such-command"})).failure,
            "tandem-no-such-command could not be started: No such file or directory (the file, or "
            "the interpreter that its first line names)");
}

TEST_F(ChildProcessTest, SaysWhoDoesNotExist) {
  auto run = hook({"true"});
  run.user = "tandem-no-such-user";
  EXPECT_EQ(end_of(run), never_started("user tandem-no-such-user does not exist on this host; "
                                       "create it or name another"));
  run = hook({"true"});
  run.group = "tandem-no-such-group";
  EXPECT_EQ(end_of(run), never_started("group tandem-no-such-group does not exist on this host; "
                                       "create it or name another"));
  run.user = "";
  EXPECT_EQ(end_of(run), never_started("no user is named to run as; name one"));
}

TEST_F(ChildProcessTest, ATextFileWithoutInterpreterGoesThroughTheShell) {
  const auto script = directory_.write("n.sh", "echo \"$0:$#:$1:$2\"\n");
  EXPECT_EQ(end_of(hook({script, "a b", "c"})), exited(0));
  EXPECT_EQ(lines_, (Lines{script + ":2:a b:c"}));
}

TEST_F(ChildProcessTest, AProgramOfAnotherMachineDoesNot) {
  const auto program = directory_.write("program", std::string("\x7f"
                                                               "ELF\0\0\0garbage",
                                                               14));
  EXPECT_EQ(end_of(hook({program})).failure, program + " could not be started: Exec format error");
}

}  // namespace
}  // namespace hooks::io
