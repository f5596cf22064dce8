// What is recognised in the scripts that people write beside keepalived.
#include "agent/keepalived_script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::keepalived {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The lines that mean something: "2 role SLAVEOF NO ONE / 3 other mail".
std::string look(const std::string& script) {
  static constexpr const char* kNames[] = {"nothing",  "wait",  "check", "role",
                                           "settings", "start", "stop",  "copy",
                                           "router",   "logs",  "looks", "other"};
  std::string out;
  for (const ScriptLine& line : look_at_script(script).lines) {
    if (!out.empty()) out += " / ";
    out += std::to_string(line.line) + " " + kNames[static_cast<int>(line.work)] + " " + line.words;
  }
  return out;
}

TEST(KeepalivedScript, KnowsTheCommandsOfRoles) {
  EXPECT_EQ(look("redis-cli SLAVEOF 10.0.0.2 6379\nsleep 10\nredis-cli slaveof no one\n"),
            "1 role SLAVEOF 10.0.0.2 6379 / 2 wait sleep 10 / 3 role SLAVEOF no one");
  EXPECT_EQ(look("/opt/valkey-cli -h 10.0.0.1 -a x -p 6380 REPLICAOF NO ONE"),
            "1 role REPLICAOF NO ONE");
  EXPECT_EQ(look("echo slaveof no one | redis-cli -a x"), "1 role SLAVEOF no one");
  EXPECT_EQ(look("redis-cli <<EOF\nAUTH x\nSLAVEOF NO ONE\nEOF\ndate\n"),
            "1 check AUTH / 1 role SLAVEOF NO ONE");
  EXPECT_EQ(look("$CLI slaveof 10.0.0.2 6379"), "1 role SLAVEOF 10.0.0.2 6379");
  EXPECT_EQ(look("if ! timeout 2 redis-cli ping >/dev/null; then exit 1; fi"), "1 check PING");
}

TEST(KeepalivedScript, FollowsVariablesAndQuotes) {
  const auto found = look_at_script(
      "#!/bin/bash\nHOST=10.0.0.1\nCLI=\"/usr/bin/redis-cli -h ${HOST} -p 6380 -a secret\"\n"
      "export PEER='10.0.0.2'\nX=$($CLI PING)\n$CLI SLAVEOF $PEER 6381 >> /var/log/x.log 2>&1\n");
  EXPECT_THAT(found.commanded, ElementsAre(Endpoint{"10.0.0.1", 6380, {}}));
  EXPECT_THAT(found.asked, ElementsAre(Endpoint{"10.0.0.1", 6380, {}}));
  EXPECT_THAT(found.masters, ElementsAre(Endpoint{"10.0.0.2", 6381, {}}));
  EXPECT_TRUE(found.password);
  EXPECT_FALSE(found.does(Work::other));
  EXPECT_THAT(found.redis_lines(), Not(HasSubstr("secret")));
}

TEST(KeepalivedScript, SeesPasswordsUsersAndTls) {
  EXPECT_TRUE(look_at_script("REDISCLI_AUTH=x redis-cli ping").password);
  EXPECT_TRUE(look_at_script("redis-cli --pass x ping").password);
  EXPECT_TRUE(look_at_script("redis-cli AUTH x").password);
  EXPECT_TRUE(look_at_script("redis-cli config set masterauth x").password);
  EXPECT_FALSE(look_at_script("redis-cli -h a ping").password);
  const auto url = look_at_script("redis-cli -u rediss://tandem:x@10.0.0.1:6390/0 ping");
  EXPECT_TRUE(url.password && url.tls);
  EXPECT_EQ(url.user, "tandem");
  EXPECT_THAT(url.asked, ElementsAre(Endpoint{"10.0.0.1", 6390, {}}));
  const auto tls = look_at_script("redis-cli --tls --cacert /etc/ca.crt --user u -a x ping");
  EXPECT_EQ(tls.tls_ca + " " + tls.user, "/etc/ca.crt u");
  EXPECT_THAT(look_at_script("redis-cli -s /run/r.sock ping").asked,
              ElementsAre(Endpoint{"127.0.0.1", 6379, "/run/r.sock"}));
}

