// Proves the harness itself against the real redis-server and keepalived, before it judges Tandem.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/keepalived.hpp"
#include "tests/support/namespace.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A closed port refuses at once when the host can be reached.
bool reaches(const Lan& lan, const Host& host) {
  RedisClient probe({lan.client().netns, host.ip, 9, "", Millis(500)});
  return probe.command({"PING"}).text == "Connection refused";
}

// VRRP is the only thing that keepalived needs here: alone, it takes the address.
KeepalivedOptions keepalived_recorded_by(const Recorder& recorder, int priority) {
  KeepalivedOptions options;
  options.priority = priority;
  options.notify_master = recorder.command("MASTER");
  options.notify_backup = recorder.command("BACKUP");
  options.notify_stop = recorder.command("STOP");
  return options;
}

Condition vip_on(const Lan& lan, const std::string& expected) {
  return equals(
      [&lan] {
        return std::string(lan.a().has_address() ? "A" : "") + (lan.b().has_address() ? "B" : "");
      },
      expected);
}

TEST(Lan, CablesAndDropRulesCutWhatTheyNameAndNothingElse) {
  const Lan lan;
  EXPECT_TRUE(reaches(lan, lan.a()));

  lan.unplug(lan.a());
  EXPECT_FALSE(reaches(lan, lan.a()));
  lan.plug(lan.a());
  EXPECT_TRUE(
      eventually("A is reached again", kSoon, equals([&] { return reaches(lan, lan.a()); }, true)));

  lan.drop(lan.client(), lan.a());
  EXPECT_FALSE(reaches(lan, lan.a()));
  EXPECT_TRUE(reaches(lan, lan.b()));
  lan.drop_nothing();
  EXPECT_TRUE(reaches(lan, lan.a()));
  lan.drop(lan.client(), lan.a(), Traffic::vrrp);
  EXPECT_TRUE(reaches(lan, lan.a()));
}

