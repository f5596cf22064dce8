// `tandem fetch` as an operator uses it: what it prints, and its exit code.
#include "agent/io/fetch_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/hooks/rdb_bytes.hpp"
#include "tests/hooks/script_directory.hpp"
#include "tests/hooks/scripted_server.hpp"

namespace agent::io {
namespace {

using hooks::testing::bulk;
using hooks::testing::kGranted;
using hooks::testing::make_rdb;
using hooks::testing::ScriptedServer;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome run(const FetchOptions& options) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = fetch_dataset(options);
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

class FetchCommand : public ::testing::Test {
 protected:
  FetchOptions options(const std::string& server) const {
    FetchOptions wanted;
    wanted.server = server;
    wanted.output = directory_.path("copy.rdb");
    return wanted;
  }
  hooks::testing::ScriptDirectory directory_;
};

TEST_F(FetchCommand, SaysInOneLineWhatItKept) {
  const ScriptedServer server(kGranted + bulk(make_rdb("dataset")));
  const Outcome outcome = run(options("localhost:" + std::to_string(server.port())));
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out,
              ::testing::MatchesRegex(directory_.path("copy.rdb") +
                                      ": 25 bytes in [0-9]*\\.[0-9] s, RDB version 10, checksum "
                                      "good, offset 1234 of " +
                                      std::string(40, 'a') + "\n"));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(directory_.read("copy.rdb"), make_rdb("dataset"));
}

TEST_F(FetchCommand, SaysWhyThereIsNoFile) {
  const ScriptedServer server("-NOAUTH Authentication required.\r\n");
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  const Outcome outcome = run(options(address));
  EXPECT_EQ(outcome.err,
            "tandem: " + address + ": the server requires a password, and none was given\n");
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_FALSE(std::filesystem::exists(directory_.path("copy.rdb")));
}

TEST_F(FetchCommand, RefusesAddressesThatAreNone) {
  for (const std::string server :
       {"", "host", "host:", ":6379", "host:0", "host:65536", "host:x"}) {
    const Outcome outcome = run(options(server));
    EXPECT_EQ(outcome.err,
              "tandem: --server " + server + ": must be HOST:PORT, [ADDRESS]:PORT or unix:/PATH\n");
    EXPECT_EQ(outcome.code, 1);
  }
}

TEST_F(FetchCommand, ReachesIpv6AndUnixSockets) {
  EXPECT_EQ(run(options("[::1]:1")).err,
            "tandem: [::1]:1: cannot be reached: Connection refused\n");
  EXPECT_EQ(run(options("unix:/none/redis.sock")).err,
            "tandem: unix:/none/redis.sock: cannot be reached: No such file or directory\n");
}

TEST_F(FetchCommand, APasswordFileThatOthersReadIsRefused) {
  FetchOptions wanted = options("127.0.0.1:1");
  wanted.password_file = directory_.write("password", "secret\n", 0644);
  const Outcome outcome = run(wanted);
  EXPECT_NE(outcome.err.find("run: chmod 0600"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("secret"), std::string::npos);
  EXPECT_EQ(outcome.code, 1);
}

}  // namespace
}  // namespace agent::io
