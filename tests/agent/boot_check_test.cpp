// Which units would start a server as a master, in folders as systemd has them.
#include "agent/io/boot_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "config_fixture.hpp"

namespace agent::io {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::uint16_t kPort = 6379;
constexpr const char* kDebian =
    "[Service]\nType=notify\n"
    "ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd --daemonize no\n";

class BootCheck : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    const fs::path file = root() / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  fs::path root() const { return folder_.path("root"); }
  std::vector<std::string> warnings(std::uint16_t port = kPort) const {
    return boot_warnings(port, root());
  }

  ConfigFolder folder_;
};

TEST_F(BootCheck, AHostWithoutUnitsHasNoWarnings) {
  EXPECT_THAT(warnings(), IsEmpty());
}

TEST_F(BootCheck, DebiansUnitBootsAMaster) {
  write("lib/systemd/system/redis-server.service", kDebian);
  EXPECT_THAT(warnings(), ElementsAre(StartsWith("redis-server.service starts its server as a "
                                                 "master: ")));
}

TEST_F(BootCheck, AnotherNameOfAUnitIsNotAskedAgain) {
  write("lib/systemd/system/redis-server.service", kDebian);
  fs::create_directories(root() / "etc/systemd/system");
  fs::create_symlink("/lib/systemd/system/redis-server.service",
                     root() / "etc/systemd/system/redis.service");
  EXPECT_EQ(warnings().size(), 1U);
}

TEST_F(BootCheck, OurDropInCuresIt) {
  write("lib/systemd/system/redis-server.service", kDebian);
  std::ifstream ours(TANDEM_SOURCE_DIR "/systemd/redis-server.service.d/tandem.conf");
  std::stringstream text;
  text << ours.rdbuf();
  write("etc/systemd/system/redis-server.service.d/tandem.conf", text.str());
  EXPECT_THAT(warnings(), IsEmpty());
  // What somebody else puts behind it counts.
  write("etc/systemd/system/redis-server.service.d/zz.conf",
        "[Service]\nExecStart=\nExecStart=/usr/bin/redis-server \\\n /etc/redis/redis.conf\n");
  EXPECT_EQ(warnings().size(), 1U);
}

// It would copy the peer before the agent has looked, unless it names nobody.
TEST_F(BootCheck, AConfigurationThatNamesThePeerIsNotGood) {
  write("lib/systemd/system/redis-server.service", kDebian);
  write("etc/redis/redis.conf", "port 6379\n# replicaof 1.2.3.4 1\n");
  EXPECT_EQ(warnings().size(), 1U);
  write("etc/redis/redis.conf", "port 6379\nslaveof 192.168.1.113 6379\n");
  EXPECT_THAT(warnings(), ElementsAre(StartsWith("redis-server.service starts its server as a "
                                                 "replica of 192.168.1.113: ")));
  write("etc/redis/redis.conf", "port 6379\nreplicaof 127.0.0.1 1\n");
  EXPECT_THAT(warnings(), IsEmpty());
}

TEST_F(BootCheck, AServerOnAnotherPortIsNotOurs) {
  write("etc/systemd/system/valkey.service",
        "[Service]\nExecStart=/usr/bin/valkey-server /etc/valkey.conf\n");
  write("etc/valkey.conf", "port 0\ntls-port 6390\n");
  EXPECT_THAT(warnings(), IsEmpty());
  EXPECT_EQ(warnings(6390).size(), 1U);
}

}  // namespace
}  // namespace agent::io
