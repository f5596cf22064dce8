// The servers' own FAILOVER as scripted conversations: what real servers seldom do.
#include <gtest/gtest.h>

#include "tests/hooks/conversation.hpp"

namespace hooks {
namespace {

using health::Reply;
using namespace std::chrono_literals;

const std::string kInfo = "local: INFO replication";
const std::string kFailover = "local: FAILOVER TO 192.168.1.113 6379 TIMEOUT 500";

std::unique_ptr<Procedure> failover() {
  return make_failover({{"192.168.1.113", 6379}, 500ms, 4ms});
}
Reply at(const std::string& role, const std::string& state, const std::string& replicas = "") {
  return Reply::bulk("# Replication\r\nrole:" + role + "\r\nconnected_slaves:1\r\n" + replicas +
                     "master_failover_state:" + state + "\r\nmaster_replid:abc\r\n");
}
std::string replica(int number, const std::string& ip, int port,
                    const std::string& state = "online") {
  return "slave" + std::to_string(number) + ":ip=" + ip + ",port=" + std::to_string(port) +
         ",state=" + state + ",offset=1,lag=0\r\n";
}
Reply master() {
  return at("master", "no-failover", replica(0, "192.168.1.113", 6379));
}

TEST(Failover, FollowsTheServersStatesToTheEnd) {
  expect_conversation(*failover(),
                      {{kInfo, master()},
                       {kFailover, ok()},
                       {kInfo, at("master", "waiting-for-sync")},
                       {"pause 2 ms", {}},
                       {kInfo, at("slave", "failover-in-progress")},
                       {"pause 2 ms", {}},
                       {kInfo, at("slave", "no-failover")},
                       {"peer: ROLE", role_master()}},
                      "done");
}

TEST(Failover, TakesTheConfiguredReplicaAmongSeveral) {
  const std::string others = replica(0, "192.168.1.50", 6379) + replica(1, "192.168.1.60", 0);
  expect_conversation(
      *failover(),
      {{kInfo, at("master", "no-failover", others + replica(2, "192.168.1.113", 6379))},
       {kFailover, Reply::error("ERR FAILOVER target HOST and PORT is not a replica.")}},
      "failed: the local server answered FAILOVER TO 192.168.1.113 6379 TIMEOUT 500 with \"ERR "
      "FAILOVER target HOST and PORT is not a replica.\"");
  expect_conversation(
      *failover(),
      {{kInfo, at("master", "no-failover", others + replica(2, "192.168.1.51", 6379))}},
      "refused: none of the 2 replicas of the local server is 192.168.1.113:6379");
  expect_conversation(
      *failover(),
      {{kInfo, at("master", "no-failover", replica(0, "192.168.1.113", 6379, "send_bulk"))}},
      "refused: no replica of the local server is online");
}

TEST(Failover, IsRefusedByServersThatHaveNone) {
  expect_conversation(*failover(), {{kInfo, info({.role = "master"})}},
                      "refused: the local server has no FAILOVER, which came with Redis 6.2");
}

// The replica answered in the moment of the abort.
TEST(Failover, AnEndThatIsFasterThanTheAbortIsAnEnd) {
  expect_conversation(*failover(),
                      {{kInfo, master()},
                       {kFailover, ok()},
                       {kInfo, at("slave", "failover-in-progress")},
                       {"pause 2 ms", {}},
                       {kInfo, at("slave", "failover-in-progress")},
                       {"pause 2 ms", {}},
                       {kInfo, at("slave", "failover-in-progress")},
                       {"local: CONFIG SET min-replicas-to-write 99", ok()},
                       {"local: FAILOVER ABORT", Reply::error("ERR No failover in progress.")},
                       {kInfo, at("slave", "no-failover")},
                       {"peer: ROLE", role_master()}},
                      "done");
}

TEST(Failover, SaysSoWhenItCannotBeAborted) {
  expect_conversation(
      *failover(),
      {{kInfo, master()},
       {kFailover, ok()},
       {kInfo, at("slave", "failover-in-progress")},
       {"pause 2 ms", {}},
       {kInfo, at("slave", "failover-in-progress")},
       {"pause 2 ms", {}},
       {kInfo, at("slave", "failover-in-progress")},
       {"local: CONFIG SET min-replicas-to-write 99", ok()},
       {"local: FAILOVER ABORT", Reply::error("ERR something")},
       {kInfo, at("slave", "failover-in-progress")}},
      "failed: the peer server did not take over within 4 ms, and the FAILOVER could not be "
      "aborted");
}

TEST(Failover, FailsWithTheConnection) {
  expect_conversation(*failover(), {{kInfo, master()}, {kFailover, std::nullopt}},
                      "failed: the connection to the local server ended before it answered "
                      "FAILOVER TO 192.168.1.113 6379 TIMEOUT 500");
}

}  // namespace
}  // namespace hooks
