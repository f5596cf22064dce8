// The watch against a real redis-server: what only the real one can show.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "health/io/redis_watch.hpp"
#include "tests/health/loop.hpp"
#include "tests/health/print.hpp"
#include "tests/health/redis_process.hpp"

namespace health::io {
namespace {

using Words = std::vector<std::string>;

class RealRedisTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisProcess::is_installed()) GTEST_SKIP() << "redis-server is not installed";
  }

  void start(Words options, Credentials credentials = {}) {
    server = std::make_unique<RedisProcess>(std::move(options));
    watch = std::make_unique<RedisWatch>(
        loop.get_executor(), server->address(), std::move(credentials), MonitorConfig{},
        WatchEvents{
            .health_changed = [this](const HealthChanged& changed) { last = changed; },
            .facts_read = [this](const FactsRead& read) { restarts += read.restarted ? 1 : 0; },
            .answered = {}});
    watch->start();
  }
  void wait_for(Health health) {
    ASSERT_TRUE(run_until(loop, [&] { return last.health == health; }))
        << "no " << to_string(health) << ", last " << testing::PrintToString(last);
  }
  std::optional<Reply> ask(const Words& command) {
    std::optional<Reply> answer;
    bool answered = false;
    watch->command(command, [&](const Reply* reply) {
      answered = true;
      if (reply != nullptr) answer = *reply;
    });
    EXPECT_TRUE(run_until(loop, [&] { return answered; }));
    return answer;
  }

  boost::asio::io_context loop;
  HealthChanged last;
  int restarts = 0;
  std::unique_ptr<RedisProcess> server;
  std::unique_ptr<RedisWatch> watch;
};

TEST_F(RealRedisTest, AMasterIsUpAndItsRoleIsReadBothWays) {
  start({});
  wait_for(Health::up);
  EXPECT_EQ(watch->snapshot().facts.role, Role::master);
  EXPECT_EQ(watch->snapshot().facts.run_id.size(), 40U);
  const std::optional<Reply> reply = ask({"ROLE"});
  ASSERT_TRUE(reply);
  const std::optional<RoleReply> role = parse_role(*reply);
  ASSERT_TRUE(role);
  EXPECT_EQ(role->role, Role::master);
}

TEST_F(RealRedisTest, AReplicaOfADeadPortTellsItsMaster) {
  start({"--replicaof", "127.0.0.1", "1"});
  wait_for(Health::up);
  EXPECT_EQ(watch->snapshot().facts.role, Role::replica);
  EXPECT_EQ(watch->snapshot().facts.master, (Endpoint{"127.0.0.1", 1}));
  EXPECT_FALSE(watch->snapshot().facts.link_up);
  EXPECT_EQ(watch->snapshot().facts.link_down_since_seconds, -1);
}

TEST_F(RealRedisTest, AReplicaThatHidesItsDataIsAsUpAsOneThatShowsThem) {
  start({"--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no"});
  wait_for(Health::up);
  const std::optional<Reply> reply = ask({"PING"});
  ASSERT_TRUE(reply);
  EXPECT_EQ(classify(*reply), ReplyKind::master_down);
  EXPECT_EQ(watch->snapshot().facts.role, Role::replica);
  EXPECT_FALSE(watch->snapshot().facts.link_up);
}

TEST_F(RealRedisTest, TheRightPasswordOpens) {
  start({"--requirepass", "secret"}, {.user = {}, .password = "secret"});
  wait_for(Health::up);
}

TEST_F(RealRedisTest, TheWrongPasswordIsDenied) {
  start({"--requirepass", "secret"}, {.user = {}, .password = "wrong"});
  wait_for(Health::denied);
  EXPECT_EQ(last.detail, "AUTH refused: wrong user or password");
}

TEST_F(RealRedisTest, NoPasswordWhereOneIsAskedForIsDenied) {
  start({"--requirepass", "secret"});
  wait_for(Health::denied);
  EXPECT_EQ(last.detail, "the server asks for a password and none is configured");
}

TEST_F(RealRedisTest, APasswordWhereNoneIsAskedForOpens) {
  start({}, {.user = {}, .password = "secret"});
  wait_for(Health::up);
}

TEST_F(RealRedisTest, AnAclUserNeedsPingAndInfo) {
  start({"--user", "agent", "on", ">secret", "-@all", "+ping", "+info"},
        {.user = "agent", .password = "secret"});
  wait_for(Health::up);
}

TEST_F(RealRedisTest, AnAclUserWithoutInfoIsDeniedByName) {
  start({"--user", "agent", "on", ">secret", "-@all", "+ping"},
        {.user = "agent", .password = "secret"});
  wait_for(Health::denied);
  EXPECT_EQ(last.detail, "ACL: the agent's user may not run INFO");
}

TEST_F(RealRedisTest, AKilledServerIsDeadAndItsReturnIsARestart) {
  start({});
  wait_for(Health::up);
  server->kill();
  wait_for(Health::dead);
  EXPECT_EQ(last.detail, "Connection refused");
  EXPECT_EQ(restarts, 0);
  server->start();
  wait_for(Health::up);
  EXPECT_EQ(restarts, 1);
}

TEST_F(RealRedisTest, AStoppedServerIsHungAndUpAgainWhenItGoesOn) {
  start({});
  wait_for(Health::up);
  server->send_signal(SIGSTOP);
  wait_for(Health::hung);
  EXPECT_EQ(last.detail, "no answer to PING for 300 ms");
  EXPECT_TRUE(watch->snapshot().connected);
  server->send_signal(SIGCONT);
  wait_for(Health::up);
  EXPECT_EQ(restarts, 0);
}

TEST_F(RealRedisTest, AScriptThatRunsTooLongIsBusyUntilItIsKilled) {
  start({"--busy-reply-threshold", "50"});
  wait_for(Health::up);
  std::unique_ptr<RedisConnection> client;
  client = std::make_unique<RedisConnection>(
      loop.get_executor(), server->address(),
      RedisConnection::Events{.connected =
                                  [&] {
                                    client->send({"EVAL", "while true do end", "0"}, {});
                                  },
                              .connect_failed = {},
                              .closed = {}});
  client->connect(std::chrono::seconds(20));
  ASSERT_TRUE(run_until(loop, [&] { return last.detail == "busy: a script runs"; }));
  EXPECT_EQ(last.health, Health::hung);
  ask({"SCRIPT", "KILL"});
  wait_for(Health::up);
}

TEST_F(RealRedisTest, AMasterThatCannotSaveIsDegraded) {
  start({"--save", "3600 1"});
  wait_for(Health::up);
  server->remove_directory();
  ask({"BGSAVE"});
  wait_for(Health::degraded);
  EXPECT_EQ(last.detail, "MISCONF: the server cannot save and refuses writes");
  watch->refresh();
  EXPECT_TRUE(run_until(loop, [&] { return !watch->snapshot().facts.last_bgsave_ok; }));
}

}  // namespace
}  // namespace health::io
