// A server comes back with writes that the leader lacks: nothing is replaced before it is kept, and
// what is kept can be used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/support/pair_scene.hpp"
#include "tests/support/writer.hpp"

namespace support {
namespace {

using testing::HasSubstr;

// A server of its own that holds a kept dataset, beside the pair.
std::unique_ptr<RedisServer> load(PairScene& scene, const std::string& directory) {
  RedisOptions options;
  options.port = 7999;
  auto scratch = std::make_unique<RedisServer>(scene.lan.client(), options);
  std::filesystem::create_directories(scratch->directory());
  std::filesystem::copy_file(directory + "/dump.rdb", scratch->directory() / "dump.rdb");
  scratch->start_and_wait();
  return scratch;
}

std::string list_diverged(PairScene::Side& side) {
  return side.agent.command({"diverged", "--state-dir", side.agent.state_dir(), "list", "--json"})
      .output;
}

std::string first_path(const std::string& list) {
  const auto all = boost::json::parse(list).as_array();
  return all.empty() ? "" : std::string(all.front().at("path").as_string());
}

// A partition that leaves a leader on either side, each with writes of its own.
testing::AssertionResult fork(PairScene& scene) {
  scene.lan.drop(scene.lan.a(), scene.lan.b());
  scene.lan.drop(scene.lan.b(), scene.lan.a());
  const auto both = eventually("both lead", kSoon, [&] {
    const std::string states = scene.a.agent.state() + " " + scene.b.agent.state();
    return Seen{states == "leading leading", states};
  });
  if (!both) return both;
  for (int i = 0; i < 50; ++i) {
    const std::string number = std::to_string(i);
    const Answer a = scene.a.redis.command({"SET", "only-a:" + number, number});
    const Answer b = scene.b.redis.command({"SET", "only-b:" + number, number});
    if (!a.ok() || !b.ok()) return testing::AssertionFailure() << a << " " << b;
  }
  scene.lan.drop_nothing();
  return eventually("one leads, the other is in sync", kSoon, [&] {
    const std::string picture = scene.picture();
    return Seen{picture == kALeads || picture == kBLeads, picture};
  });
}

// What is kept of `lesser` has its writes, as a dataset and as commands.
void expect_kept(PairScene& scene, PairScene::Side& lesser, const std::string& lost) {
  EXPECT_EQ(lesser.redis.command({"EXISTS", lost}).text, "0");
  const std::string path = first_path(list_diverged(lesser));
  ASSERT_NE(path, "");
  EXPECT_EQ(load(scene, path)->command({"GET", lost}).text, "49");
  const std::string shown =
      lesser.agent.command({"diverged", "--state-dir", lesser.agent.state_dir(), "show", "redis"})
          .output;
  EXPECT_THAT(shown, HasSubstr("50 commands"));
  EXPECT_THAT(shown, HasSubstr("verified"));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// Without a peer link the routers' election decides, and the writes of the loser are kept.
TEST(Rejoin, WhatAPartitionForkedIsKept) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(fork(scene));
  EXPECT_EQ(scene.leader(), "A");
  expect_kept(scene, scene.b, "only-b:49");
}

// With a peer link the newer epoch stays, although the other one has the higher priority.
TEST(Rejoin, AfterAPartitionTheNewerEpochStays) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(fork(scene));
  EXPECT_EQ(scene.leader(), "B");
  expect_kept(scene, scene.a, "only-a:49");
}

// The old leader hears the new one before the agents have spoken to each other. It has the higher
// priority, but it must not take the address, and the clients with it, back to a server that is
// about to be replaced.
TEST(Rejoin, AHealedPartitionTakesNoClientAlong) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  // The client first: what only A gets is preserved, but it is not what this test counts.
  for (const Host* other : {&scene.lan.client(), &scene.lan.b()}) {
    scene.lan.drop(scene.lan.a(), *other);
    scene.lan.drop(*other, scene.lan.a());
  }
  ASSERT_TRUE(
      eventually("B leads", kSoon, equals([&] { return scene.b.agent.state(); }, "leading")));
  ASSERT_TRUE(writer.goes_on());
  ASSERT_TRUE(eventually("A knows that the link is down", kSoon,
                         equals([&] { return scene.a.agent.field("/peer_link/state"); }, "down")));
  scene.lan.drop_nothing();
  ASSERT_TRUE(scene.reaches(kBLeads));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
}

