// What the leader's agent does about a further replica: when it is pointed at the leader, when it
// is left alone, and what is said of it.
#include "agent/further_replica.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent {
namespace {

using health::Endpoint;
using health::Health;
using health::Role;
using health::ServerFacts;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const Endpoint kReplica{"10.0.0.3", 6379};
const Endpoint kLeader{"10.0.0.1", 6379};
const Endpoint kOldLeader{"10.0.0.2", 6379};
constexpr TimePoint kStart = TimePoint{} + std::chrono::hours(1);

// Promoted at offset 100 out of the lineage "old".
ServerFacts leader() {
  ServerFacts facts;
  facts.role = Role::master;
  facts.replid = "new";
  facts.replid2 = "old";
  facts.offset = 120;
  facts.second_offset = 101;
  facts.keys = 7;
  return facts;
}

ServerFacts replica_of(const Endpoint& master, const std::string& replid, std::int64_t offset) {
  ServerFacts facts;
  facts.role = Role::replica;
  facts.master = master;
  facts.link_up = true;
  facts.replid = replid;
  facts.offset = offset;
  facts.keys = 7;
  return facts;
}

ServerFacts master(const std::string& replid, std::int64_t offset, std::int64_t keys) {
  ServerFacts facts;
  facts.role = Role::master;
  facts.replid = replid;
  facts.offset = offset;
  facts.keys = keys;
  return facts;
}

// Effects as lines: "point", "point unless changed", "say: ...", "warn: ...".
class Scene {
 public:
  explicit Scene(const ServerFacts& leads = leader()) {
    give(LeaderSeen{leads, false});
    give(ReplicaHealth{Health::up, ""});
  }

  std::string give(const ReplicaInput& input, Duration later = {}) {
    now_ += later;
    std::string text;
    for (const ReplicaEffect& effect : replica_.step(now_, input)) {
      text += text.empty() ? "" : "\n";
      if (const auto* point = std::get_if<PointAtLeader>(&effect)) {
        text += point->unless_changed ? "point unless changed" : "point";
      } else {
        const auto& said = std::get<ReplicaSays>(effect);
        text += (said.warning ? "warn: " : "say: ") + said.text;
      }
    }
    return text;
  }
  std::string see(const ServerFacts& facts, Duration later = {}, bool restarted = false) {
    return give(ReplicaFacts{facts, restarted}, later);
  }
  // Pointed, and seen to follow.
  void follow() {
    give(Pointed{true, ""});
    EXPECT_EQ(see(replica_of(kLeader, "new", 120)), "");
  }
  const FurtherReplica& replica() const { return replica_; }

