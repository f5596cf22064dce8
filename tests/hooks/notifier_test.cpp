// The hooks of one pair with real scripts: order, bounds, log sentences, refusals and the FIFO.
#include "hooks/io/notifier.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <optional>
#include <ostream>
#include <regex>

#include "tests/hooks/script_directory.hpp"

namespace hooks::io {

void PrintTo(HookSeverity severity, std::ostream* out) {
  *out << (severity == HookSeverity::info ? "info" : "warning");
}

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using Lines = std::vector<std::string>;
constexpr auto kDeadline = seconds(30);

class NotifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: hooks are given to nobody";
  }
  void make(NotifyConfig config);
  void notify(NotifyState state, std::uint64_t epoch = 1);
  // Lets the loop turn until the notifier says that it is idle.
  void await_idle();
  template <typename Condition>
  bool wait_until(Condition condition);
  // A script that appends its name and state to out/order when it begins and when it ends.
  std::string slow_script(const std::string& name);
  // A script that appends its epoch to out/order once out/gate exists.
  std::string gated_script();
  void open_gate() { directory_.write("out/gate", ""); }
  Lines order() const;

  boost::asio::io_context io_;
  std::optional<Notifier> notifier_;
  testing::ScriptDirectory directory_;
  Lines log_;  // "info: sentence" with every duration as "N s"
};

TEST_F(NotifierTest, RunsHooksOneAfterAnotherInOrder) {
  NotifyConfig config;
  config.master = {slow_script("master")};
  config.backup = {slow_script("backup")};
  config.fault = {slow_script("fault")};
  config.stop = {slow_script("stop")};
  config.any = {slow_script("any")};
  make(config);
  notify(NotifyState::backup);
  notify(NotifyState::master);
  notify(NotifyState::fault);
  notify(NotifyState::stop);
  await_idle();
  EXPECT_THAT(order(), ElementsAre("backup BACKUP begins", "backup BACKUP ends",
                                   "any BACKUP begins", "any BACKUP ends", "master MASTER begins",
                                   "master MASTER ends", "any MASTER begins", "any MASTER ends",
                                   "fault FAULT begins", "fault FAULT ends", "any FAULT begins",
                                   "any FAULT ends", "stop STOP begins", "stop STOP ends",
                                   "any STOP begins", "any STOP ends"));
}

TEST_F(NotifierTest, LogsWhatHooksSayAndHowTheyEnd) {
  NotifyConfig config;
  config.master = {directory_.script("m.sh", "echo hello; printf 'red \\033[31m\\n' >&2")};
  config.backup = {directory_.script("b.sh", "exit 3")};
  config.fault = {directory_.script("f.sh", "kill -KILL $$")};
  make(config);
  notify(NotifyState::master);
  notify(NotifyState::backup);
  notify(NotifyState::fault);
  await_idle();
  const std::string master = "pair redis, state MASTER: " + directory_.path("m.sh");
  EXPECT_THAT(
      log_, ElementsAre("info: " + master + " says: hello", "info: " + master + " says: red ?[31m",
                        "info: " + master + " ended with exit code 0 after N s",
                        "warning: pair redis, state BACKUP: " + directory_.path("b.sh") +
                            " ended with exit code 3 after N s",
                        "warning: pair redis, state FAULT: " + directory_.path("f.sh") +
                            " was ended by signal 9 (Killed) after N s"));
}

TEST_F(NotifierTest, LogsAHookThatIsTooSlowAndGoesOn) {
  NotifyConfig config;
  config.timeout = seconds(2);
  config.master = {directory_.script("m.sh", "sleep 1000")};
  config.any = {directory_.script("any.sh", "echo \"$@\"")};
  make(config);
  notify(NotifyState::master);
  await_idle();
  EXPECT_THAT(log_, ElementsAre("warning: pair redis, state MASTER: " + directory_.path("m.sh") +
                                    " did not end within N s and was killed after N s",
                                "info: pair redis, state MASTER: " + directory_.path("any.sh") +
                                    " says: INSTANCE redis MASTER 150",
                                "info: pair redis, state MASTER: " + directory_.path("any.sh") +
                                    " ended with exit code 0 after N s"));
}

