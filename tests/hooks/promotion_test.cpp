// Promotion as scripted conversations: every branch, every refusal.
#include <gtest/gtest.h>

#include "tests/hooks/conversation.hpp"

namespace hooks {
namespace {

using health::Reply;
using std::chrono::milliseconds;

Reply unknown(const std::string& command) {
  return Reply::error("ERR unknown command '" + command + "', with args beginning with: ");
}

const std::string kPromotion =
    "local: REPLICAOF NO ONE + local: CONFIG SET min-replicas-to-write 0 + local: CLIENT UNPAUSE + "
    "local: ROLE";
const Replies kPromoted = {ok(), ok(), ok(), role_master()};

// A replica whose old master is gone.
Reply info_of_orphan() {
  return info({.link_up = false, .last_io = -1});
}

TEST(Promotion, MakesAnOrphanedReplicaAVerifiedMaster) {
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info_of_orphan()}, {kPromotion, {}, kPromoted}}, "done");
}

TEST(Promotion, OnlyOpensAndVerifiesAMaster) {
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info({.role = "master"})},
                       {"local: CONFIG SET min-replicas-to-write 0", ok()},
                       {"local: CLIENT UNPAUSE", ok()},
                       {"local: ROLE", role_master()}},
                      "done");
}

TEST(Promotion, UsesTheOldNamesWhereTheNewOnesAreUnknown) {
  const Reply no_option = Reply::error("ERR Unsupported CONFIG parameter: min-replicas-to-write");
  const Reply no_unpause = Reply::error("ERR Syntax error, try CLIENT (LIST | KILL)");
  expect_conversation(
      *make_promotion({}),
      {{"local: INFO", info_of_orphan()},
       {kPromotion,
        {},
        {unknown("REPLICAOF"), no_option, no_unpause, role_replica("192.168.1.112", "6379")}},
       {"local: REPLICAOF NO ONE", unknown("REPLICAOF")},
       {"local: SLAVEOF NO ONE", ok()},
       {"local: CONFIG SET min-replicas-to-write 0", no_option},
       {"local: CONFIG SET min-slaves-to-write 0", ok()},
       {"local: CLIENT UNPAUSE", no_unpause},
       {"local: ROLE", role_master()}},
      "done");
}

TEST(Promotion, TriesAnOldNameOnce) {
  expect_conversation(
      *make_promotion({}),
      {{"local: INFO", info_of_orphan()},
       {kPromotion, {}, {unknown("REPLICAOF"), ok(), ok(), role_replica("192.168.1.112", "6379")}},
       {"local: REPLICAOF NO ONE", unknown("REPLICAOF")},
       {"local: SLAVEOF NO ONE", unknown("SLAVEOF")}},
      "failed: the local server answered SLAVEOF NO ONE with \"ERR unknown command "
      "'SLAVEOF', with args beginning with: \"");
}

struct Refusal {
  const char* name;
  InfoText info;
  const char* why;
};

class PromotionRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(PromotionRefusal, LeavesTheServerUntouched) {
  expect_conversation(*make_promotion({}), {{"local: INFO", info(GetParam().info)}},
                      GetParam().why);
}

INSTANTIATE_TEST_SUITE_P(
    All, PromotionRefusal,
    testing::Values(
        Refusal{"LoadingReplica",
                {.loading = true, .link_up = false},
                "refused: the local server is still loading its data set"},
        Refusal{"LoadingMaster",
                {.role = "master", .loading = true},
                "refused: the local server is still loading its data set"},
        Refusal{"Sync",
                {.link_up = false, .sync = true},
                "refused: the local server is in the middle of a sync and has no whole data set"},
        Refusal{"FailedSave",
                {.bgsave_ok = false, .link_up = false},
                "refused: the local server could not save its last RDB file and would refuse "
                "writes (-MISCONF)"},
        Refusal{"FailedAppend",
                {.aof_ok = false, .link_up = false},
                "refused: the local server could not write its append-only file and would refuse "
                "writes (-MISCONF)"},
        Refusal{"NoRole", {.role = ""}, "failed: the local server did not name its role in INFO"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Promotion, RefusesAReplicaThatLagsTooFarBehind) {
  const Reply orphan = info({.link_up = false, .last_io = -1, .offset = 100});
  expect_conversation(*make_promotion({.leader_offset = 151, .max_lag = 50}),
                      {{"local: INFO", orphan}},
                      "refused: the local server lacks 51 bytes that the leader had, more than "
                      "max_lag");
  expect_conversation(*make_promotion({.leader_offset = 150, .max_lag = 50}),
                      {{"local: INFO", orphan}, {kPromotion, {}, kPromoted}}, "done");
}

TEST(Promotion, TakesTheOperatorsWordForASyncAndAFailingDisk) {
  expect_conversation(
      *make_promotion({.accept_data_loss = true}),
      {{"local: INFO", info({.bgsave_ok = false, .aof_ok = false, .link_up = false, .sync = true})},
       {kPromotion, {}, kPromoted}},
      "done");
}

TEST(Promotion, DoesNotTakeTheOperatorsWordWhileLoading) {
  expect_conversation(*make_promotion({.accept_data_loss = true}),
                      {{"local: INFO", info({.loading = true, .link_up = false})}},
                      "refused: the local server is still loading its data set");
}

TEST(Promotion, ReadsTheStreamToItsEndWhileTheLinkIsUp) {
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info({.offset = 1000})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.offset = 1700})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.offset = 1700})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.offset = 1700})},
                       {kPromotion, {}, kPromoted}},
                      "done");
}

