// A real server that is down comes back as a replica of a real leader: whatever lies on its disk,
// and whenever the agent dies. What cannot be done leaves everything as it was.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/hooks/fetching.hpp"
#include "tests/hooks/recovery_scene.hpp"
#include "tests/hooks/script_directory.hpp"
#include "tests/hooks/small_disk.hpp"

namespace hooks {
namespace {

using namespace std::chrono_literals;
using testing::names_in;
using testing::read_bytes;
using testing::RecoveryScene;
using testing::write_bytes;

constexpr int kLater = 50;
const std::string kDone = "done: the local server is a replica with its link up";
const std::string kPartial = kDone + "; the leader sent only what was missing (partial resync)";
const std::string kFull = kDone + "; the leader sent its whole dataset (full resync)";

void expect_whole(const RecoveryScene& scene) {
  EXPECT_EQ(scene.finds_later(kLater), kLater);
  EXPECT_EQ(scene.local_keys(), scene.leader.facts().keys);
  EXPECT_TRUE(eventually([&] { return !scene.journal(); }));
}

TEST(RecoveryLive, AnOlderDatasetIsReplacedAndKept) {
  RecoveryScene scene;
  scene.settle_and_stop();
  const std::string old = read_bytes(scene.data("dump.rdb"));
  scene.write_later(kLater);
  EXPECT_EQ(scene.recover(), kPartial) << scene.everything_said();
  expect_whole(scene);
  EXPECT_EQ(read_bytes(scene.kept("dump.rdb")), old);
  EXPECT_TRUE(
      scene.said("the dataset goes to " + scene.data("dump.rdb") + "; Redis 7.0.15 will load it"));
  EXPECT_TRUE(scene.said("RDB version 10, checksum good; the old one is "));
}

TEST(RecoveryLive, AMissingDatasetIsNoHindrance) {
  RecoveryScene scene;
  scene.settle_and_stop();
  scene.write_later(kLater);
  std::filesystem::remove(scene.data("dump.rdb"));
  EXPECT_EQ(scene.recover(), kPartial) << scene.everything_said();
  expect_whole(scene);
  EXPECT_EQ(scene.kept("dump.rdb"), "");
}

TEST(RecoveryLive, ACorruptDatasetIsKeptAside) {
  RecoveryScene scene;
  scene.settle_and_stop();
  scene.write_later(kLater);
  write_bytes(scene.data("dump.rdb"), "REDIS0010 this is not one");
  EXPECT_EQ(scene.recover(), kPartial) << scene.everything_said();
  expect_whole(scene);
  EXPECT_EQ(read_bytes(scene.kept("dump.rdb")), "REDIS0010 this is not one");
}

TEST(RecoveryLive, WithAofItsBaseIsReplacedAndTheDirectoryKept) {
  RecoveryScene scene("appendonly yes");
  scene.settle_and_stop();
  const auto before = names_in(scene.data("appendonlydir"));
  scene.write_later(kLater);
  // Loaded before the link: the leader's data is there although it would resync in full.
  EXPECT_EQ(scene.recover(), kFull) << scene.everything_said();
  expect_whole(scene);
  EXPECT_TRUE(scene.said("the dataset becomes the base of the AOF in "));
  EXPECT_EQ(names_in(scene.kept("appendonlydir")), before);
}

// As under Debian: the directory is the server's user's, and what comes into it is his.
TEST(RecoveryLive, InADirectoryOfAnotherUserAllIsHis) {
  constexpr uid_t kUser = 65534;
  RecoveryScene scene("appendonly yes");
  scene.settle_and_stop();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scene.data(""))) {
    ASSERT_EQ(chown(entry.path().c_str(), kUser, kUser), 0) << "this test needs root";
  }
  ASSERT_EQ(chown(scene.data("").c_str(), kUser, kUser), 0);
  scene.write_later(kLater);
  EXPECT_EQ(scene.recover(), kFull) << scene.everything_said();
  expect_whole(scene);
  struct stat status {};  // the server, which is root's here, writes its own files in it
  ASSERT_EQ(stat(scene.data("appendonlydir").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, kUser);
  EXPECT_NE(scene.kept("appendonlydir"), "");
}

// As after a new disk: `appendonly yes` without an AOF starts empty beside a good dump.rdb.
TEST(RecoveryLive, WithAofThatIsGoneItDoesNotStartEmpty) {
  RecoveryScene scene("appendonly yes");
  scene.settle_and_stop();
  scene.write_later(kLater);
  std::filesystem::remove_all(scene.data("appendonlydir"));
  EXPECT_EQ(scene.recover(), kFull) << scene.everything_said();
  expect_whole(scene);
  const std::string log = read_bytes(scene.data("../redis.log"));
  EXPECT_NE(log.find("appendonly.aof.1.base.rdb"), std::string::npos);
  EXPECT_NE(log.rfind("DB loaded from base file appendonly.aof.1.base.rdb"), std::string::npos);
}

// A server that was upgraded to 7.0 while it was down, and that this agent never saw: it takes the
// one file for an AOF of before and makes its directory of it.
TEST(RecoveryLive, AnAofOfOneFileIsReplacedAndUpgradedByTheServer) {
  RecoveryScene scene("appendonly yes");
  const std::string old = "*3\r\n$3\r\nSET\r\n$3\r\nold\r\n$1\r\n1\r\n";
  write_bytes(scene.data("appendonly.aof"), old);
  scene.settings.rdb_file = scene.data("dump.rdb");
  scene.make_runner();
  scene.leader.ask({"SET", "new", "1"});
  scene.write_later(kLater);
  EXPECT_EQ(scene.recover(), kFull) << scene.everything_said();
  expect_whole(scene);
  EXPECT_TRUE(
      scene.said("the dataset becomes the beginning of the AOF " + scene.data("appendonly.aof")));
  EXPECT_EQ(read_bytes(scene.kept("appendonly.aof")), old);
  // What it loaded before the link was up came from the file in its old place.
  const std::string log = read_bytes(scene.data("../redis.log"));
  EXPECT_NE(log.find("Successfully migrated an old-style AOF"), std::string::npos) << log;
  EXPECT_NE(log.find("DB loaded from base file appendonly.aof"), std::string::npos) << log;
}

TEST(RecoveryLive, WhatTheServerCannotLoadReplacesNothing) {
  RecoveryScene scene;
  scene.settle_and_stop();
  const auto before = scene.files();
  const std::string old = read_bytes(scene.data("dump.rdb"));
  // The program was downgraded while it was down.
  const testing::ScriptDirectory programs;
  const std::string program =
      programs.script("old-server", "echo Redis server v=6.2.6 sha=00000000:0");
  std::string notes = read_bytes(scene.settings.notes);
  const std::string name = "\"executable\":\"";
  const std::size_t at = notes.find(name) + name.size();
  notes.replace(at, notes.find('"', at) - at, program);
  write_bytes(scene.settings.notes, notes);
  scene.make_runner();
  const std::string end = scene.recover();
  EXPECT_NE(end.find("Redis 6.2.6 cannot load RDB version 10, only up to version 9"),
            std::string::npos)
      << end;
  EXPECT_EQ(scene.files(), before);
  EXPECT_EQ(read_bytes(scene.data("dump.rdb")), old);
  EXPECT_FALSE(scene.local_answers());
}

TEST(RecoveryLive, AFullDiskLeavesTheOldDataset) {
  RecoveryScene scene;
  scene.settle_and_stop();
  const std::string old = read_bytes(scene.data("dump.rdb"));
  scene.leader.ask({"DEBUG", "POPULATE", "40000", "filler", "100"});
  const testing::SmallDisk disk(scene.data(""), "size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  write_bytes(scene.data("dump.rdb"), old);
  // The thread of the disk was made before the mount was.
  scene.die_at(RecoveryStep::stop);
  scene.make_runner();
  const std::string end = scene.recover();
  EXPECT_NE(end.find("No space left on device"), std::string::npos) << end;
  EXPECT_EQ(read_bytes(scene.data("dump.rdb")), old);
  EXPECT_EQ(scene.files(), std::set<std::string>{"dump.rdb"});
}

TEST(RecoveryLive, AnAgentThatDiesAtAnyStepIsFollowedByOneThatEndsIt) {
  for (const auto step : {RecoveryStep::stop, RecoveryStep::look, RecoveryStep::fetch,
                          RecoveryStep::start, RecoveryStep::load, RecoveryStep::sync}) {
    SCOPED_TRACE(to_string(step));
    RecoveryScene scene;
    scene.settle_and_stop();
    const std::string old = read_bytes(scene.data("dump.rdb"));
    scene.write_later(kLater);
    scene.die_at(step);
    scene.make_runner();
    const std::string end = scene.recover();
    EXPECT_TRUE(end.starts_with(kDone)) << end << scene.everything_said();
    expect_whole(scene);
    EXPECT_EQ(read_bytes(scene.kept("dump.rdb")), old);
  }
}

TEST(RecoveryLive, TheOperatorsCommandBringsTheFile) {
  RecoveryScene scene;
  scene.settle_and_stop();
  const std::string old = read_bytes(scene.data("dump.rdb"));
  scene.write_later(kLater);
  const std::string command = scene.data("../bring");
  const auto bring = [&](const std::string& body) {
    write_bytes(command, "#!/bin/sh\n" + body + "\n");
    std::filesystem::permissions(command, std::filesystem::perms::owner_all);
    scene.settings.copy = {command};
    scene.make_runner();
    return scene.recover();
  };
  const std::string fetch = "redis-cli -h $TANDEM_LEADER_HOST -p $TANDEM_LEADER_PORT -a " +
                            std::string(LiveServer::kPassword) + " --no-auth-warning --rdb ";
  EXPECT_NE(bring("echo no route to host; exit 3").find("exit code 3, it said: no route to host"),
            std::string::npos);
  EXPECT_NE(bring("exit 0").find("the command has left no file at "), std::string::npos);
  EXPECT_NE(bring("head -c 3000 /dev/urandom > $TANDEM_TARGET").find("is not an RDB file"),
            std::string::npos);
  EXPECT_EQ(read_bytes(scene.data("dump.rdb")), old);
  EXPECT_EQ(scene.files(), std::set<std::string>{"dump.rdb"});
  // As rsync does it: under another name first.
  EXPECT_EQ(bring(fetch + "$TANDEM_TARGET.part && mv $TANDEM_TARGET.part $TANDEM_TARGET"), kPartial)
      << scene.everything_said();
  expect_whole(scene);
  EXPECT_EQ(read_bytes(scene.kept("dump.rdb")), old);
}

// A server that does not come up for a reason of its own has its dataset fetched again and again.
TEST(RecoveryLive, CopiesOfItsOwnDoNotPushTheOldDatasetOut) {
  constexpr int kAttempts = 10;  // three starts of each copy
  for (const std::string aof : {"no", "yes"}) {
    SCOPED_TRACE("appendonly " + aof);
    RecoveryScene scene("appendonly " + aof);
    scene.settle_and_stop();
    const std::string name = aof == "no" ? "dump.rdb" : "appendonlydir";
    const std::string base = scene.data(name) + (aof == "no" ? "" : "/appendonly.aof.1.base.rdb");
    const std::string old = read_bytes(base);
    scene.settings.keep = 1;
    scene.settings.start = {"/bin/false"};
    scene.make_runner();
    for (int i = 0; i < kAttempts; ++i) EXPECT_TRUE(scene.recover().starts_with("failed: "));
    const std::string first = scene.kept(name);
    EXPECT_EQ(read_bytes(first + base.substr(scene.data(name).size())), old);
    EXPECT_NE(read_bytes(base), old);
    // What somebody has put there meanwhile is no copy of ours.
    write_bytes(base, "by hand");
    for (int i = 0; i < kAttempts; ++i) EXPECT_TRUE(scene.recover().starts_with("failed: "));
    const std::string second = scene.kept(name);
    EXPECT_NE(second, first);
    EXPECT_EQ(read_bytes(second + base.substr(scene.data(name).size())), "by hand");
  }
}

TEST(RecoveryLive, WithoutCopyItIsOnlyStarted) {
  RecoveryScene scene;
  scene.settle_and_stop();
  const auto before = scene.files();
  scene.write_later(kLater);
  scene.settings.rules.copy = false;
  scene.make_runner();
  EXPECT_EQ(scene.recover(), kPartial) << scene.everything_said();
  expect_whole(scene);
  EXPECT_EQ(scene.files(), before);
}

TEST(RecoveryLive, AStartThatFailsSaysWhatTheCommandSaid) {
  RecoveryScene scene;
  scene.settle_and_stop();
  scene.settings.start = {"/bin/sh", "-c", "echo unit not found; exit 5"};
  scene.make_runner();
  EXPECT_EQ(scene.recover(),
            "failed: the start command failed: exit code 5, it said: unit not found");
  EXPECT_TRUE(scene.journal());
}

}  // namespace
}  // namespace hooks