TEST_F(NotifierTest, LogsAHookThatCouldNotBeStarted) {
  NotifyConfig config;
  config.master = {directory_.write("m.sh", "#!/no/such/interpreter\n")};
  make(config);
  notify(NotifyState::master);
  await_idle();
  const auto script = directory_.path("m.sh");
  EXPECT_THAT(
      log_, ElementsAre("warning: pair redis, state MASTER: " + script + " did not run: " + script +
                        " could not be started: No such file or directory (the file, or "
                        "the interpreter that its first line names)"));
}

TEST_F(NotifierTest, DropsTheOldestWaitingWhenTooManyWait) {
  NotifyConfig config;
  config.master = {gated_script()};
  make(config);
  for (std::uint64_t epoch = 1; epoch <= 40; ++epoch) notify(NotifyState::master, epoch);
  const auto script = directory_.path("gated.sh");
  EXPECT_EQ(log_, Lines(7, "warning: pair redis, state MASTER: " + script +
                               " was dropped: 32 newer hooks wait behind " + script));
  open_gate();
  await_idle();
  Lines expected = {"1"};
  for (int epoch = 9; epoch <= 40; ++epoch) expected.push_back(std::to_string(epoch));
  EXPECT_EQ(order(), expected);
}

TEST_F(NotifierTest, JudgesAScriptAgainBeforeEachRun) {
  NotifyConfig config;
  const auto script = directory_.script("m.sh", "true");
  config.master = {script};
  make(config);
  notify(NotifyState::master);
  await_idle();
  chmod(script.c_str(), 0775);
  notify(NotifyState::master);
  await_idle();
  EXPECT_THAT(
      log_,
      ElementsAre("info: pair redis, state MASTER: " + script + " ended with exit code 0 after N s",
                  "warning: pair redis, state MASTER: " + script + " was not run: " + script +
                      " (owner uid 0, mode 0775) is writable by its group, who could "
                      "change what runs; mend it with: chmod go-w " +
                      script));
}

TEST_F(NotifierTest, RefusesToRunAsAnUnknownUser) {
  NotifyConfig config;
  config.user = "tandem-no-such-user";
  config.master = {directory_.script("m.sh", "true")};
  make(config);
  notify(NotifyState::master);
  await_idle();
  EXPECT_THAT(log_, ElementsAre("warning: pair redis, state MASTER: " + directory_.path("m.sh") +
                                " was not run: user tandem-no-such-user does not exist on this "
                                "host; create it or name another"));
}

TEST_F(NotifierTest, AbandonEndsTheRunningHookAndDropsTheOthers) {
  NotifyConfig config;
  config.master = {directory_.script("m.sh", "echo ready; sleep 1000")};
  config.backup = {directory_.script("b.sh", "echo never")};
  config.stop = {directory_.script("s.sh", "true")};
  make(config);
  notify(NotifyState::master);
  notify(NotifyState::backup);
  ASSERT_TRUE(wait_until([&] { return !log_.empty(); }));
  notifier_->abandon();
  await_idle();
  notify(NotifyState::stop);
  await_idle();
  EXPECT_THAT(log_, ElementsAre("info: pair redis, state MASTER: " + directory_.path("m.sh") +
                                    " says: ready",
                                "warning: pair redis, state BACKUP: " + directory_.path("b.sh") +
                                    " was dropped before it ran",
                                "warning: pair redis, state MASTER: " + directory_.path("m.sh") +
                                    " was ended by the agent after N s",
                                "info: pair redis, state STOP: " + directory_.path("s.sh") +
                                    " ended with exit code 0 after N s"));
}