 private:
  FurtherReplica replica_{kReplica, kLeader};
  TimePoint now_ = kStart;
};

const std::string kPointed = "the replica 10.0.0.3:6379 is pointed at this node: it is ";

TEST(FurtherReplica, IsPointedAtTheNewLeader) {
  Scene scene;
  EXPECT_EQ(scene.see(replica_of(kOldLeader, "old", 100)),
            "say: " + kPointed + "a replica of 10.0.0.2:6379\npoint");
  scene.follow();
  EXPECT_EQ(scene.see(replica_of(kLeader, "new", 120), seconds(1)), "");
  EXPECT_EQ(scene.replica().alarm(), "");
}

TEST(FurtherReplica, ThatFollowsIsLeftAsItIs) {
  Scene scene;
  EXPECT_EQ(scene.see(replica_of(kLeader, "new", 120)), "");
  EXPECT_EQ(scene.replica().next_deadline(), std::nullopt);
}

TEST(FurtherReplica, IsNotTouchedByWhoDoesNotLead) {
  Scene scene;
  EXPECT_EQ(scene.give(LeaderSeen{std::nullopt, false}), "");
  scene.give(ReplicaHealth{Health::up, ""});
  EXPECT_EQ(scene.see(replica_of(kOldLeader, "old", 100)), "");
}

TEST(FurtherReplica, IsNotPointedInMaintenance) {
  Scene scene;
  EXPECT_EQ(scene.give(LeaderSeen{leader(), true}), "");
  EXPECT_EQ(scene.see(replica_of(kOldLeader, "old", 100)), "");
  EXPECT_EQ(scene.replica().next_deadline(), std::nullopt);
  EXPECT_EQ(scene.give(LeaderSeen{leader(), false}),
            "say: " + kPointed + "a replica of 10.0.0.2:6379\npoint");
}

TEST(FurtherReplica, AheadOfTheForkIsLeftAloneWithAnAlarm) {
  Scene scene;
  EXPECT_EQ(scene.see(replica_of(kOldLeader, "old", 130)),
            "warn: alarm: the replica 10.0.0.3:6379 is a replica of 10.0.0.2:6379, and 30 bytes "
            "ahead of the leader's fork: it is left alone. Save what is needed of it, then: "
            "redis-cli -h 10.0.0.3 -p 6379 REPLICAOF 10.0.0.1 6379");
}

TEST(FurtherReplica, OfAnotherHistoryIsPointedOnlyWhileItsMasterHasTheSame) {
  Scene scene;
  ServerFacts stranger = replica_of(kOldLeader, "other", 130);
  stranger.link_up = false;
  EXPECT_THAT(scene.see(stranger), HasSubstr("it is left alone"));
  stranger.link_up = true;
  EXPECT_THAT(scene.see(stranger), HasSubstr("point"));
}

TEST(FurtherReplica, EmptyMasterIsPointedWhileItIsEmpty) {
  Scene scene;
  EXPECT_EQ(scene.see(master("x", 0, 0)), "say: " + kPointed + "a master\npoint unless changed");
}

TEST(FurtherReplica, MasterWithNothingButTheLeadersDataIsPointed) {
  Scene scene;
  ServerFacts promoted = master("x", 100, 7);
  promoted.replid2 = "old";
  promoted.second_offset = 101;
  EXPECT_EQ(scene.see(promoted), "say: " + kPointed + "a master\npoint unless changed");
}

TEST(FurtherReplica, WritableMasterWithDataIsLeftAloneWithAnAlarm) {
  Scene scene;
  const std::string alarm =
      "the replica 10.0.0.3:6379 is a writable master, and it has no common history with the "
      "leader's server: it is left alone. Save what is needed of it, then: redis-cli -h 10.0.0.3 "
      "-p 6379 REPLICAOF 10.0.0.1 6379";
  EXPECT_EQ(scene.see(master("x", 0, 7)), "warn: alarm: " + alarm);
  EXPECT_EQ(scene.replica().alarm(), alarm);
  EXPECT_EQ(scene.see(master("x", 0, 7), seconds(60)), "");
  EXPECT_EQ(scene.see(replica_of(kLeader, "new", 120), seconds(1)), "say: alarm is over: " + alarm);
}

TEST(FurtherReplica, IsNotEmptiedByAnEmptyLeader) {
  ServerFacts empty = leader();
  empty.keys = 0;
  Scene scene(empty);
  EXPECT_EQ(scene.see(replica_of({"10.9.9.9", 6379}, "x", 5)),
            "warn: alarm: the replica 10.0.0.3:6379 is a replica of 10.9.9.9:6379 with 7 keys "
            "while the leader's server is empty: it is left alone. Save what is needed of it, "
            "then: redis-cli -h 10.0.0.3 -p 6379 REPLICAOF 10.0.0.1 6379");
  // FLUSHALL is the leader's own doing.
  Scene flushed(empty);
  EXPECT_EQ(flushed.see(replica_of(kOldLeader, "old", 100)),
            "say: " + kPointed + "a replica of 10.0.0.2:6379\npoint");
}

// Once at once; who insists is answered slower and slower.
TEST(FurtherReplica, ForeignReplicaofIsTakenBack) {
  Scene scene;
  EXPECT_EQ(scene.see(replica_of(kLeader, "new", 120)), "");
  const std::string made =
      "warn: somebody made the replica 10.0.0.3:6379 a replica of "
      "10.9.9.9:6379: it is pointed back at this node";
  const ServerFacts strange = replica_of({"10.9.9.9", 6379}, "x", 5);
  const std::string pointed = "say: " + kPointed + "a replica of 10.9.9.9:6379\npoint";
  EXPECT_EQ(scene.see(strange, seconds(10)), made + "\n" + pointed);
  scene.follow();
  EXPECT_EQ(scene.see(strange, seconds(1)), made + ", after a pause");
  EXPECT_NE(scene.replica().next_deadline(), std::nullopt);
  EXPECT_EQ(scene.give(ReplicaTime{}, milliseconds(999)), "");
  EXPECT_EQ(scene.give(ReplicaTime{}, milliseconds(1)), pointed);
  scene.follow();
  EXPECT_EQ(scene.see(strange, seconds(1)), made + ", after a pause");
  EXPECT_EQ(scene.give(ReplicaTime{}, milliseconds(1999)), "");
  EXPECT_EQ(scene.give(ReplicaTime{}, milliseconds(1)), pointed);
  scene.follow();
  EXPECT_EQ(scene.see(replica_of(kLeader, "new", 120), seconds(60)), "");
  EXPECT_EQ(scene.see(strange, seconds(1)), made + "\n" + pointed);
}

TEST(FurtherReplica, ThatWasAwayIsPointedWhenItIsBack) {
  Scene scene;
  EXPECT_EQ(scene.see(replica_of(kLeader, "new", 120)), "");
  EXPECT_EQ(scene.give(ReplicaHealth{Health::dead, "Connection refused"}), "");
  const std::string alarm = "the replica 10.0.0.3:6379 is dead: Connection refused";
  EXPECT_EQ(scene.give(ReplicaTime{}, seconds(3)), "warn: alarm: " + alarm);
  EXPECT_EQ(scene.give(ReplicaHealth{Health::up, ""}, seconds(60)), "");
  EXPECT_EQ(scene.see(replica_of(kOldLeader, "old", 90), {}, true),
            "say: " + kPointed + "a replica of 10.0.0.2:6379\npoint\nsay: alarm is over: " + alarm);
}

TEST(FurtherReplica, LinkThatStaysDownIsAnAlarm) {
  Scene scene;
  ServerFacts unlinked = replica_of(kLeader, "new", 120);
  unlinked.link_up = false;
  EXPECT_EQ(scene.see(unlinked), "");
  EXPECT_EQ(scene.see(unlinked, seconds(3)),
            "warn: alarm: the replica 10.0.0.3:6379 follows this node, but its link is down: look "
            "at masterauth, masteruser and TLS in its configuration, and at its log");
}

TEST(FurtherReplica, AttemptThatFailedIsMadeAgainAfterAPause) {
  Scene scene;
  scene.see(replica_of(kOldLeader, "old", 100));
  EXPECT_EQ(scene.give(Pointed{false, "ACL: user may not run REPLICAOF on the replica"}), "");
  EXPECT_EQ(scene.see(replica_of(kOldLeader, "old", 100), milliseconds(500)), "");
  EXPECT_EQ(scene.give(ReplicaTime{}, milliseconds(500)),
            "say: " + kPointed + "a replica of 10.0.0.2:6379\npoint");
  EXPECT_EQ(scene.give(Pointed{false, "ACL: user may not run REPLICAOF on the replica"}), "");
  EXPECT_EQ(scene.give(ReplicaTime{}, seconds(2)),
            "warn: alarm: the replica 10.0.0.3:6379 cannot be pointed at this node: ACL: user may "
            "not run REPLICAOF on the replica");
}

TEST(FurtherReplica, ThatRefusesTheAgentIsAnAlarm) {
  Scene scene;
  EXPECT_EQ(scene.give(ReplicaHealth{Health::denied, "wrong password"}), "");
  EXPECT_EQ(scene.give(ReplicaTime{}, seconds(3)),
            "warn: alarm: the replica 10.0.0.3:6379 refuses this agent: wrong password");
}

}  // namespace
}  // namespace agent