// Each side takes the writes of a client that knows its server's own address.
TEST(Rejoin, TenSecondsOfAPartitionLoseNoAcknowledgedWrite) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  Writer at_a(scene.lan.client(), scene.lan.a().ip);
  ASSERT_TRUE(at_a.goes_on());
  scene.lan.drop(scene.lan.a(), scene.lan.b());
  scene.lan.drop(scene.lan.b(), scene.lan.a());
  const auto states = [&] { return scene.a.agent.state() + " " + scene.b.agent.state(); };
  ASSERT_TRUE(eventually("both lead", kSoon, equals(states, "leading leading")));
  std::vector<std::string> at_b;
  const auto write_to_b = [&] {
    const std::string key = "at-b:" + std::to_string(at_b.size());
    if (scene.b.redis.command({"SET", key, key}).ok()) at_b.push_back(key);
  };
  ASSERT_TRUE(stays("both lead", Millis(10000), [&] {
    write_to_b();
    const std::string both = states();
    return Seen{both == "leading leading", both};
  }));
  ASSERT_TRUE(at_a.goes_on());

  scene.lan.drop_nothing();
  ASSERT_TRUE(eventually(kBLeads, kSoon, [&] {
    write_to_b();
    const std::string picture = scene.picture();
    return Seen{picture == kBLeads, picture};
  }));
  const std::string path = first_path(list_diverged(scene.a));
  ASSERT_NE(path, "");
  EXPECT_TRUE(at_a.finds_all_on(*load(scene, path)));
  EXPECT_GT(at_a.missing_on(scene.b.redis), 0);
  EXPECT_GT(at_b.size(), 10U);
  const auto there = [&](const std::string& key) {
    return scene.b.redis.command({"GET", key}).text == key;
  };
  EXPECT_TRUE(std::all_of(at_b.begin(), at_b.end(), there));
  RecordProperty("acknowledged_by_a", at_a.acknowledged());
  RecordProperty("of_these_only_in_the_copy", at_a.missing_on(scene.b.redis));
  RecordProperty("acknowledged_by_b", std::to_string(at_b.size()));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// B leads, and server A, whose agent is stopped, is a master that took a write of its own.
void leave_an_old_master_with_a_late_write(PairScene& scene) {
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  scene.a.agent.stop();
  ASSERT_TRUE(scene.led_by("B"));
  ASSERT_EQ(scene.a.redis.command({"REPLICAOF", "NO", "ONE"}).text, "OK");
  ASSERT_EQ(scene.a.redis.command({"SET", "late", "write"}).text, "OK");
}

// The leader's server was killed and comes back as a writable master, as supervisors do it, and is
// written to before anybody notices.
TEST(Rejoin, AnOldMasterThatTookWritesIsKept) {
  PairScene scene;
  ASSERT_NO_FATAL_FAILURE(leave_an_old_master_with_a_late_write(scene));
  scene.a.agent.start();
  ASSERT_TRUE(scene.reaches(kBLeads));
  const std::string path = first_path(list_diverged(scene.a));
  ASSERT_NE(path, "");
  EXPECT_EQ(load(scene, path)->command({"GET", "late"}).text, "write");
  EXPECT_EQ(scene.a.redis.command({"EXISTS", "late"}).text, "0");
}

// B leads behind a partition, its server restarts, and its redis.conf names A, which leads, too:
// it would copy A by itself as soon as the network is back.
TEST(Rejoin, AServerWhoseConfigurationNamesThePeerIsKept) {
  SceneOptions options = linked();
  options.server_b.save = true;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  ASSERT_EQ(scene.a.agent.command({"switchover"}).exit_code, 0);
  ASSERT_TRUE(scene.reaches(kBLeads));
  ASSERT_TRUE(PairScene::protects(scene.b.agent));
  scene.lan.drop(scene.lan.a(), scene.lan.b());
  scene.lan.drop(scene.lan.b(), scene.lan.a());
  const auto states = [&] { return scene.a.agent.state() + " " + scene.b.agent.state(); };
  ASSERT_TRUE(eventually("both lead", kSoon, equals(states, "leading leading")));
  ASSERT_EQ(scene.b.redis.command({"SET", "late", "write"}).text, "OK");
  ASSERT_EQ(scene.b.redis.command({"SAVE"}).text, "OK");
  scene.b.redis.kill();
  scene.b.redis.start_and_wait();
  ASSERT_TRUE(eventually("B's server follows nobody", kSoon, [&] {
    const std::string master = scene.b.redis.info("replication")["master_host"];
    return Seen{master == "127.0.0.1", master};
  }));
  scene.lan.drop_nothing();
  ASSERT_TRUE(scene.reaches(kALeads));
  const std::string path = first_path(list_diverged(scene.b));
  ASSERT_NE(path, "");
  EXPECT_EQ(load(scene, path)->command({"GET", "late"}).text, "write");
}

