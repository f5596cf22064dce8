// Following as scripted conversations.
#include <gtest/gtest.h>

#include "tests/hooks/conversation.hpp"

namespace hooks {
namespace {

using health::Reply;

std::unique_ptr<Procedure> follow_112() {
  return make_follow(Target::local, {"192.168.1.112", 6379});
}

TEST(Follow, MakesAMasterAReplicaAndLiftsItsFence) {
  expect_conversation(*follow_112(),
                      {{"local: ROLE", role_master()},
                       {"local: REPLICAOF 192.168.1.112 6379", ok()},
                       {"local: ROLE", role_replica("192.168.1.112", "6379", "connect")},
                       {"local: CONFIG SET min-replicas-to-write 0", ok()},
                       {"local: CLIENT UNPAUSE", ok()}},
                      "done");
}

TEST(Follow, TurnsAReplicaOfAnotherMaster) {
  expect_conversation(*make_follow(Target::peer, {"192.168.1.112", 6379}),
                      {{"peer: ROLE", role_replica("192.168.1.112", "6380")},
                       {"peer: REPLICAOF 192.168.1.112 6379", ok()},
                       {"peer: ROLE", role_replica("192.168.1.112", "6379", "sync")},
                       {"peer: CONFIG SET min-replicas-to-write 0", ok()},
                       {"peer: CLIENT UNPAUSE", ok()}},
                      "done");
}

TEST(Follow, LeavesAReplicaThatFollowsAlreadyItsLink) {
  expect_conversation(*follow_112(),
                      {{"local: ROLE", role_replica("192.168.1.112", "6379", "sync")},
                       {"local: CONFIG SET min-replicas-to-write 0", ok()},
                       {"local: CLIENT UNPAUSE", ok()}},
                      "done");
}

TEST(Follow, TakesAlreadyConnectedForYes) {
  expect_conversation(*follow_112(),
                      {{"local: ROLE", role_master()},
                       {"local: REPLICAOF 192.168.1.112 6379",
                        Reply::status("OK Already connected to specified master")},
                       {"local: ROLE", role_replica("192.168.1.112", "6379")},
                       {"local: CONFIG SET min-replicas-to-write 0", ok()},
                       {"local: CLIENT UNPAUSE", ok()}},
                      "done");
}

TEST(Follow, UsesTheOldNamesWhereTheNewOnesAreUnknown) {
  expect_conversation(
      *follow_112(),
      {{"local: ROLE", role_master()},
       {"local: REPLICAOF 192.168.1.112 6379", Reply::error("ERR unknown command 'REPLICAOF'")},
       {"local: SLAVEOF 192.168.1.112 6379", ok()},
       {"local: ROLE", role_replica("192.168.1.112", "6379", "connecting")},
       {"local: CONFIG SET min-replicas-to-write 0",
        Reply::error("ERR Unknown option or number of arguments for CONFIG SET - 'min-replicas'")},
       {"local: CONFIG SET min-slaves-to-write 0", ok()},
       {"local: CLIENT UNPAUSE", Reply::error("ERR Unknown subcommand")}},
      "done");
}

TEST(Follow, FailsWhileTheServerLoads) {
  expect_conversation(*follow_112(),
                      {{"local: ROLE", role_master()},
                       {"local: REPLICAOF 192.168.1.112 6379",
                        Reply::error("LOADING Redis is loading the dataset in memory")}},
                      "failed: the local server is still loading its data set and refuses "
                      "REPLICAOF");
}

TEST(Follow, FailsWhenTheServerStaysMaster) {
  expect_conversation(*follow_112(),
                      {{"local: ROLE", role_master()},
                       {"local: REPLICAOF 192.168.1.112 6379", ok()},
                       {"local: ROLE", role_master()}},
                      "failed: the local server is a master after it was told to follow "
                      "192.168.1.112:6379");
}

TEST(Follow, FailsWhenTheServerFollowsAnother) {
  expect_conversation(*follow_112(),
                      {{"local: ROLE", role_master()},
                       {"local: REPLICAOF 192.168.1.112 6379", ok()},
                       {"local: ROLE", role_replica("10.0.0.1", "7000")}},
                      "failed: the local server is a replica of 10.0.0.1:7000 after it was told to "
                      "follow 192.168.1.112:6379");
}

TEST(Follow, NamesTheMissingRight) {
  expect_conversation(
      *follow_112(),
      {{"local: ROLE", role_master()}, {"local: REPLICAOF 192.168.1.112 6379", no_permission()}},
      "failed: ACL: user may not run REPLICAOF on the local server");
}

TEST(Follow, FailsWhenRoleIsNoRole) {
  expect_conversation(*follow_112(), {{"local: ROLE", ok()}},
                      "failed: the local server answered ROLE with \"OK\"");
}

}  // namespace
}  // namespace hooks
