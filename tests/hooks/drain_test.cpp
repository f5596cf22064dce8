// Draining as scripted conversations.
#include <gtest/gtest.h>

#include "tests/hooks/conversation.hpp"

namespace hooks {
namespace {

using health::Reply;

const std::string kBoth = "peer: INFO replication + local: INFO replication";

std::unique_ptr<Procedure> drain() {
  return make_drain(Target::local, Target::peer);
}
Reply master_at(std::int64_t offset) {
  return info({.role = "master", .offset = offset});
}
Reply replica_at(std::int64_t offset) {
  return info({.offset = offset});
}

TEST(Drain, EndsWhenTheReplicaHasWhatTheMasterHasAfterwards) {
  expect_conversation(*drain(),
                      {{kBoth, {}, {replica_at(1000), master_at(1500)}},
                       {"pause 1 ms", {}},
                       {kBoth, {}, {replica_at(1500), master_at(1501)}},
                       {"pause 1 ms", {}},
                       {kBoth, {}, {replica_at(1501), master_at(1501)}}},
                      "done");
}

TEST(Drain, WorksTheOtherWayRound) {
  expect_conversation(
      *make_drain(Target::peer, Target::local),
      {{"local: INFO replication + peer: INFO replication", {}, {replica_at(7), master_at(7)}}},
      "done");
}

TEST(Drain, FailsWithoutALink) {
  expect_conversation(*drain(), {{kBoth, {}, {info({.link_up = false}), master_at(1000)}}},
                      "failed: the peer server has no link to its master 192.168.1.112:6379");
}

TEST(Drain, FailsWhenTheLinkEndsMeanwhile) {
  expect_conversation(*drain(),
                      {{kBoth, {}, {replica_at(900), master_at(1000)}},
                       {"pause 1 ms", {}},
                       {kBoth, {}, {info({.link_up = false, .offset = 950}), master_at(1000)}}},
                      "failed: the peer server has no link to its master 192.168.1.112:6379");
}

TEST(Drain, DoesNotCompareOffsetsOfTwoLineages) {
  expect_conversation(
      *drain(),
      {{kBoth,
        {},
        {info({.offset = 5000, .replid = "0000000000000000000000000000000000000001"}),
         master_at(1000)}}},
      "failed: the peer server follows 192.168.1.112:6379, which has another replication id than "
      "the local server");
}

TEST(Drain, NeedsAReplicaAndAMaster) {
  expect_conversation(*drain(), {{kBoth, {}, {master_at(1000), master_at(1000)}}},
                      "failed: the peer server is not a replica");
  expect_conversation(*drain(), {{kBoth, {}, {replica_at(1000), replica_at(1000)}}},
                      "failed: the local server is not a master");
}

TEST(Drain, NamesTheServerThatWentAway) {
  expect_conversation(
      *drain(), {{kBoth, {}, {std::nullopt, master_at(1)}}},
      "failed: the connection to the peer server ended before it answered INFO replication");
}

TEST(Drain, NamesTheMissingRight) {
  expect_conversation(*drain(), {{kBoth, {}, {replica_at(1), no_permission()}}},
                      "failed: ACL: user may not run INFO on the local server");
}

}  // namespace
}  // namespace hooks
