// The original master returns with its server dead, with whatever on its disk: its agent brings it
// back as a replica in sync, and the new leader loses nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "hooks/io/recovery_journal.hpp"
#include "tests/support/pair_scene.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {
namespace {

using hooks::RecoveryStep;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kRecovery =
    "start = \"HOST_DIR/start.sh\"\nstop = [\"HOST_DIR/stop.sh\", \"redis\"]\n"
    "recovery = \"rdb\"\nrecovery_delay = \"500ms\"\n";

SceneOptions with_recovery(const std::string& further = {}) {
  SceneOptions options;
  options.quarantine = true;
  options.server_a.save = true;
  options.pair_a.server_lines = kRecovery + further;
  return options;
}

// The start and stop commands of host A, and the end of the server that they started.
class Commands {
 public:
  explicit Commands(const PairScene& scene) : dir_(scene.a.host.dir) {
    const std::string redis = (dir_ / "redis-6379").string();
    script("start.sh", "exec redis-server " + redis + "/redis.conf --daemonize yes --pidfile " +
                           pid_file().string() + " --logfile " + redis +
                           "/again.log --replicaof 127.0.0.1 1");
    script("stop.sh", "[ -f " + pid_file().string() + " ] && kill $(cat " + pid_file().string() +
                          ") ; exit 0");
  }
  ~Commands() { kill_server(); }
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  void kill_server() const {
    const std::string pid = read_file(pid_file());
    if (!pid.empty()) ::kill(std::stoi(pid), SIGKILL);
    fs::remove(pid_file());
  }
  [[nodiscard]] fs::path data(const std::string& name) const { return dir_ / "redis-6379" / name; }
  // Of the files and directories that were kept beside `name`.
  [[nodiscard]] int kept(const std::string& name) const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(dir_ / "redis-6379")) {
      if (entry.path().filename().string().starts_with(name + ".before-")) ++count;
    }
    return count;
  }

 private:
  [[nodiscard]] fs::path pid_file() const { return dir_ / "redis.pid"; }
  void script(const std::string& name, const std::string& body) const {
    write_file(dir_ / name, "#!/bin/sh\n" + body + "\n", fs::perms(0755));
  }
  fs::path dir_;
};

// A's host fails under load: agent and server are dead at once, B leads and takes writes.
void fail_over(PairScene& scene, Writer& writer) {
  ASSERT_TRUE(writer.goes_on());
  scene.a.redis.command({"SAVE"});
  ASSERT_TRUE(writer.goes_on());
  writer.at_quiet_point([&] {
    scene.a.redis.kill();
    scene.a.agent.kill();
  });
  ASSERT_TRUE(scene.led_by("B"));
  ASSERT_TRUE(writer.goes_on());
}

void expect_back(PairScene& scene, Writer& writer) {
  ASSERT_TRUE(scene.reaches(kBLeads)) << scene.a.agent.field("/alarms");
  ASSERT_TRUE(writer.goes_on());
  ASSERT_TRUE(PairScene::protects(scene.b.agent));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_TRUE(
      eventually("the recovery has ended", kSoon,
                 equals([&] { return scene.a.agent.field("/recovery/running"); }, "false")));
}

TEST(Recovery, OfAnOldMasterWithAnOlderDataset) {
  PairScene scene(with_recovery());
  const Commands commands(scene);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  fail_over(scene, writer);
  scene.a.agent.start();
  expect_back(scene, writer);
  EXPECT_EQ(commands.kept("dump.rdb"), 1);
  const auto diverged = [&](const Argv& words) {
    Argv all = {"diverged", "--state-dir", scene.a.agent.state_dir()};
    all.insert(all.end(), words.begin(), words.end());
    return scene.a.agent.command(all).output;
  };
  EXPECT_THAT(diverged({"list"}), HasSubstr(": replaced by a recovery, the old one is " +
                                            commands.data("dump.rdb.before-").string()));
  EXPECT_THAT(diverged({"list", "--json"}), HasSubstr("\"replaced_by_recovery\":true"));
  EXPECT_THAT(diverged({"show", "redis"}), HasSubstr("it may hold writes that the leader lacks"));
  EXPECT_EQ(scene.a.agent.field("/recovery/words"),
            "the local server is a replica with its link up; the leader sent only what was missing "
            "(partial resync)");
}

