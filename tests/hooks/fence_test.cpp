// The write fence as scripted conversations.
#include <gtest/gtest.h>

#include "tests/hooks/conversation.hpp"

namespace hooks {
namespace {

using health::Reply;

const std::string kFence =
    "local: CONFIG GET min-replicas-max-lag + local: CONFIG SET min-replicas-to-write 99";
const Reply kTenSeconds = array({"min-replicas-max-lag", "10"});

Reply unsupported(const std::string& option) {
  return Reply::error("ERR Unsupported CONFIG parameter: " + option);
}

TEST(Fence, RefusesWrites) {
  expect_conversation(*make_fence(Target::local, std::nullopt), {{kFence, {}, {kTenSeconds, ok()}}},
                      "done");
}

TEST(Fence, PausesFirstForWholeMilliseconds) {
  expect_conversation(
      *make_fence(Target::peer, std::chrono::microseconds(1500)),
      {{"peer: CLIENT PAUSE 2 WRITE + peer: CONFIG GET min-replicas-max-lag + peer: CONFIG SET "
        "min-replicas-to-write 99",
        {},
        {ok(), kTenSeconds, ok()}}},
      "done");
}

TEST(Guard, CountsReplicasThatAcknowledgedInWholeSeconds) {
  expect_conversation(*make_guard(Target::local, 1, std::chrono::milliseconds(1500)),
                      {{"local: CONFIG SET min-replicas-max-lag 2", ok()},
                       {"local: CONFIG SET min-replicas-to-write 1", ok()}},
                      "done");
}

TEST(Fence, DetachesAReplicaThatTakesNoWrite) {
  expect_conversation(*make_detach(Target::local),
                      {{kFence, {}, {kTenSeconds, ok()}}, {"local: REPLICAOF NO ONE", ok()}},
                      "done");
}

TEST(Fence, GoesWithoutThePauseBeforeRedis62) {
  expect_conversation(
      *make_fence(Target::local, std::chrono::seconds(1)),
      {{"local: CLIENT PAUSE 1000 WRITE + " + kFence,
        {},
        {Reply::error("ERR Unknown subcommand or wrong number of arguments for 'PAUSE'"),
         kTenSeconds, ok()}}},
      "done");
}

TEST(Fence, SwitchesOnTheOptionThatAZeroLagSwitchesOff) {
  const Reply off = array({"min-replicas-max-lag", "0"});
  expect_conversation(*make_fence(Target::local, std::nullopt),
                      {{kFence, {}, {off, ok()}},
                       {"local: CONFIG GET min-replicas-max-lag", off},
                       {"local: CONFIG SET min-replicas-max-lag 10", ok()},
                       {"local: CONFIG SET min-replicas-to-write 99", ok()}},
                      "done");
}

TEST(Fence, UsesTheOldNamesBeforeRedis5) {
  expect_conversation(
      *make_fence(Target::local, std::nullopt),
      {{kFence, {}, {array({}), unsupported("min-replicas-to-write")}},
       {"local: CONFIG GET min-replicas-max-lag", array({})},
       {"local: CONFIG GET min-slaves-max-lag", array({"min-slaves-max-lag", "0"})},
       {"local: CONFIG SET min-replicas-max-lag 10", unsupported("min-replicas-max-lag")},
       {"local: CONFIG SET min-slaves-max-lag 10", ok()},
       {"local: CONFIG SET min-replicas-to-write 99", unsupported("min-replicas-to-write")},
       {"local: CONFIG SET min-slaves-to-write 99", ok()}},
      "done");
}

TEST(Fence, SaysWhenTheServerCannotBeFenced) {
  expect_conversation(*make_fence(Target::local, std::nullopt),
                      {{kFence, {}, {array({}), unsupported("min-replicas-to-write")}},
                       {"local: CONFIG GET min-replicas-max-lag", array({})},
                       {"local: CONFIG GET min-slaves-max-lag", array({})}},
                      "failed: the local server knows neither min-replicas-to-write nor "
                      "min-slaves-to-write and cannot be fenced (Redis 2.8 or later is needed)");
}

TEST(Fence, FailsWhenTheServerKeepsTakingWrites) {
  const Reply refusal = Reply::error("ERR no");
  expect_conversation(
      *make_fence(Target::local, std::nullopt),
      {{kFence, {}, {kTenSeconds, refusal}},
       {"local: CONFIG GET min-replicas-max-lag", kTenSeconds},
       {"local: CONFIG SET min-replicas-to-write 99", refusal}},
      "failed: the local server answered CONFIG SET min-replicas-to-write 99 with \"ERR no\"");
}

TEST(Fence, FailsOnStrangeAnswers) {
  expect_conversation(
      *make_fence(Target::local, std::nullopt),
      {{kFence, {}, {ok(), ok()}}, {"local: CONFIG GET min-replicas-max-lag", ok()}},
      "failed: the local server answered CONFIG GET min-replicas-max-lag with \"OK\"");
}

TEST(Fence, NamesTheMissingRight) {
  expect_conversation(
      *make_fence(Target::local, std::chrono::seconds(1)),
      {{"local: CLIENT PAUSE 1000 WRITE + " + kFence, {}, {no_permission(), kTenSeconds, ok()}}},
      "failed: ACL: user may not run CLIENT PAUSE on the local server");
  expect_conversation(*make_fence(Target::local, std::nullopt),
                      {{kFence, {}, {no_permission(), ok()}}},
                      "failed: ACL: user may not run CONFIG GET on the local server");
}

TEST(Pause, HoldsWritesForWholeMilliseconds) {
  expect_conversation(*make_pause(Target::local, std::chrono::microseconds(1500)),
                      {{"local: CLIENT PAUSE 2 WRITE", ok()}}, "done");
}

TEST(Pause, IsNothingBeforeRedis62) {
  expect_conversation(
      *make_pause(Target::local, std::chrono::seconds(1)),
      {{"local: CLIENT PAUSE 1000 WRITE",
        Reply::error("ERR Unknown subcommand or wrong number of arguments for 'PAUSE'")}},
      "done");
}

TEST(Unfence, OpensBeforeTheWaitingWritersGoOn) {
  expect_conversation(
      *make_unfence(Target::peer),
      {{"peer: CONFIG SET min-replicas-to-write 0", ok()}, {"peer: CLIENT UNPAUSE", ok()}}, "done");
}

TEST(Unfence, FailsWhenTheConnectionEnds) {
  expect_conversation(*make_unfence(Target::local),
                      {{"local: CONFIG SET min-replicas-to-write 0", std::nullopt}},
                      "failed: the connection to the local server ended before it answered CONFIG "
                      "SET min-replicas-to-write 0");
}

}  // namespace
}  // namespace hooks