TEST_F(NotifierTest, IsIdleFromTheLoopAndOnlyOnceAllIsDone) {
  NotifyConfig config;
  config.master = {gated_script()};
  make(config);
  int idle = 0;
  notifier_->when_idle([&] { ++idle; });
  EXPECT_EQ(idle, 0);  // never from inside the call
  EXPECT_TRUE(wait_until([&] { return idle == 1; }));
  Lines order_when_idle;
  notifier_->when_idle([&] {
    order_when_idle = order();
    order_when_idle.emplace_back("idle");
  });
  notify(NotifyState::master);  // before the loop could say that nothing runs
  notify(NotifyState::master, 2);
  io_.restart();
  io_.poll();
  open_gate();
  EXPECT_TRUE(wait_until([&] { return !order_when_idle.empty(); }));
  EXPECT_EQ(order_when_idle, (Lines{"1", "2", "idle"}));
  EXPECT_EQ(idle, 1);
}

TEST_F(NotifierTest, MayBeDestroyedWhileAHookRuns) {
  NotifyConfig config;
  config.master = {
      directory_.script("m.sh", "echo $$ > " + directory_.out("pid") + "; echo ready; sleep 1000")};
  make(config);
  notify(NotifyState::master);
  ASSERT_TRUE(wait_until([&] { return !log_.empty(); }));
  notifier_.reset();
  const pid_t script = std::stoi(directory_.read("out/pid"));
  EXPECT_TRUE(wait_until([&] { return kill(script, 0) != 0; }));
  EXPECT_EQ(log_.size(), 1U);
}