TEST(Recovery, OfAnOldMasterWhoseDatasetIsGoneOrCorrupt) {
  for (const bool gone : {true, false}) {
    PairScene scene(with_recovery());
    const Commands commands(scene);
    ASSERT_TRUE(scene.start());
    Writer writer(scene.lan.client());
    fail_over(scene, writer);
    fs::remove(commands.data("dump.rdb"));
    if (!gone) write_file(commands.data("dump.rdb"), "REDIS0010 and nothing more");
    scene.a.agent.start();
    expect_back(scene, writer);
    EXPECT_EQ(commands.kept("dump.rdb"), gone ? 0 : 1);
  }
}

TEST(Recovery, OfAnOldMasterWithAof) {
  for (const bool gone : {false, true}) {
    SceneOptions options = with_recovery();
    options.server_a.more = {"appendonly yes"};
    PairScene scene(options);
    const Commands commands(scene);
    ASSERT_TRUE(scene.start());
    Writer writer(scene.lan.client());
    fail_over(scene, writer);
    if (gone) fs::remove_all(commands.data("appendonlydir"));
    scene.a.agent.start();
    expect_back(scene, writer);
    EXPECT_EQ(commands.kept("appendonlydir"), gone ? 0 : 1);
    EXPECT_THAT(scene.a.agent.field("/recovery/words"), HasSubstr("full resync"));
  }
}

// kB at the most that the agent has used so far.
long peak_memory(const std::string& netns_name) {
  long peak = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string status = read_file(entry.path() / "status");
    const std::string command = read_file(entry.path() / "cmdline");
    if (command.find("tandemd") == std::string::npos ||
        command.find(netns_name) == std::string::npos) {
      continue;
    }
    const auto at = status.find("VmHWM:");
    if (at != std::string::npos) peak = std::max(peak, std::stol(status.substr(at + 6)));
  }
  return peak;
}

