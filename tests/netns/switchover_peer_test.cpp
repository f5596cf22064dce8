// A planned move that is asked for on the standby, by an operator and by failback: the leader's
// agent does it, and nothing that was acknowledged is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/support/pair_scene.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

SceneOptions with_failback(const std::string& delay) {
  SceneOptions options = linked();
  options.quarantine = true;
  options.pair_a.further =
      options.pair_b.further = {"failback = \"auto\"", "failback_delay = \"" + delay + "\""};
  return options;
}

// The good state, and both agents have heard each other's word about it.
testing::AssertionResult start(PairScene& scene) {
  if (const auto started = scene.start(); !started) return started;
  return eventually("each hears the other", kSoon, [&] {
    const std::string heard = scene.a.agent.field("/peer_link/says/state") + " " +
                              scene.b.agent.field("/peer_link/says/state");
    return Seen{heard == "standby leading", heard};
  });
}

// `tandem switchover` on a node; its exit code and the words it answered with.
std::string switch_over(PairScene::Side& side, const Argv& further = {}) {
  Argv words{"switchover"};
  words.insert(words.end(), further.begin(), further.end());
  const Outcome outcome = side.agent.command(words);
  return std::to_string(outcome.exit_code) + " " + outcome.output;
}

// The standby knows that it could take over, and so does the leader.
testing::AssertionResult ready(PairScene::Side& leader, PairScene::Side& standby) {
  return eventually("nothing is in the way", kSoon, [&] {
    const std::string words = switch_over(standby, {"--dry-run"});
    return Seen{words.starts_with("0 ") && PairScene::protects(leader.agent), words};
  });
}

std::string log_of(const PairScene::Side& side) {
  return read_file(side.agent.log());
}

// A client that sends one line to the control socket and reads nothing.
void ask_and_hang_up(const PairScene::Side& side, const std::string& line) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (side.host.dir / "control.sock").string();
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::send(fd, line.data(), line.size(), MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
  ::close(fd);
}

TEST(SwitchoverOnTheStandby, TenTimesBackAndForthUnderLoadLosesNothing) {
  PairScene scene(linked());
  ASSERT_TRUE(start(scene));
  Writer writer(scene.lan.client());
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    ASSERT_TRUE(ready(scene.a, scene.b));
    ASSERT_THAT(switch_over(scene.b), StartsWith("0 redis: the role moved to 10.77.0.2:6379, "
                                                 "writes were held for "));
    ASSERT_TRUE(scene.reaches(kBLeads));
    ASSERT_TRUE(writer.goes_on());
    ASSERT_TRUE(ready(scene.b, scene.a));
    ASSERT_THAT(switch_over(scene.a), StartsWith("0 redis: the role moved to 10.77.0.1:6379, "));
    ASSERT_TRUE(scene.reaches(kALeads));
    ASSERT_TRUE(writer.goes_on());
  }
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_THAT(writer.refusals(), Not(HasSubstr("READONLY")));
  EXPECT_EQ(scene.data(), kDataIntact);
  EXPECT_THAT(log_of(scene.a), HasSubstr("a switchover was asked for on node b"));
  RecordProperty("acknowledged", writer.acknowledged());
}

TEST(SwitchoverOnTheStandby, OnlyLooksWithDryRunAndNamesTheProblemsOfBothSides) {
  PairScene scene(linked());
  ASSERT_TRUE(start(scene));
  ASSERT_TRUE(ready(scene.a, scene.b));
  EXPECT_EQ(switch_over(scene.b, {"--dry-run"}),
            "0 redis: nothing is in the way of a switchover\n");
  EXPECT_EQ(switch_over(scene.b, {"cache"}),
            "1 tandem: no pair of that name: cache; this agent has redis\n");
  scene.b.redis.kill();
  ASSERT_TRUE(eventually("both sides know", kSoon, [&] {
    const std::string words = switch_over(scene.b);
    const bool all = words.starts_with("1 tandem: this node is fault: the local server is dead") &&
                     words.find("; node a: the standby's server is dead") != std::string::npos;
    return Seen{all, words};
  }));
  EXPECT_EQ(scene.a.agent.state(), "leading");
}

