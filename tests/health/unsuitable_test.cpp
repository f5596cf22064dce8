// Servers that somebody else manages, or that hold no data: recognised in the real ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "health/io/redis_watch.hpp"
#include "tests/health/loop.hpp"
#include "tests/health/print.hpp"
#include "tests/health/redis_process.hpp"

namespace health::io {
namespace {

using testing::StartsWith;
using Words = std::vector<std::string>;

class UnsuitableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisProcess::is_installed()) GTEST_SKIP() << "redis-server is not installed";
  }
  void look_at(const RedisProcess& server) {
    MonitorConfig config;
    config.info_interval = std::chrono::milliseconds(50);
    watch = std::make_unique<RedisWatch>(
        loop.get_executor(), server.address(), Credentials{}, config,
        WatchEvents{.health_changed =
                        [this](const HealthChanged& changed) {
                          ever_up = ever_up || changed.health == Health::up;
                          last = changed;
                        },
                    .facts_read = {},
                    .answered = {}});
    watch->start();
  }
  void wait_for(Health health) {
    ASSERT_TRUE(run_until(loop, [&] { return last.health == health; }))
        << testing::PrintToString(last);
  }

  boost::asio::io_context loop;
  HealthChanged last;
  bool ever_up = false;
  std::unique_ptr<RedisWatch> watch;
};

TEST_F(UnsuitableTest, ANodeOfAClusterIsNeverUp) {
  const RedisProcess node({"--cluster-enabled", "yes"});
  look_at(node);
  wait_for(Health::denied);
  EXPECT_THAT(last.detail, StartsWith("not for a pair: it is a node of a Redis Cluster"));
  EXPECT_FALSE(ever_up);
}

// A Sentinel, and the server that it watches.
TEST_F(UnsuitableTest, ASentinelAndWhatItWatchesAreNeverUp) {
  const RedisProcess server;
  const std::string conf = testing::TempDir() + "tandem_sentinel.conf";
  std::ofstream(conf) << "sentinel monitor m 127.0.0.1 " << server.address().port << " 1\n";
  const RedisProcess sentinel({}, {conf, "--sentinel"});
  look_at(sentinel);
  wait_for(Health::denied);
  EXPECT_THAT(last.detail, StartsWith("not for a pair: it is a Sentinel"));
  // It takes a Sentinel a moment to subscribe; from then on nobody finds the server fit.
  look_at(server);
  ASSERT_TRUE(run_until(loop, [&] {
    return last.detail.starts_with("not for a pair: Sentinel watches it (1 subscribed)");
  })) << testing::PrintToString(last);
  ever_up = false;
  last = {};
  look_at(server);
  wait_for(Health::denied);
  EXPECT_FALSE(ever_up);
  std::filesystem::remove(conf);
}

TEST_F(UnsuitableTest, AServerThatSentinelForgetsIsUp) {
  const RedisProcess server;
  const std::string conf = testing::TempDir() + "tandem_sentinel_2.conf";
  std::ofstream(conf) << "sentinel monitor m 127.0.0.1 " << server.address().port << " 1\n";
  RedisProcess sentinel({}, {conf, "--sentinel"});
  look_at(server);
  wait_for(Health::denied);
  sentinel.kill();
  wait_for(Health::up);
  std::filesystem::remove(conf);
}

}  // namespace
}  // namespace health::io
