// INFO and ROLE as servers send them: captured from a pair of Redis 7.0.15, and what must not
// confuse the reader.
#include "health/facts.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/health/print.hpp"

namespace health {
namespace {

std::string captured(const std::string& name) {
  std::ifstream file(TANDEM_SOURCE_DIR "/tests/health/data/" + name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ServerFacts linked_replica() {
  ServerFacts facts;
  facts.role = Role::replica;
  facts.run_id = "one";
  facts.replid = "abc";
  facts.replid2 = "def";
  facts.offset = 187;
  facts.keys = 4;
  facts.master = {"192.168.1.112", 6379};
  facts.link_up = true;
  facts.last_io_seconds_ago = 1;
  return facts;
}

Reply integer(std::int64_t value) {
  Reply reply;
  reply.type = Reply::Type::integer;
  reply.integer = value;
  return reply;
}

Reply array(std::vector<Reply> elements) {
  Reply reply;
  reply.type = Reply::Type::array;
  reply.elements = std::move(elements);
  return reply;
}

TEST(InfoTest, AMasterWithItsReplica) {
  ServerFacts expected;
  expected.redis_version = "7.0.15";
  expected.mode = "standalone";
  expected.run_id = "3be41e53467a2d161d1d5e31738657297d728262";
  expected.keys = 4;
  expected.role = Role::master;
  expected.replid = "69c9cfc0f1d9b8cbe534bb5e7f12ced38e5d038f";
  expected.offset = 187;
  expected.replicas = {{{"127.0.0.1", 17902}, true, 187, 0}};
  EXPECT_EQ(parse_info(captured("info_master.txt")), expected);
}

TEST(InfoTest, AReplicaWithItsLink) {
  const ServerFacts facts = parse_info(captured("info_replica.txt"));
  ServerFacts expected;
  expected.redis_version = "7.0.15";
  expected.mode = "standalone";
  expected.run_id = facts.run_id;
  expected.keys = 4;
  expected.role = Role::replica;
  expected.replid = "69c9cfc0f1d9b8cbe534bb5e7f12ced38e5d038f";
  expected.offset = 187;
  expected.master = {"127.0.0.1", 17901};
  expected.link_up = true;
  expected.last_io_seconds_ago = 1;
  EXPECT_EQ(facts, expected);
  EXPECT_EQ(facts.run_id.size(), 40U);
}

TEST(InfoTest, APromotionClearsWhatOnlyAReplicaSays) {
  ServerFacts expected = linked_replica();
  expected.role = Role::master;
  expected.master = {};
  expected.link_up = false;
  expected.last_io_seconds_ago = -1;
  expected.replid = "new";
  expected.replid2 = "abc";
  expected.second_offset = 188;
  EXPECT_EQ(parse_info("# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"
                       "master_replid:new\r\nmaster_replid2:abc\r\nmaster_repl_offset:187\r\n"
                       "second_repl_offset:188\r\n",
                       linked_replica()),
            expected);
}

TEST(InfoTest, ALostLinkCountsFromItsLossAndForgetsThatWhenItIsBack) {
  const ServerFacts lost = parse_info(
      "role:slave\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n"
      "master_link_down_since_seconds:3\r\n",
      linked_replica());
  ServerFacts expected = linked_replica();
  expected.link_up = false;
  expected.last_io_seconds_ago = -1;
  expected.link_down_since_seconds = 3;
  EXPECT_EQ(lost, expected);

  const ServerFacts back =
      parse_info("role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:1\r\n", lost);
  EXPECT_EQ(back, linked_replica());
}

TEST(InfoTest, TheOffsetOfAReplicaIsItsOwnWhateverTheOrderOfTheLines) {
  EXPECT_EQ(parse_info("role:slave\nslave_repl_offset:7\nmaster_repl_offset:9\n").offset, 7);
  EXPECT_EQ(parse_info("master_repl_offset:9\nslave_repl_offset:7\nrole:slave\n").offset, 7);
  EXPECT_EQ(parse_info("role:master\nmaster_repl_offset:9\n").offset, 9);
  // Its own is not known while a full sync arrives.
  const std::string syncing = "role:slave\nslave_repl_offset:1\nmaster_repl_offset:9\n";
  EXPECT_EQ(parse_info(syncing + "master_link_status:down\n").offset, 9);
  EXPECT_EQ(parse_info(syncing + "master_link_status:up\n").offset, 1);
}

TEST(InfoTest, ReplicasAreThoseOfTheNewestReplyAlsoOverIPv6AndWithValkeysFields) {
  ServerFacts base;
  base.replicas = {{{"192.168.1.1", 1}, true, 1, 1}};
  const ServerFacts facts = parse_info(
      "role:master\r\nconnected_slaves:2\r\n"
      "slave0:ip=fe80::1,port=6379,state=wait_bgsave,offset=0,lag=2\r\n"
      "slave1:ip=192.168.1.113,port=6379,state=online,offset=99,lag=0,type=replica\r\n"
      "replicas_waiting_psync:0\r\nslave_priority:50\r\n",
      base);
  const std::vector<ConnectedReplica> expected{{{"fe80::1", 6379}, false, 0, 2},
                                               {{"192.168.1.113", 6379}, true, 99, 0}};
  EXPECT_EQ(facts.replicas, expected);
  EXPECT_EQ(facts.replica_priority, 50);
  EXPECT_TRUE(parse_info("connected_slaves:0\r\n", facts).replicas.empty());
}

TEST(InfoTest, DiskAndLoadingTroubleIsSeenAndSeenToPass) {
  const ServerFacts trouble = parse_info(
      "loading:1\r\nloading_eta_seconds:12\r\nrdb_last_bgsave_status:err\r\n"
      "aof_last_write_status:err\r\ncluster_enabled:1\r\n");
  ServerFacts expected;
  expected.loading = true;
  expected.loading_eta_seconds = 12;
  expected.last_bgsave_ok = false;
  expected.last_aof_write_ok = false;
  expected.cluster_enabled = true;
  EXPECT_EQ(trouble, expected);
  EXPECT_EQ(parse_info("loading:0\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\n"
                       "cluster_enabled:0\r\n",
                       trouble),
            ServerFacts{});
}

TEST(InfoTest, AnEmptyKeyspaceIsNoKeysAndAMissingOneIsUnknown) {
  EXPECT_EQ(parse_info("# Keyspace\r\n").keys, 0);
  EXPECT_EQ(parse_info("# Replication\r\nrole:master\r\n").keys, std::nullopt);
  EXPECT_EQ(parse_info("# Keyspace\r\ndb0:keys=3,expires=0\r\ndb15:keys=5\r\n").keys, 8);
}

TEST(InfoTest, GarbageChangesNothing) {
  const ServerFacts base = linked_replica();
  for (const char* line : {"",
                           ":",
                           "::::",
                           "no colon",
                           "role:emperor",
                           "master_repl_offset:",
                           "loading:maybe",
                           "master_repl_offset:99999999999999999999999999",
                           "master_repl_offset:12abc",
                           "slave_repl_offset:0x10",
                           "master_port:65536",
                           "master_port:-1",
                           "slave0:",
                           "slave0:port=1",
                           "slave:ip=1.2.3.4",
                           "slaveX:ip=1.2.3.4",
                           "db0:",
                           "db0:expires=1",
                           "db0:keys=many",
                           "db0:keys=9223372036854775807",
                           "dbx:keys=1",
                           "second_repl_offset:+5",
                           "slave_priority:99999999999",
                           "master_link_status:sideways",
                           "role:master\rx"}) {
    EXPECT_EQ(parse_info(line, base), base) << line;
  }
  EXPECT_EQ(parse_info(std::string("\0\xff\n\0:\n", 6), base), base);
}

// `REPLICAOF "<escape sequence>" 6379` is for anybody who may say REPLICAOF.
TEST(InfoTest, TextsArePrintableAndBounded) {
  const std::string strange = "\x1b[2J\x9b\x07 10.0.0.2\xc2\x9b";
  const std::string shown = "?[2J?? 10.0.0.2??";
  const ServerFacts facts = parse_info(
      "redis_version:" + strange + "\nrun_id:" + strange + "\nredis_mode:" + strange +
      "\nmaster_replid:" + strange + "\nmaster_replid2:" + strange + "\nmaster_host:" + strange +
      "\nslave0:ip=" + strange + ",port=1,state=online,offset=1,lag=0\n");
  EXPECT_EQ(facts.redis_version, shown);
  EXPECT_EQ(facts.run_id, shown);
  EXPECT_EQ(facts.mode, shown);
  EXPECT_EQ(facts.replid, shown);
  EXPECT_EQ(facts.replid2, shown);
  EXPECT_EQ(facts.master.host, shown);
  ASSERT_EQ(facts.replicas.size(), 1U);
  EXPECT_EQ(facts.replicas[0].endpoint.host, shown);
  EXPECT_EQ(parse_info("master_replid:" + std::string(5000, 'a')).replid, std::string(255, 'a'));
}

TEST(InfoTest, AHostThatOnlyLooksLikeAnAddressIsAnotherOne) {
  for (const std::string host : {"10.0.0.2\x1b", "\t10.0.0.2", "10.0.0.2\x7f", "10.0.0.2\r"}) {
    EXPECT_NE(parse_info("master_host:" + host + "\r\n").master.host, "10.0.0.2");
  }
}

TEST(RoleTest, AMaster) {
  const auto role = parse_role(array({Reply::bulk("master"), integer(187), array({})}));
  ASSERT_TRUE(role);
  EXPECT_EQ(role->role, Role::master);
  EXPECT_EQ(role->offset, 187);
}

TEST(RoleTest, AReplica) {
  const auto role = parse_role(array({Reply::bulk("slave"), Reply::bulk("192.168.1.112"),
                                      integer(6379), Reply::bulk("connected"), integer(187)}));
  ASSERT_TRUE(role);
  EXPECT_EQ(role->role, Role::replica);
  EXPECT_EQ(role->master, (Endpoint{"192.168.1.112", 6379}));
  EXPECT_EQ(role->link_state, "connected");
  EXPECT_EQ(role->offset, 187);
}

TEST(RoleTest, TextsArePrintableAndBounded) {
  const auto role = parse_role(array({Reply::bulk("slave"), Reply::bulk("\x1b]0;owned\x07\r\nup:1"),
                                      integer(6379), Reply::bulk("\x1b[5m"), integer(187)}));
  ASSERT_TRUE(role);
  EXPECT_EQ(role->master.host, "?]0;owned???up:1");
  EXPECT_EQ(role->link_state, "?[5m");
  const auto longer = parse_role(array({Reply::bulk("slave"), Reply::bulk(std::string(5000, 'a')),
                                        integer(6379), Reply::bulk("sync"), integer(187)}));
  ASSERT_TRUE(longer);
  EXPECT_EQ(longer->master.host, std::string(255, 'a'));
}

TEST(RoleTest, AnythingElseIsNoRole) {
  const Reply slave = Reply::bulk("slave");
  const Reply host = Reply::bulk("192.168.1.112");
  for (const Reply& reply :
       {Reply{}, Reply::error("BUSY"), array({}), array({Reply::bulk("sentinel"), array({})}),
        array({Reply::bulk("master"), Reply::bulk("187")}), array({slave, host, integer(6379)}),
        array({slave, host, integer(65536), Reply::bulk("connected"), integer(1)}),
        array({slave, host, integer(6379), Reply::bulk("connected"), Reply{}}),
        array({integer(1), integer(2)})}) {
    EXPECT_FALSE(parse_role(reply)) << testing::PrintToString(reply);
  }
}

TEST(EndpointTest, AnIPv6HostStandsInBrackets) {
  EXPECT_EQ((Endpoint{"192.168.1.113", 6379}.to_string()), "192.168.1.113:6379");
  EXPECT_EQ((Endpoint{"fe80::1", 6379}.to_string()), "[fe80::1]:6379");
}

}  // namespace
}  // namespace health