TEST(Lan, LeavesNothingBehind) {
  std::string netns;
  pid_t pid = 0;
  {
    const Lan lan;
    netns = lan.a().netns;
    const Process sleeper({"sh", "-c", "sleep 1000 & wait"}, netns, lan.dir() / "sleeper.log");
    pid = sleeper.pid();
    EXPECT_EQ(run({"ip", "netns", "pids", netns}).exit_code, 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_THAT(run({"ip", "netns", "list"}).output, testing::Not(HasSubstr(netns)));
}

TEST(Lan, RemovesWhatADeadTestProgramLeft) {
  const Outcome dead = run({"sh", "-c", "echo $$"});
  const std::string left = "tdm" + dead.output.substr(0, dead.output.find('\n')) + "-0-a";
  must_run({"ip", "netns", "add", left});
  remove_leftovers();
  EXPECT_THAT(run({"ip", "netns", "list"}).output, testing::Not(HasSubstr(left)));
}

TEST(Process, TellsExitCodesAndSignals) {
  const TempDir dir;
  Process ends({"sh", "-c", "exit 3"}, "", dir.path() / "ends.log");
  EXPECT_EQ(ends.wait(kSoon), 3);
  Process sleeps({"sleep", "1000"}, "", dir.path() / "sleeps.log");
  EXPECT_TRUE(sleeps.running());
  sleeps.signal(SIGTERM);
  EXPECT_EQ(sleeps.wait(kSoon), 128 + SIGTERM);
  EXPECT_EQ(run({"no-such-program"}).exit_code, 127);
}

TEST(Eventually, SaysWhatItSawLast) {
  const auto never = eventually("one is two", Millis(50), equals([] { return 1; }, 2));
  EXPECT_FALSE(never);
  EXPECT_THAT(never.message(), testing::AllOf(HasSubstr("one is two"), HasSubstr("last seen: 1")));
  int looks = 0;
  EXPECT_FALSE(stays("below 3", kSoon, [&] { return Seen{++looks < 3, std::to_string(looks)}; }));
}

TEST(RedisServer, PairReplicatesAndTellsItsRoles) {
  PairScene scene;
  scene.start_servers();
  EXPECT_EQ(scene.picture(), "A -, no VIP, master | B -, no VIP, replica of 10.77.0.1, in sync");
  EXPECT_EQ(scene.data(), kDataIntact);

  scene.a.redis.freeze();
  EXPECT_EQ(scene.a.redis.role(), "silent");
  scene.a.redis.thaw();
  EXPECT_EQ(scene.a.redis.role(), "master");
  scene.a.redis.kill();
  EXPECT_EQ(scene.a.redis.role(), "silent");
}

// The danger that Tandem exists for: without an agent the returning empty master wipes its replica.
TEST(RedisServer, SupervisorBringsTheEmptyMasterBackAndTheReplicaIsWiped) {
  PairScene scene;
  scene.start_servers();
  scene.a.redis.supervise(Millis(100));
  scene.a.redis.kill();
  EXPECT_TRUE(eventually("B is empty", kSoon, equals([&] { return scene.b.redis.keys(); }, 0L)));
  EXPECT_EQ(scene.data(), "A misses 1000, B misses 1000");
}

TEST(RedisServer, QuarantineKeepsTheReplicaWhole) {
  SceneOptions options;
  options.quarantine = true;
  PairScene scene(options);
  scene.start_servers();
  scene.a.redis.supervise(Millis(100));
  scene.a.redis.kill();
  EXPECT_TRUE(eventually("A is back as a replica", kSoon,
                         equals([&] { return scene.a.redis.role(); }, "replica of 127.0.0.1")));
  EXPECT_TRUE(stays("B keeps all keys", Millis(2000),
                    equals([&] { return scene.b.redis.missing(1000); }, 0)));
}

TEST(Keepalived, HandsTheAddressOverAndRecordsIt) {
  const Lan lan;
  const Recorder record_a(lan.a());
  const Recorder record_b(lan.b());
  Keepalived a(lan.a(), keepalived_recorded_by(record_a, 250));
  Keepalived b(lan.b(), keepalived_recorded_by(record_b, 240));
  a.start();
  EXPECT_TRUE(eventually("A has the VIP", kSoon, vip_on(lan, "A")));
  b.start();
  EXPECT_TRUE(
      eventually("B is backup", kSoon, equals([&] { return record_b.states(); }, "BACKUP")));
  EXPECT_TRUE(stays("only A has the VIP", Millis(1000), vip_on(lan, "A")));

  EXPECT_EQ(a.stop(), 0);
  EXPECT_TRUE(eventually("B has the VIP", kSoon, vip_on(lan, "B")));
  EXPECT_TRUE(eventually("B's script ran", kSoon,
                         equals([&] { return record_b.states(); }, "BACKUP MASTER")));
  std::vector<bool> vips;
  for (const auto& record : record_a.records()) vips.push_back(record.vip);
  EXPECT_EQ(record_a.states(), "BACKUP MASTER STOP");
  EXPECT_THAT(vips, ElementsAre(false, true, false));

  b.kill();
  EXPECT_TRUE(lan.b().has_address());
}

TEST(Writer, CountsWhatAServerLacksAndHowLongNobodyAnswered) {
  PairScene scene;
  scene.start_servers();
  scene.a.host.add_address(kVipPrefix);
  Writer writer(scene.lan.client());
  EXPECT_TRUE(writer.goes_on());

  writer.at_quiet_point([&] {
    scene.b.redis.command({"REPLICAOF", "NO", "ONE"});
    scene.a.redis.freeze();
  });
  const int before = writer.acknowledged();
  EXPECT_TRUE(stays("nothing is acknowledged", Millis(500),
                    equals([&] { return writer.acknowledged(); }, before)));
  scene.a.redis.thaw();
  EXPECT_TRUE(writer.goes_on());
  writer.stop();

  EXPECT_GE(writer.longest_gap(), Millis(500));
  EXPECT_EQ(writer.missing_on(scene.a.redis), 0);
  EXPECT_EQ(writer.missing_on(scene.b.redis), writer.acknowledged() - before);
}

}  // namespace
}  // namespace support