TEST(SwitchoverOnTheStandby, WithoutALinkSaysWhereToRunIt) {
  SceneOptions options = linked();
  options.pair_b.secret = std::string(64, '8');
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  EXPECT_TRUE(eventually("the link's trouble is named", kSoon, [&] {
    const std::string words = switch_over(scene.b);
    // Why it is down is one of several clauses, depending on which side of the handshake speaks.
    const bool said = words.starts_with(
        "1 tandem: this node is standby, not leading, and the peer link is down (");
    return Seen{said && words.ends_with("): run it on the node that leads\n"), words};
  }));
}

// What the leader's server streams does not reach the standby's, which lives all the same: so the
// first request takes its time.
TEST(SwitchoverOnTheStandby, ASecondRequestIsRefusedInOneSentence) {
  PairScene scene(linked());
  ASSERT_TRUE(start(scene));
  ASSERT_TRUE(ready(scene.a, scene.b));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  must_run({"nft",
            "add table ip cut; add chain ip cut in { type filter hook input priority 0; }; "
            "add rule ip cut in ip saddr 10.77.0.1 tcp sport 6379 drop"},
           scene.b.host.netns);
  std::string first;
  {
    const std::jthread asking([&] { first = switch_over(scene.a, {"--timeout", "2s"}); });
    ASSERT_TRUE(eventually("it is under way", kSoon,
                           equals([&] { return scene.a.agent.state(); }, "leaving")));
    EXPECT_EQ(switch_over(scene.a),
              "1 tandem: a switchover is under way already; tandem status shows its end\n");
    EXPECT_THAT(switch_over(scene.b), HasSubstr("the role is moving already"));
  }
  must_run({"nft", "delete table ip cut"}, scene.b.host.netns);
  EXPECT_THAT(first, HasSubstr("the switchover was given up, nothing has moved: "));
  ASSERT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

TEST(SwitchoverOnTheStandby, GoesOnWhenWhoAskedHangsUp) {
  PairScene scene(linked());
  ASSERT_TRUE(start(scene));
  ASSERT_TRUE(ready(scene.a, scene.b));
  ask_and_hang_up(scene.b, "{\"command\":\"switchover\",\"pair\":\"redis\",\"timeout_ms\":5000}\n");
  EXPECT_TRUE(scene.reaches(kBLeads));
  ask_and_hang_up(scene.b, "{\"command\":\"switchover\",\"pair\":\"redis\",\"timeout_ms\":5000}\n");
  EXPECT_TRUE(eventually("B answers others", kSoon, [&] {
    const std::string state = scene.b.agent.state();
    return Seen{state != "-", state};
  }));
}

// Writers that waited get -READONLY from the old master, and nothing is lost all the same.
TEST(ServerFailover, SixTimesUnderLoadLosesNothing) {
  PairScene scene(linked());
  ASSERT_TRUE(start(scene));
  Writer writer(scene.lan.client());
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    ASSERT_TRUE(ready(scene.a, scene.b));
    ASSERT_THAT(switch_over(scene.a, {"--server-failover"}),
                StartsWith("0 redis: the role moved to 10.77.0.2:6379, "));
    ASSERT_TRUE(scene.reaches(kBLeads));
    ASSERT_TRUE(writer.goes_on());
    ASSERT_TRUE(ready(scene.b, scene.a));
    ASSERT_THAT(switch_over(scene.a, {"--server-failover"}),
                StartsWith("0 redis: the role moved to 10.77.0.1:6379, "));
    ASSERT_TRUE(scene.reaches(kALeads));
    ASSERT_TRUE(writer.goes_on());
  }
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(ServerFailover, IsGivenUpWhenTheStandbyHangs) {
  PairScene scene(linked());
  ASSERT_TRUE(start(scene));
  ASSERT_TRUE(ready(scene.a, scene.b));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.b.redis.freeze();
  const std::string answer = switch_over(scene.a, {"--server-failover", "--timeout", "300ms"});
  scene.b.redis.thaw();
  EXPECT_THAT(answer, StartsWith("1 tandem: "));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
}

// Redis would begin it all the same, and end with two replicas and all writes held for ever.
TEST(ServerFailover, IsRefusedWhileTheLeadersServerCouldNotFollow) {
  PairScene scene(linked());
  ASSERT_TRUE(start(scene));
  ASSERT_TRUE(ready(scene.a, scene.b));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const auto syncs = [&] {
    auto stats = scene.a.redis.info("stats");
    return stats["sync_full"] + " " + stats["sync_partial_ok"];
  };
  const std::string before = syncs();
  scene.a.redis.command({"CONFIG", "SET", "masterauth", "another"});
  const auto alarms = [&] { return scene.a.agent.field("/alarms"); };
  ASSERT_TRUE(eventually("an alarm says so", kSoon, [&] {
    const std::string said = alarms();
    return Seen{said.find("masterauth") != std::string::npos, said};
  }));
  for (PairScene::Side* const side : {&scene.a, &scene.b}) {
    EXPECT_THAT(
        switch_over(*side, {"--server-failover"}),
        testing::AllOf(StartsWith("1 tandem: "), HasSubstr("it could not follow afterwards")));
  }
  EXPECT_TRUE(scene.keeps(kALeads, Millis(1000)));
  EXPECT_EQ(scene.a.redis.info("replication")["master_failover_state"], "no-failover");
  EXPECT_EQ(syncs(), before) << "no server has moved";
  EXPECT_EQ(writer.refusals(), "");
  ASSERT_TRUE(writer.goes_on());

  scene.a.redis.command({"CONFIG", "SET", "masterauth", kPassword});
  ASSERT_TRUE(eventually("the alarm is over", kSoon, equals(alarms, "[]")));
  ASSERT_THAT(switch_over(scene.a, {"--server-failover"}), StartsWith("0 redis: the role moved"));
  ASSERT_TRUE(scene.reaches(kBLeads));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
}

// The power of the preferred host goes and comes back.
TEST(Failback, AfterTheReturnOfThePreferredHostLosesNothing) {
  PairScene scene(with_failback("1s"));
  ASSERT_TRUE(start(scene));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  writer.at_quiet_point([&] { scene.lan.power_off(scene.a.host); });
  ASSERT_TRUE(scene.led_by("B"));
  ASSERT_TRUE(writer.goes_on());

  scene.lan.plug(scene.a.host);
  scene.a.redis.start();
  scene.a.agent.start();
  EXPECT_TRUE(scene.reaches(kALeads));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(scene.keeps(kALeads));
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_THAT(writer.refusals(), Not(HasSubstr("READONLY")));
  EXPECT_THAT(log_of(scene.b), HasSubstr("node a, which is preferred, takes the role back"));
  EXPECT_EQ(scene.data(), kDataIntact);
}

// A full sync that takes its time: each key is held up by the leader's server.
TEST(Failback, WaitsForTheSyncAndSaysSo) {
  PairScene scene(with_failback("200ms"));
  ASSERT_TRUE(start(scene));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  scene.b.redis.command({"CONFIG", "SET", "rdb-key-save-delay", "4000"});
  scene.b.redis.command({"CONFIG", "SET", "repl-diskless-sync-delay", "0"});
  writer.at_quiet_point([&] { scene.a.redis.kill(); });
  ASSERT_TRUE(scene.led_by("B"));
  scene.a.redis.start();
  EXPECT_TRUE(eventually("A says why it waits", kSoon, [&] {
    const std::string words = scene.a.agent.fields({"/state", "/failback/words"});
    return Seen{words == "standby the local server is being synchronised; wait for its end", words};
  }));
  EXPECT_EQ(scene.b.agent.state(), "leading");
  EXPECT_TRUE(scene.reaches(kALeads, 2 * kSoon));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(Failback, LeavesTheRoleWhereAnOperatorMovedIt) {
  PairScene scene(with_failback("200ms"));
  ASSERT_TRUE(start(scene));
  ASSERT_TRUE(ready(scene.a, scene.b));
  ASSERT_THAT(switch_over(scene.b), StartsWith("0 "));
  ASSERT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(scene.keeps(kBLeads));
  EXPECT_EQ(scene.a.agent.field("/failback/words"),
            "an operator moved the role away; tandem switchover brings it back");
  ASSERT_TRUE(ready(scene.b, scene.a));
  EXPECT_THAT(switch_over(scene.a), StartsWith("0 "));
  EXPECT_TRUE(scene.reaches(kALeads));
}

}  // namespace
}  // namespace support