TEST(Promotion, TakesAPieceOfACommandForMovement) {
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info({.last_io = 4})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.last_io = 4})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.last_io = 0})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.last_io = 0})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.last_io = 1})},
                       {kPromotion, {}, kPromoted}},
                      "done");
}

TEST(Promotion, GoesOnAtOnceWhenTheLinkEnds) {
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info({})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.link_up = false, .offset = 1200})},
                       {kPromotion, {}, kPromoted}},
                      "done");
}

TEST(Promotion, WaitsForAMovingStreamNoLongerThanItsBudget) {
  expect_conversation(*make_promotion({.drain_budget = std::chrono::microseconds(600)}),
                      {{"local: INFO", info({.offset = 1})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.offset = 2})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.offset = 3})},
                       {kPromotion, {}, kPromoted}},
                      "done");
}

TEST(Promotion, RefusesWhenASyncBeginsWhileItDrains) {
  expect_conversation(
      *make_promotion({}),
      {{"local: INFO", info({})},
       {"pause 300 us", {}},
       {"local: INFO replication", info({.link_up = false, .sync = true})}},
      "refused: the local server is in the middle of a sync and has no whole data set");
}

TEST(Promotion, FindsTheServerPromotedMeanwhile) {
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info({})},
                       {"pause 300 us", {}},
                       {"local: INFO replication", info({.role = "master"})},
                       {"local: CONFIG SET min-replicas-to-write 0", ok()},
                       {"local: CLIENT UNPAUSE", ok()},
                       {"local: ROLE", role_master()}},
                      "done");
}

TEST(Promotion, DoesNotBelieveOkWithoutRole) {
  const Reply replica = role_replica("192.168.1.112", "6379");
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info_of_orphan()},
                       {kPromotion, {}, {ok(), ok(), ok(), replica}},
                       {"local: REPLICAOF NO ONE", ok()},
                       {"local: CONFIG SET min-replicas-to-write 0", ok()},
                       {"local: CLIENT UNPAUSE", ok()},
                       {"local: ROLE", replica}},
                      "failed: the local server is a replica of 192.168.1.112:6379 after its "
                      "promotion");
}

TEST(Promotion, DoesNotBelieveAMasterThatStillRefusesWrites) {
  const Reply refusal = Reply::error("ERR no");
  expect_conversation(
      *make_promotion({}),
      {{"local: INFO", info_of_orphan()},
       {kPromotion, {}, {ok(), refusal, ok(), role_master()}},
       {"local: REPLICAOF NO ONE", ok()},
       {"local: CONFIG SET min-replicas-to-write 0", refusal}},
      "failed: the local server answered CONFIG SET min-replicas-to-write 0 with \"ERR no\"");
}

TEST(Promotion, NamesTheMissingRight) {
  const std::string why = "failed: ACL: user may not run ";
  expect_conversation(*make_promotion({}), {{"local: INFO", no_permission()}},
                      why + "INFO on the local server");
  const std::vector<std::string> rights = {"REPLICAOF", "CONFIG SET", "CLIENT UNPAUSE", "ROLE"};
  for (std::size_t i = 0; i < rights.size(); ++i) {
    Replies replies = kPromoted;
    replies.at(i) = no_permission();
    expect_conversation(*make_promotion({}),
                        {{"local: INFO", info_of_orphan()}, {kPromotion, {}, replies}},
                        why + rights[i] + " on the local server");
  }
}

TEST(Promotion, FailsWhenTheConnectionEnds) {
  expect_conversation(
      *make_promotion({}), {{"local: INFO", info_of_orphan()}, {kPromotion, {}, Replies(4)}},
      "failed: the connection to the local server ended before it answered REPLICAOF NO ONE");
}

TEST(Promotion, SaysThatAScriptHoldsTheServer) {
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", Reply::error("BUSY Redis is busy running a script.")}},
                      "failed: the local server is busy with a script and refuses INFO");
}

TEST(Promotion, QuotesNonsenseInOnePrintableLine) {
  const Reply nonsense = Reply::error("ERR \n\x1b[31m" + std::string(500, 'x'));
  expect_conversation(*make_promotion({}),
                      {{"local: INFO", info_of_orphan()},
                       {kPromotion, {}, {nonsense, ok(), ok(), nonsense}},
                       {"local: REPLICAOF NO ONE", nonsense}},
                      "failed: the local server answered REPLICAOF NO ONE with \"ERR ??[31m" +
                          std::string(150, 'x') + "...\"");
}

}  // namespace
}  // namespace hooks
