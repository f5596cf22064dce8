// What a server holds beside the leader, from lineage and offsets as INFO tells them.
#include "agent/rejoin.hpp"

#include <gtest/gtest.h>

namespace agent {
namespace {

using health::Role;
using health::ServerFacts;

ServerFacts server(const std::string& replid, std::int64_t offset) {
  ServerFacts facts;
  facts.role = Role::master;
  facts.run_id = "run1";
  facts.keys = 10;
  facts.replid = replid;
  facts.offset = offset;
  return facts;
}

// Promoted out of `parent`, of which it has all bytes below `fork`.
ServerFacts promoted(const std::string& replid, std::int64_t offset, const std::string& parent,
                     std::int64_t fork) {
  ServerFacts facts = server(replid, offset);
  facts.replid2 = parent;
  facts.second_offset = fork;
  return facts;
}

Rejoin judge(const ServerFacts& local, const ServerFacts& leader) {
  return judge_rejoin(local, leader, std::nullopt).rejoin;
}

TEST(Rejoin, AnOldMasterUpToTheForkHasNothingOfItsOwn) {
  EXPECT_EQ(judge(server("a", 100), promoted("b", 500, "a", 101)), Rejoin::ancestor);
  EXPECT_EQ(judge(server("a", 40), promoted("b", 500, "a", 101)), Rejoin::ancestor);
}

TEST(Rejoin, AnOldMasterBeyondTheForkIsAhead) {
  const auto verdict = judge_rejoin(server("a", 137), promoted("b", 500, "a", 101), std::nullopt);
  EXPECT_EQ(verdict.rejoin, Rejoin::ahead);
  EXPECT_EQ(verdict.lost, (hooks::StreamRange{"a", 101, 137}));
  EXPECT_EQ(verdict.words, "it is 37 bytes ahead of the leader's fork");
}

TEST(Rejoin, OneLineageIsComparedByOffset) {
  EXPECT_EQ(judge(server("a", 100), server("a", 100)), Rejoin::ancestor);
  EXPECT_EQ(judge(server("a", 100), server("a", 200)), Rejoin::ancestor);
  EXPECT_EQ(judge_rejoin(server("a", 201), server("a", 200), std::nullopt).lost,
            (hooks::StreamRange{"a", 201, 201}));
}

// It was promoted out of the leader's lineage by somebody, and then told to follow.
TEST(Rejoin, APromotionOfItsOwnIsAheadFromItsFork) {
  EXPECT_EQ(judge(promoted("b", 100, "a", 101), server("a", 300)), Rejoin::ancestor);
  EXPECT_EQ(judge_rejoin(promoted("b", 120, "a", 101), server("a", 300), std::nullopt).lost,
            (hooks::StreamRange{"b", 101, 120}));
}

// A detached replica of the leader's lineage keeps what it had beyond the leader, which came back
// with an older file.
TEST(Rejoin, ADetachedReplicaIsAheadOfAnOlderLeader) {
  EXPECT_EQ(judge_rejoin(promoted("z", 2000, "x", 2001), server("x", 1000), std::nullopt).lost,
            (hooks::StreamRange{"z", 1001, 2000}));
}

TEST(Rejoin, TwoPromotionsOutOfOneLineagePartAtTheEarlierFork) {
  const auto late = promoted("b", 220, "a", 201);
  const auto early = promoted("c", 150, "a", 101);
  EXPECT_EQ(judge_rejoin(late, early, std::nullopt).lost, (hooks::StreamRange{"b", 101, 220}));
  EXPECT_EQ(judge_rejoin(early, late, std::nullopt).lost, (hooks::StreamRange{"c", 101, 150}));
}

TEST(Rejoin, WithoutACommonHistoryNobodyCanTell) {
  const auto verdict = judge_rejoin(server("a", 100), server("z", 100), std::nullopt);
  EXPECT_EQ(verdict.rejoin, Rejoin::unrelated);
  EXPECT_EQ(verdict.lost, std::nullopt);
  EXPECT_TRUE(verdict.loses_data());
  EXPECT_EQ(judge(server("", 0), server("", 0)), Rejoin::unrelated);
}

TEST(Rejoin, TheJournalKnowsWhatTheServersHaveForgotten) {
  Record record;
  record.lineage = {{1, "a", "", 0, 0, ""}, {2, "b", "a", 101, 0, ""}, {3, "c", "b", 301, 0, ""}};
  const ServerFacts leader = promoted("c", 500, "b", 301);
  EXPECT_EQ(judge_rejoin(server("a", 100), leader, record).rejoin, Rejoin::ancestor);
  EXPECT_EQ(judge_rejoin(server("a", 150), leader, record).lost,
            (hooks::StreamRange{"a", 101, 150}));
  record.lineage.pop_back();
  EXPECT_EQ(judge_rejoin(server("a", 150), leader, record).lost,
            (hooks::StreamRange{"a", 101, 150}));
  EXPECT_EQ(judge_rejoin(server("a", 150), leader, std::nullopt).rejoin, Rejoin::unrelated);
}

TEST(Rejoin, EmptyServers) {
  ServerFacts empty = server("z", 0);
  empty.keys = 0;
  EXPECT_EQ(judge(empty, server("a", 1)), Rejoin::empty);
  EXPECT_EQ(judge(server("a", 1), empty), Rejoin::leader_empty);
  EXPECT_EQ(judge(empty, empty), Rejoin::empty);
  // It deleted everything, which the leader does not know.
  empty.offset = 40;
  EXPECT_EQ(judge(empty, server("z", 30)), Rejoin::ahead);
}

// An append-only file names no lineage. The record knows what the server was at last sight;
// somebody may have made it a master since: what it holds is kept, and it is said that this is
// probably for nothing.
TEST(Rejoin, TheRecordDoesNotSpeakForARestartedReplica) {
  ServerFacts local = server("new", 1);
  local.role = Role::replica;
  const ServerFacts leader = promoted("b", 500, "a", 101);
  Record record{.role = RecordRole::standby, .run_id = "run0", .replid = "b", .offset = 300};
  const RejoinVerdict verdict = judge_rejoin(local, leader, record);
  EXPECT_EQ(verdict.rejoin, Rejoin::unrelated);
  EXPECT_TRUE(verdict.loses_data());
  EXPECT_TRUE(verdict.precaution);
  const auto precaution = [&] {
    const RejoinVerdict again = judge_rejoin(local, leader, record);
    EXPECT_EQ(again.rejoin, Rejoin::unrelated);
    return again.precaution;
  };
  local.offset = 4000;
  EXPECT_FALSE(precaution()) << "an RDB file of another lineage: somebody led with it";
  local.offset = 1;
  record.replid = "a";
  EXPECT_FALSE(precaution()) << "it may have held more than the record knows, and the leader less";
  record.replid = "b";
  record.role = RecordRole::leader;
  EXPECT_FALSE(precaution()) << "it took writes";
  record.role = RecordRole::standby;
  record.run_id = "run1";
  EXPECT_FALSE(precaution()) << "it never stopped";
  record.run_id = "run0";
  local.role = Role::master;
  EXPECT_FALSE(precaution()) << "it booted open";
}

}  // namespace
}  // namespace agent
