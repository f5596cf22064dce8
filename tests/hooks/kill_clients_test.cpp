// Killing clients as scripted conversations.
#include <gtest/gtest.h>

#include "tests/hooks/conversation.hpp"

namespace hooks {
namespace {

using health::Reply;

TEST(KillClients, ClosesWhatCameInThroughEachVip) {
  expect_conversation(*make_kill_clients({"192.168.1.120/24", "192.168.1.121"}, 6379),
                      {{"local: CLIENT KILL LADDR 192.168.1.120:6379", integer(3)},
                       {"local: CLIENT KILL LADDR 192.168.1.121:6379", integer(0)}},
                      "done");
}

TEST(KillClients, WritesIpv6AddressesAsRedisDoes) {
  expect_conversation(*make_kill_clients({"2001:DB8:0::1/64"}, 6380),
                      {{"local: CLIENT KILL LADDR [2001:db8::1]:6380", integer(1)}}, "done");
}

TEST(KillClients, HasNothingToDoWithoutVips) {
  expect_conversation(*make_kill_clients({}, 6379), {}, "done");
}

TEST(KillClients, ClosesAllClientsBeforeRedis62) {
  expect_conversation(
      *make_kill_clients({"192.168.1.120", "192.168.1.121"}, 6379),
      {{"local: CLIENT KILL LADDR 192.168.1.120:6379", Reply::error("ERR syntax error")},
       {"local: CLIENT KILL TYPE normal SKIPME yes", integer(12)},
       {"local: CLIENT KILL TYPE pubsub SKIPME yes", integer(0)}},
      "done");
}

TEST(KillClients, FailsWhenTheServerKillsNobody) {
  expect_conversation(
      *make_kill_clients({"192.168.1.120"}, 6379),
      {{"local: CLIENT KILL LADDR 192.168.1.120:6379", Reply::error("ERR syntax error")},
       {"local: CLIENT KILL TYPE normal SKIPME yes", Reply::error("ERR syntax error")}},
      "failed: the local server answered CLIENT KILL TYPE normal SKIPME yes with "
      "\"ERR syntax error\"");
}

TEST(KillClients, SaysThatAScriptHoldsTheServer) {
  expect_conversation(*make_kill_clients({"192.168.1.120"}, 6379),
                      {{"local: CLIENT KILL LADDR 192.168.1.120:6379",
                        Reply::error("BUSY Redis is busy running a script.")}},
                      "failed: the local server is busy with a script and refuses CLIENT KILL");
}

TEST(KillClients, NamesTheMissingRight) {
  expect_conversation(*make_kill_clients({"192.168.1.120"}, 6379),
                      {{"local: CLIENT KILL LADDR 192.168.1.120:6379", no_permission()}},
                      "failed: ACL: user may not run CLIENT KILL on the local server");
}

}  // namespace
}  // namespace hooks