// No copy can be made (its place is taken by a file): the server does not follow, and says why.
TEST(Rejoin, WithoutACopyNothingIsReplaced) {
  PairScene scene;
  ASSERT_NO_FATAL_FAILURE(leave_an_old_master_with_a_late_write(scene));
  const std::string place = scene.a.agent.state_dir() + "/diverged";
  std::ofstream(place) << "in the way";
  scene.a.agent.start();
  ASSERT_TRUE(eventually("A says why", kSoon, [&] {
    const std::string alarms = scene.a.agent.field("/alarms");
    return Seen{alarms.find("no copy could be kept") != std::string::npos, alarms};
  }));
  EXPECT_EQ(scene.a.redis.role(), "master");
  EXPECT_EQ(scene.a.redis.command({"GET", "late"}).text, "write");
  EXPECT_THAT(scene.a.redis.command({"SET", "more", "x"}).text, HasSubstr("NOREPLICAS"));
  std::filesystem::remove(place);
  EXPECT_THAT(scene.a.agent.command({"rejoin", "redis"}).output, HasSubstr("will follow"));
  ASSERT_TRUE(scene.reaches(kBLeads));
  EXPECT_EQ(load(scene, first_path(list_diverged(scene.a)))->command({"GET", "late"}).text,
            "write");
}

// Both servers keep an append-only file, which names no lineage, and boot as replicas of a dead
// port.
SceneOptions with_logs() {
  SceneOptions options;
  for (RedisOptions* const server : {&options.server_a, &options.server_b}) {
    server->more = {"appendonly yes", "replicaof 127.0.0.1 1"};
  }
  return options;
}

testing::AssertionResult start_with_logs(PairScene& scene) {
  scene.a.redis.start_and_wait();
  scene.b.redis.start_and_wait();
  scene.a.redis.command({"REPLICAOF", "NO", "ONE"});
  scene.b.redis.command({"REPLICAOF", scene.lan.a().ip, "6379"});
  scene.a.redis.fill(1000);
  scene.a.agent.start();
  scene.b.agent.start();
  const auto leads = scene.reaches(kALeads);
  return leads ? PairScene::protects(scene.a.agent) : leads;
}

void restart(RedisServer& server) {
  server.kill();
  server.start_and_wait();
}

// Its agent comes back to a replica that looks as if nothing had happened.
TEST(Rejoin, AStandbyThatWasAMasterWhileItsAgentWasOffIsKept) {
  PairScene scene(with_logs());
  ASSERT_TRUE(start_with_logs(scene));
  scene.b.agent.stop();
  ASSERT_EQ(scene.b.redis.command({"REPLICAOF", "NO", "ONE"}).text, "OK");
  ASSERT_EQ(scene.b.redis.command({"SET", "by-hand", "write"}).text, "OK");
  restart(scene.b.redis);
  ASSERT_EQ(scene.b.redis.role(), "replica of 127.0.0.1");
  ASSERT_EQ(scene.b.redis.info("replication")["master_repl_offset"], "0");
  ASSERT_EQ(scene.b.redis.command({"GET", "by-hand"}).text, "write");

  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(scene.b.redis.command({"EXISTS", "by-hand"}).text, "0");
  EXPECT_EQ(scene.data(), kDataIntact);
  const std::string path = first_path(list_diverged(scene.b));
  ASSERT_NE(path, "");
  EXPECT_EQ(load(scene, path)->command({"GET", "by-hand"}).text, "write");
  const std::string shown =
      scene.b.agent.command({"diverged", "--state-dir", scene.b.agent.state_dir(), "show", "redis"})
          .output;
  EXPECT_THAT(shown, HasSubstr("it was restarted, and its file does not tell"));
  EXPECT_THAT(shown, HasSubstr("a precaution: "));
  EXPECT_THAT(shown, HasSubstr("verified"));
}

// Under its agent's eyes, but between two looks.
TEST(Rejoin, AStandbyThatWasAMasterForAMomentIsKept) {
  PairScene scene(with_logs());
  ASSERT_TRUE(start_with_logs(scene));
  scene.b.redis.command({"REPLICAOF", "NO", "ONE"});
  scene.b.redis.command({"SET", "by-hand", "write"});
  restart(scene.b.redis);
  ASSERT_TRUE(scene.reaches(kALeads));
  const std::string path = first_path(list_diverged(scene.b));
  ASSERT_NE(path, "");
  EXPECT_EQ(load(scene, path)->command({"GET", "by-hand"}).text, "write");
  EXPECT_EQ(scene.data(), kDataIntact);
}

}  // namespace
}  // namespace support
