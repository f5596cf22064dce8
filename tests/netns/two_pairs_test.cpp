// Two pairs on one agent: each has its leader, and what happens to one does not touch the other.
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

constexpr const char* kSecondVip = "10.77.0.101";

PairOptions first_pair(int priority) {
  PairOptions options;
  options.name = "first";
  options.priority = priority;
  return options;
}

PairOptions second_pair(int priority) {
  PairOptions options;
  options.name = "second";
  options.vrid = 52;
  options.priority = priority;
  options.port = 6380;
  options.vip = std::string(kSecondVip) + "/24";
  return options;
}

RedisOptions on_port(int port) {
  RedisOptions options;
  options.port = port;
  return options;
}

class TwoPairs : public testing::Test {
 protected:
  struct Side {
    Host host;
    RedisServer first;
    RedisServer second;
    Agent agent;

    std::string picture() {
      const auto pair = [this](const char* name, std::string_view vip, RedisServer& server) {
        return agent.state(name) + (host.has_address(vip) ? ", VIP, " : ", no VIP, ") +
               server.role();
      };
      return pair("first", kVip, first) + " / " + pair("second", kSecondVip, second);
    }
  };

  static void replicate(RedisServer& replica, RedisServer& master) {
    master.start_and_wait();
    master.fill(100);
    replica.start_and_wait();
    replica.command({"REPLICAOF", master.host().ip, std::to_string(master.port())});
    ASSERT_TRUE(eventually(
        "the replica is in sync", kSoon,
        equals([&] { return replica.role(); }, "replica of " + master.host().ip + ", in sync")));
  }

  testing::AssertionResult reaches(const std::string& a, const std::string& b) {
    const auto picture = [this] { return "A " + a_.picture() + " | B " + b_.picture(); };
    return eventually("both pairs settle", kSoon, equals(picture, "A " + a + " | B " + b));
  }

  Lan lan_;
  Side a_{lan_.a(), RedisServer(lan_.a(), on_port(6379)), RedisServer(lan_.a(), on_port(6380)),
          Agent(lan_.a(), lan_.b(), {first_pair(250), second_pair(250)})};
  Side b_{lan_.b(), RedisServer(lan_.b(), on_port(6379)), RedisServer(lan_.b(), on_port(6380)),
          Agent(lan_.b(), lan_.a(), {first_pair(240), second_pair(240)})};
};

TEST_F(TwoPairs, EachFollowsItsOwnMaster) {
  replicate(b_.first, a_.first);
  replicate(a_.second, b_.second);
  a_.agent.start();
  b_.agent.start();
  ASSERT_TRUE(reaches("leading, VIP, master / standby, no VIP, replica of 10.77.0.2, in sync",
                      "standby, no VIP, replica of 10.77.0.1, in sync / leading, VIP, master"));

  ASSERT_TRUE(PairScene::protects(a_.agent, "first"));
  Writer first(lan_.client());
  Writer second(lan_.client(), kSecondVip, 6380);
  EXPECT_TRUE(first.goes_on());
  EXPECT_TRUE(second.goes_on());
  EXPECT_EQ(a_.agent.stop(), 0);
  a_.agent.start();
  EXPECT_TRUE(reaches(
      "standby, no VIP, replica of 10.77.0.2, in sync / standby, no VIP, replica of 10.77.0.2, "
      "in sync",
      "leading, VIP, master / leading, VIP, master"));
  EXPECT_TRUE(first.goes_on());
  EXPECT_TRUE(first.finds_all_on(b_.first));
  EXPECT_TRUE(second.finds_all_on(b_.second));
}

TEST_F(TwoPairs, ADeadServerMovesOnlyItsOwnPair) {
  replicate(b_.first, a_.first);
  replicate(b_.second, a_.second);
  a_.agent.start();
  b_.agent.start();
  const std::string follows = "standby, no VIP, replica of 10.77.0.1, in sync";
  ASSERT_TRUE(reaches("leading, VIP, master / leading, VIP, master", follows + " / " + follows));
  ASSERT_TRUE(PairScene::protects(a_.agent, "first"));

  a_.first.kill();
  EXPECT_TRUE(
      eventually("B leads the first pair", kSoon,
                 equals([this] { return b_.picture(); }, "leading, VIP, master / " + follows)));
  EXPECT_TRUE(stays("A leads the second pair", Millis(2000),
                    equals([this] { return a_.agent.state("second"); }, "leading")));
  EXPECT_EQ(b_.first.missing(100), 0);
}

}  // namespace
}  // namespace support