TEST_F(NotifierTest, WritesALineForEachTransitionToTheFifo) {
  NotifyConfig config;
  config.fifo = directory_.path("notify.fifo");
  make(config);
  ASSERT_TRUE(notifier_->open_fifo());
  struct stat status {};
  ASSERT_EQ(lstat(config.fifo.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, static_cast<mode_t>(S_IFIFO | 0600));
  notify(NotifyState::backup);
  notify(NotifyState::master);
  const int reader = open(config.fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  std::string bytes(1000, '\0');
  const auto got = read(reader, bytes.data(), bytes.size());
  close(reader);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  EXPECT_EQ(bytes, "INSTANCE \"redis\" BACKUP 150\nINSTANCE \"redis\" MASTER 150\n");
  EXPECT_EQ(log_, Lines{});
}

TEST_F(NotifierTest, RefusesAFifoThatIsSomethingElse) {
  NotifyConfig config;
  const auto try_path = [&](const std::string& path) {
    config.fifo = path;
    make(config);
    EXPECT_FALSE(notifier_->open_fifo());
    notify(NotifyState::master);
    return log_;
  };
  const auto file = directory_.write("file", "precious");
  EXPECT_THAT(try_path(file), ElementsAre("warning: notify.fifo: " + file +
                                          " is not a FIFO; remove it, or name another path"));
  EXPECT_EQ(directory_.read("file"), "precious");
  ASSERT_EQ(mkfifo(directory_.path("real").c_str(), 0600), 0);
  const auto link = directory_.path("link");
  ASSERT_EQ(symlink("real", link.c_str()), 0);
  EXPECT_THAT(try_path(link), ElementsAre("warning: notify.fifo: " + link +
                                          " is a symbolic link; remove it, or name another path"));
  const auto nowhere = directory_.path("gone/notify.fifo");
  EXPECT_THAT(try_path(nowhere),
              ElementsAre("warning: notify.fifo: " + nowhere +
                          " cannot be made a FIFO: No such file or directory; check its "
                          "directory"));
  EXPECT_THAT(try_path("notify.fifo"),
              ElementsAre("warning: notify.fifo: notify.fifo is a relative path; give the "
                          "absolute path of the FIFO"));
}

TEST_F(NotifierTest, TellsEveryProblemOfAConfigurationAtOnce) {
  NotifyConfig config;
  config.master = {directory_.script("m.sh", "true")};
  config.backup = {directory_.path("gone.sh")};
  directory_.make_directory("open", 0777);
  config.fault = {directory_.script("open/f.sh", "true")};
  config.stop = {directory_.write("s.sh", "#!/bin/sh\n", 0644)};
  config.any = {directory_.make_directory("any.d", 0755)};
  config.fifo = directory_.write("file", "");
  EXPECT_THAT(
      Notifier::problems(config),
      ElementsAre(
          "notify.backup: " + directory_.path("gone.sh") +
              " does not exist; create it or correct the path",
          "notify.fault: " + directory_.path("open") +
              " (owner uid 0, mode 0777) is writable by everybody, who could change what runs; "
              "mend it with: chmod go-w " +
              directory_.path("open"),
          "notify.stop: " + directory_.path("s.sh") +
              " (owner uid 0, mode 0644) cannot be executed by uid 65534; mend it with: chmod "
              "a+x " +
              directory_.path("s.sh"),
          "notify.any: " + directory_.path("any.d") +
              " (owner uid 0, mode 0755) is a directory; name the script itself",
          "notify.fifo: " + directory_.path("file") +
              " is not a FIFO; remove it, or name another path"));
}

TEST_F(NotifierTest, HasNoProblemWithGoodScriptsAndMakesTheFifo) {
  NotifyConfig config;
  config.master = {directory_.script("m.sh", "true")};
  config.group = "daemon";
  config.fifo = directory_.path("notify.fifo");
  EXPECT_EQ(Notifier::problems(config), Lines{});
  EXPECT_EQ(access(config.fifo.c_str(), F_OK), 0);
}

TEST_F(NotifierTest, HasAProblemWithAnUnknownGroup) {
  NotifyConfig config;
  config.group = "tandem-no-such-group";
  EXPECT_THAT(Notifier::problems(config),
              ElementsAre("notify.user: group tandem-no-such-group does not exist on this host; "
                          "create it or name another"));
}

void NotifierTest::make(NotifyConfig config) {
  log_.clear();
  notifier_.emplace(io_.get_executor(), std::move(config),
                    [this](HookSeverity severity, const std::string& sentence) {
                      static const std::regex duration("[0-9.]+ s( |$)");
                      log_.push_back(::testing::PrintToString(severity) + ": " +
                                     std::regex_replace(sentence, duration, "N s$1"));
                    });
}

void NotifierTest::notify(NotifyState state, std::uint64_t epoch) {
  NotifyEvent event;
  event.state = state;
  event.pair = "redis";
  event.priority = 150;
  event.epoch = epoch;
  notifier_->notify(event);
}

void NotifierTest::await_idle() {
  bool idle = false;
  notifier_->when_idle([&idle] { idle = true; });
  ASSERT_TRUE(wait_until([&idle] { return idle; })) << "the hooks did not end";
}

template <typename Condition>
bool NotifierTest::wait_until(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    io_.restart();
    io_.run_for(milliseconds(2));
  }
  return true;
}

std::string NotifierTest::slow_script(const std::string& name) {
  const auto order = directory_.out("order");
  return directory_.script(name + ".sh", "echo " + name + " $TANDEM_STATE begins >> " + order +
                                             "; sleep 0.05; echo " + name +
                                             " $TANDEM_STATE ends >> " + order);
}

std::string NotifierTest::gated_script() {
  return directory_.script("gated.sh", "while [ ! -e " + directory_.out("gate") +
                                           " ]; do sleep 0.01; done; echo $TANDEM_EPOCH >> " +
                                           directory_.out("order"));
}

Lines NotifierTest::order() const {
  std::istringstream content(directory_.read("out/order"));
  Lines lines;
  for (std::string line; std::getline(content, line);) lines.push_back(line);
  return lines;
}

}  // namespace
}  // namespace hooks::io
