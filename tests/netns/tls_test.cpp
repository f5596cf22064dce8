// A pair whose servers speak TLS only, to their clients and to each other: what the agents do is
// what they do without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "tests/support/certificates.hpp"
#include "tests/support/pair_scene.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Certificates of one authority for both servers, the agents and the clients.
class TlsFiles {
 public:
  TlsFiles() {
    authority_.issue({.name = "server", .names = {"10.77.0.1", "10.77.0.2", std::string(kVip)}});
    authority_.issue({.name = "client", .names = {}});
    Authority(dir_.path(), "stranger");
  }
  [[nodiscard]] std::string dir() const { return dir_.path().string(); }
  [[nodiscard]] std::string tls(const std::string& authority = "ca") const {
    const std::string begin = "\"" + dir() + "/";
    return "tls = { ca = " + begin + authority + ".crt\", cert = " + begin +
           "client.crt\", key = " + begin + "client.key\"";
  }
  // The local server is reached by an address that its certificate does not name.
  [[nodiscard]] PairOptions pair(int priority) const {
    PairOptions options = with_priority(priority);
    options.server_lines = tls() + ", server_name = \"10.77.0.1\" }\n";
    return options;
  }
  [[nodiscard]] SceneOptions scene() const {
    SceneOptions options;
    options.server_a.tls_dir = options.server_b.tls_dir = dir();
    options.pair_a = pair(250);
    options.pair_b = pair(240);
    return options;
  }

 private:
  TempDir dir_;
  Authority authority_{dir_.path()};
};

std::string switch_over(PairScene::Side& side) {
  const Outcome outcome = side.agent.command({"switchover"});
  return std::to_string(outcome.exit_code) + " " + outcome.output;
}

TEST(Tls, ASwitchoverAndAFailoverOfATlsOnlyPairLoseNothing) {
  const TlsFiles files;
  PairScene scene(files.scene());
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client(), std::string(kVip), 6379, files.dir());
  ASSERT_TRUE(writer.goes_on());
  ASSERT_THAT(switch_over(scene.a), StartsWith("0 redis: the role moved to 10.77.0.2:6379, "));
  ASSERT_TRUE(scene.reaches(kBLeads));
  ASSERT_TRUE(writer.goes_on());
  ASSERT_TRUE(PairScene::protects(scene.b.agent));
  ASSERT_THAT(switch_over(scene.b), StartsWith("0 redis: the role moved to 10.77.0.1:6379, "));
  ASSERT_TRUE(scene.reaches(kALeads));
  ASSERT_TRUE(writer.goes_on());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  writer.at_quiet_point([&] { scene.a.redis.kill(); });
  ASSERT_TRUE(scene.led_by("B"));
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
  EXPECT_THAT(writer.refusals(), testing::Not(HasSubstr("READONLY")));
}

// No server takes a plain connection or one without a certificate: what comes back came over TLS.
TEST(Tls, ADeadServerIsBroughtBackWithTheLeadersDataset) {
  const TlsFiles files;
  SceneOptions options = files.scene();
  options.quarantine = true;
  options.server_a.save = true;
  options.pair_a.server_lines +=
      "start = \"HOST_DIR/start.sh\"\nstop = \"HOST_DIR/stop.sh\"\nrecovery = \"rdb\"\n"
      "recovery_delay = \"500ms\"\n";
  PairScene scene(options);
  const std::string redis = (scene.a.host.dir / "redis-6379").string();
  const std::string pid_file = (scene.a.host.dir / "redis.pid").string();
  const auto script = [&](const std::string& name, const std::string& body) {
    write_file(scene.a.host.dir / name, "#!/bin/sh\n" + body + "\n", std::filesystem::perms(0755));
  };
  script("start.sh", "exec redis-server " + redis + "/redis.conf --daemonize yes --pidfile " +
                         pid_file + " --logfile " + redis +
                         "/again.log --replicaof 10.77.0.2 6379");
  script("stop.sh", "exit 0");
  ASSERT_TRUE(scene.start());
  scene.a.redis.kill();
  scene.a.agent.kill();
  ASSERT_TRUE(scene.led_by("B"));
  scene.b.redis.command({"SET", "later", "x"});
  scene.a.agent.start();
  EXPECT_TRUE(scene.reaches(kBLeads)) << scene.a.agent.field("/alarms");
  EXPECT_EQ(scene.a.redis.command({"GET", "later"}).text, "x");
  EXPECT_EQ(scene.data(), kDataIntact);
  const std::string said = read_file(scene.a.agent.log());
  EXPECT_THAT(said, HasSubstr("dump.rdb holds the leader's dataset now: "));
  EXPECT_THAT(said, HasSubstr(", checksum good"));
  const std::string pid = read_file(pid_file);
  if (!pid.empty()) ::kill(std::stoi(pid), SIGKILL);
}

// The standby's agent does not know the CA of the leader's server: an alarm, and nobody moves.
TEST(Tls, AnUnknownAuthorityIsAnAlarmAndNoFailover) {
  const TlsFiles files;
  SceneOptions options = files.scene();
  options.pair_b.peer_lines = files.tls("stranger") + " }\n";
  PairScene scene(options);
  scene.start_servers();
  scene.a.agent.start();
  scene.b.agent.start();
  ASSERT_TRUE(scene.led_by("A"));
  ASSERT_TRUE(eventually("B's alarm", kSoon, [&] {
    const std::string alarms = scene.b.agent.field("/alarms");
    return Seen{alarms.find("which is no CA of tls.ca") != std::string::npos, alarms};
  }));
  EXPECT_TRUE(scene.keeps(kALeads));
}

}  // namespace
}  // namespace support
