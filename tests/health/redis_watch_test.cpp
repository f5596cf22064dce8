// Monitor and connection together, against a server that answers from a script.
#include "health/io/redis_watch.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/health/fake_server.hpp"
#include "tests/health/loop.hpp"
#include "tests/health/print.hpp"

namespace health::io {
namespace {

using Log = std::vector<std::string>;

class RedisWatchTest : public testing::Test {
 protected:
  void watch_server(Credentials credentials = {}) {
    MonitorConfig config;
    config.ping_interval = std::chrono::milliseconds(50);
    watch = std::make_unique<RedisWatch>(
        loop.get_executor(), server->address(), std::move(credentials), config,
        WatchEvents{.health_changed =
                        [this](const HealthChanged& changed) {
                          log.push_back(std::string(to_string(changed.health)));
                          if (on_change) on_change();
                        },
                    .facts_read =
                        [this](const FactsRead&) {
                          ++facts_read;
                          if (on_facts) on_facts();
                        },
                    .answered = [this](TimePoint when) { answers.push_back(when); }});
    watch->start();
  }
  void serve(FakeServer::Script script) {
    server = std::make_unique<FakeServer>(loop, std::move(script));
  }
  void wait_for(const std::string& health) {
    ASSERT_TRUE(run_until(loop, [&] { return !log.empty() && log.back() == health; }))
        << "no " << health << " after " << testing::PrintToString(log);
  }

  boost::asio::io_context loop;
  Log log;
  int facts_read = 0;
  std::vector<TimePoint> answers;
  std::function<void()> on_change;
  std::function<void()> on_facts;
  std::unique_ptr<FakeServer> server;
  std::unique_ptr<RedisWatch> watch;
};

TEST_F(RedisWatchTest, AServerThatAnswersIsUp) {
  serve(&FakeServer::behave);
  watch_server();
  wait_for("up");
  EXPECT_EQ(server->commands(),
            (std::vector<Command>{{"PING"}, {"PUBSUB", "NUMSUB", "__sentinel__:hello"}, {"INFO"}}));
  EXPECT_EQ(watch->snapshot().facts.run_id, "fake");
  EXPECT_EQ(facts_read, 1);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_LE(answers.front(), watch->snapshot().last_answer);
  ASSERT_TRUE(run_until(loop, [&] { return answers.size() == 4; })) << "PINGs go on";
  EXPECT_EQ(log, Log{"up"});
}

TEST_F(RedisWatchTest, CredentialsComeFirstWithAndWithoutUser) {
  serve(&FakeServer::behave);
  watch_server({.user = {}, .password = "secret"});
  wait_for("up");
  EXPECT_EQ(server->commands().front(), (Command{"AUTH", "secret"}));
  serve(&FakeServer::behave);
  log.clear();
  watch_server({.user = "agent", .password = "secret"});
  wait_for("up");
  EXPECT_EQ(server->commands().front(), (Command{"AUTH", "agent", "secret"}));
}

TEST_F(RedisWatchTest, AHungServerKeepsItsConnectionAndStillGetsOurCommands) {
  bool silent = false;
  std::vector<FakeServer::Session*> waiting;
  serve([&](auto& session, const Command& command) {
    if (silent) return waiting.push_back(&session);
    FakeServer::behave(session, command);
  });
  watch_server();
  wait_for("up");
  silent = true;
  wait_for("hung");
  watch->command({"CLIENT", "KILL"}, [](const Reply*) {});
  const Command sent{"CLIENT", "KILL"};
  EXPECT_TRUE(run_until(loop, [&] { return server->commands().back() == sent; }));
  EXPECT_EQ(server->accepted(), 1);
  EXPECT_TRUE(watch->snapshot().connected);
}

TEST_F(RedisWatchTest, AServerThatGoesAwayIsDeadAndComesBackUp) {
  serve(&FakeServer::behave);
  watch_server();
  wait_for("up");
  server.reset();
  wait_for("dead");
  EXPECT_EQ(log, (Log{"up", "dead"}));
}

TEST_F(RedisWatchTest, ADroppedConnectionIsNoTransition) {
  serve(&FakeServer::behave);
  watch_server();
  wait_for("up");
  server->close_all();
  ASSERT_TRUE(run_until(loop, [&] { return facts_read == 2; }));
  EXPECT_EQ(log, Log{"up"});
  EXPECT_EQ(server->accepted(), 2);
}

TEST_F(RedisWatchTest, WhoeverSharesTheConnectionGetsTheirOwnReplies) {
  serve([](auto& session, const Command& command) {
    if (command.front() == "ROLE") return session.send("$4\r\nrole\r\n");
    FakeServer::behave(session, command);
  });
  watch_server();
  wait_for("up");
  Reply seen;
  watch->command({"ROLE"}, [&](const Reply* reply) { seen = reply ? *reply : Reply{}; });
  watch->refresh();
  ASSERT_TRUE(run_until(loop, [&] { return seen != Reply{} && facts_read == 2; }));
  EXPECT_EQ(seen, Reply::bulk("role"));
}

TEST_F(RedisWatchTest, ACommandWithoutConnectionGetsNothing) {
  serve(&FakeServer::behave);
  watch_server();
  bool nothing = false;
  watch->stop();
  watch->command({"ROLE"}, [&](const Reply* reply) { nothing = reply == nullptr; });
  EXPECT_FALSE(nothing) << "not from inside command()";
  EXPECT_TRUE(run_until(loop, [&] { return nothing; }));
}

TEST_F(RedisWatchTest, StoppedItIsSilentAndStartedAgainItBeginsAnew) {
  serve(&FakeServer::behave);
  on_facts = [this] { watch->stop(); };
  watch_server();
  ASSERT_TRUE(run_until(loop, [&] { return facts_read == 1; }));
  bool turned = false;
  boost::asio::post(loop, [&] { turned = true; });
  ASSERT_TRUE(run_until(loop, [&] { return turned; }));
  EXPECT_EQ(log, Log{}) << "the verdict stood behind the facts";

  on_facts = nullptr;
  watch->start();
  wait_for("up");
}

TEST_F(RedisWatchTest, ItMayBeDestroyedInsideItsEvents) {
  serve(&FakeServer::behave);
  on_change = [this] { watch.reset(); };
  watch_server();
  wait_for("up");
  EXPECT_EQ(watch, nullptr);

  log.clear();
  on_change = nullptr;
  on_facts = [this] { watch.reset(); };
  watch_server();
  ASSERT_TRUE(run_until(loop, [&] { return watch == nullptr; }));
  EXPECT_EQ(log, Log{});
}

TEST_F(RedisWatchTest, ARefreshAskedForInsideAnEventIsDoneAfterIt) {
  serve(&FakeServer::behave);
  on_change = [this] { watch->refresh(); };
  watch_server();
  ASSERT_TRUE(run_until(loop, [&] { return facts_read == 2; }));
  EXPECT_EQ(log, Log{"up"});
}

}  // namespace
}  // namespace health::io