TEST(KeepalivedScript, KnowsWhatElseTandemDoes) {
  EXPECT_EQ(
      look("killall -9 keepalived\nservice keepalived stop\nservice network restart\n"),
      "1 router stops keepalived / 2 router stops keepalived / 3 router restarts the network");
  EXPECT_EQ(look("/usr/sbin/keepalived -D -f /etc/k.conf"), "1 router starts keepalived");
  EXPECT_EQ(look("systemctl start redis-server\n/etc/init.d/redis stop\npkill redis-server\n"),
            "1 start starts the server / 2 stop stops the server / 3 stop stops the server");
  EXPECT_EQ(look("killall -0 redis-server\npidof redis-server\nsystemctl is-active redis\n"),
            "1 check killall / 2 check pidof / 3 check systemctl");
  EXPECT_EQ(look_at_script("systemctl restart redis@6380.service").unit, "redis@6380");
  const auto copy = look_at_script("D=/var/x.rdb\nscp root@10.0.0.2:/var/y.rdb $D\n");
  EXPECT_EQ(copy.rdb_file, "/var/x.rdb");
  EXPECT_THAT(copy.sources, ElementsAre("10.0.0.2"));
  EXPECT_EQ(look("redis-cli config set min-replicas-to-write 1\nredis-cli client kill type normal"),
            "1 settings CONFIG SET min-replicas-to-write / 2 settings CLIENT");
}

TEST(KeepalivedScript, KeepsWhatItDoesNotKnow) {
  EXPECT_EQ(look("mail -s x root\n"), "1 other mail");
  EXPECT_EQ(look("echo 1 > /proc/sys/net/ipv4/ip_forward"),
            "1 other echo > /proc/sys/net/ipv4/ip_forward");
  EXPECT_EQ(look("sed -i s/a/b/ /etc/redis.conf"), "1 other sed");
  EXPECT_EQ(look("redis-cli FLUSHALL\nredis-cli config set save ''\n"),
            "1 other FLUSHALL / 2 other CONFIG");
  EXPECT_EQ(look("echo hello >> /var/log/k.log\necho x 2>/dev/null\n"), "1 logs /var/log/k.log");
  EXPECT_EQ(look("[ -f /etc/down ] && exit 1"), "1 looks tests /etc/down");
}

TEST(KeepalivedScript, FindsItsWayThroughShell) {
  EXPECT_THAT(look("case \"$1\" in\n  master|MASTER)\n    echo x ;;\n  *) exit 1 ;;\nesac\n"),
              IsEmpty());
  EXPECT_THAT(look("log() {\n  echo \"$@\"\n}\nlog hello\n"), IsEmpty());
  EXPECT_THAT(look("# mail root\nif [[ $a == b && $c == d ]]; then echo; fi\nX=$((1+2))\n"),
              IsEmpty());
  EXPECT_EQ(look("A=`redis-cli ping`; B=$(redis-cli \\\n  info replication | grep role)\nmail x\n"),
            "1 check PING / 1 check INFO / 3 other mail");
  EXPECT_EQ(look("for i in 1 2 3; do redis-cli ping && break; done"), "1 check PING");
}

TEST(KeepalivedScript, LooksThroughOtherLanguagesByWords) {
  EXPECT_EQ(look("#!/usr/bin/python3\nimport redis\nr.slaveof('10.0.0.2', 6379)\n"),
            "3 role SLAVEOF / 1 other another language");
  EXPECT_TRUE(look_at_script(std::string("\x7f"
                                         "ELF\0\0",
                                         6))
                  .binary);
}

TEST(KeepalivedScript, ShowsNoPasswordInAnyLine) {
  const auto found = look_at_script(
      "redis-cli -a hunter2 SLAVEOF 10.0.0.2 6379\nredis-cli CONFIG SET masterauth hunter2\n"
      "redis-cli AUTH hunter2\nmail -p hunter2\necho AUTH hunter2 | redis-cli\n");
  std::string all;
  for (const ScriptLine& line : found.lines) all += line.words;
  EXPECT_THAT(all, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace agent::keepalived