TEST(Recovery, OfAMillionKeysTakesLittleMemory) {
  SceneOptions options = with_recovery();
  options.populate = 1000000;
  PairScene scene(options);
  const Commands commands(scene);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  fail_over(scene, writer);
  fs::remove(commands.data("dump.rdb"));
  const auto begun = std::chrono::steady_clock::now();
  scene.a.agent.start();
  ASSERT_TRUE(eventually("it runs", kSoon, [&] {
    const std::string state = scene.a.agent.state();
    return Seen{state != "-", state};
  }));
  const long before = peak_memory(scene.a.agent.config().string());
  expect_back(scene, writer);
  const auto took = std::chrono::steady_clock::now() - begun;
  const long after = peak_memory(scene.a.agent.config().string());
  testing::Test::RecordProperty(
      "took_ms",
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  testing::Test::RecordProperty("peak_kb_before", static_cast<int>(before));
  testing::Test::RecordProperty("peak_kb", static_cast<int>(after));
  testing::Test::RecordProperty("rdb_bytes",
                                static_cast<int>(fs::file_size(commands.data("dump.rdb"))));
  constexpr long kBound = 64L * 1024;  // kB; the dataset takes 33 MB and its server 100
  EXPECT_LT(after - before, kBound);
}

// Its agent lives: it sees the death, waits for a supervisor, and does what none has done.
TEST(Recovery, OfAServerThatDiesOnTheStandby) {
  PairScene scene(with_recovery());
  const Commands commands(scene);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  expect_back(scene, writer);
}

TEST(Recovery, GoesOnWhereAKilledAgentWas) {
  PairScene scene(with_recovery("stop_timeout = \"5s\"\n"));
  const Commands commands(scene);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  fail_over(scene, writer);
  fs::remove(commands.data("dump.rdb"));
  for (const int delay_ms : {560, 600, 640, 700, 800, 1000}) {
    scene.a.agent.start();
    wait_a_moment(Millis(delay_ms));
    scene.a.agent.kill();
  }
  scene.a.agent.start();
  expect_back(scene, writer);
  EXPECT_FALSE(fs::exists(scene.a.host.dir / "state" / "redis.recovery.json"));
}

// The step that stands in the journal; empty: there is none.
std::string step_in(const fs::path& journal) {
  const auto known = hooks::io::parse_journal("redis", read_file(journal));
  return known ? std::string(to_string(known->step)) : "";
}

// kill -9 of the agent at each step that a recovery knows. What the dead one has left in the
// journal proves at which it was; a step that it was too quick for is tried again.
TEST(Recovery, GoesOnFromEachStepAtWhichItsAgentWasKilled) {
  PairScene scene(with_recovery("stop_timeout = \"5s\"\n"));
  const Commands commands(scene);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  fail_over(scene, writer);
  const fs::path journal = scene.a.host.dir / "state" / "redis.recovery.json";
  constexpr int kTries = 20;
  for (int number = 0; to_string(static_cast<RecoveryStep>(number)) != "unknown"; ++number) {
    const std::string step(to_string(static_cast<RecoveryStep>(number)));
    SCOPED_TRACE(step);
    std::string died_at;
    for (int tries = 0; tries < kTries && died_at != step; ++tries) {
      commands.kill_server();
      fs::remove(commands.data("dump.rdb"));
      fs::remove(journal);
      scene.a.agent.start();
      const auto deadline = std::chrono::steady_clock::now() + kSoon;
      bool begun = false;
      while (step_in(journal) != step && std::chrono::steady_clock::now() < deadline) {
        if (begun && !fs::exists(journal)) break;  // it has ended
        begun = begun || fs::exists(journal);
      }
      scene.a.agent.kill();
      died_at = step_in(journal);
    }
    ASSERT_EQ(died_at, step);
    scene.a.agent.start();
    ASSERT_TRUE(scene.reaches(kBLeads)) << scene.a.agent.field("/alarms");
    ASSERT_TRUE(writer.goes_on());
    ASSERT_TRUE(eventually("the journal is gone", kSoon,
                           equals([&] { return fs::exists(journal); }, false)));
    scene.a.agent.kill();
  }
  scene.a.agent.start();
  expect_back(scene, writer);
}

TEST(Recovery, IsDoneWhenItIsAskedFor) {
  PairScene scene(with_recovery("auto_recover = false\n"));
  const Commands commands(scene);
  ASSERT_TRUE(scene.start());
  EXPECT_THAT(scene.a.agent.command({"recover"}).output, HasSubstr("the local server is up"));
  EXPECT_THAT(scene.b.agent.command({"recover"}).output, HasSubstr("there is no start command"));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(scene.keeps("A fault, no VIP, silent | B leading, VIP, master", Millis(1500)));

  const Outcome outcome = scene.a.agent.command({"recover", "redis"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("redis: the local server is a replica with its link up"));
  expect_back(scene, writer);
}

TEST(Recovery, ThatFailsIsAnAlarmAndReplacesNothing) {
  PairScene scene(with_recovery());
  const Commands commands(scene);
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  fail_over(scene, writer);
  const std::string before = read_file(commands.data("dump.rdb"));
  write_file(scene.a.host.dir / "stop.sh", "#!/bin/sh\necho unit not loaded; exit 5\n",
             fs::perms(0755));
  scene.a.agent.start();
  ASSERT_TRUE(eventually("an alarm", kSoon, [&] {
    const std::string alarms = scene.a.agent.field("/alarms");
    return Seen{alarms.find("the stop command failed: exit code 5, it said: unit not loaded") !=
                    std::string::npos,
                alarms};
  }));
  EXPECT_EQ(read_file(commands.data("dump.rdb")), before);
  EXPECT_EQ(commands.kept("dump.rdb"), 0);
  EXPECT_EQ(scene.leader(), "B");
}

}  // namespace
}  // namespace support
