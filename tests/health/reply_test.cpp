// What kind of answer each reply is, with the words of real servers.
#include "health/reply.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/health/print.hpp"

namespace health {
namespace {

TEST(ReplyTest, TheFirstWordOfAnErrorIsItsCode) {
  EXPECT_EQ(Reply::error("LOADING Redis is loading").error_code(), "LOADING");
  EXPECT_EQ(Reply::error("ERR").error_code(), "ERR");
  EXPECT_EQ(Reply::error("").error_code(), "");
  EXPECT_EQ(Reply::status("LOADING Redis").error_code(), "");
}

TEST(ReplyTest, OnlyTheStatusOkIsOk) {
  EXPECT_TRUE(Reply::status("OK").is_ok());
  EXPECT_FALSE(Reply::bulk("OK").is_ok());
  EXPECT_FALSE(Reply::error("OK").is_ok());
  EXPECT_FALSE(Reply::status("QUEUED").is_ok());
}

TEST(ReplyTest, EachReplyToPingHasItsKind) {
  using enum ReplyKind;
  const std::vector<std::pair<Reply, ReplyKind>> cases{
      {Reply::status("PONG"), pong},
      {Reply::error("LOADING Redis is loading the dataset in memory"), loading},
      {Reply::error("LOADING Valkey is loading the dataset in memory"), loading},
      {Reply::error("BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                    "SHUTDOWN NOSAVE."),
       busy},
      {Reply::error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to "
                    "'no'."),
       master_down},
      {Reply::error("MISCONF Errors writing to the AOF file: No space left on device"), misconf},
      {Reply::error("NOAUTH Authentication required."), bad_credentials},
      {Reply::error("WRONGPASS invalid username-password pair or user is disabled."),
       bad_credentials},
      {Reply::error("NOPERM this user has no permissions to run the 'ping' command"),
       bad_credentials},
      {Reply::error("ERR invalid password"), bad_credentials},
      {Reply::error("ERR operation not permitted"), bad_credentials},
      {Reply::error("ERR max number of clients reached"), max_clients},
      {Reply::error("ERR max number of clients + cluster connections reached"), max_clients},
      {Reply::error("DENIED Redis is running in protected mode because ..."), protected_mode},
      {Reply::error("ERR unknown command 'PING'"), other_error},
      {Reply::error("BUSYKEY Target key name already exists."), other_error},
      {Reply::error(""), other_error},
      {Reply::status("OK"), not_redis},
      {Reply::bulk("PONG"), not_redis},
      {Reply{}, not_redis},
  };
  for (const auto& [reply, kind] : cases) EXPECT_EQ(classify(reply), kind) << reply.text;
}

}  // namespace
}  // namespace health
