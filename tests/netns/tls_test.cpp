// A pair whose servers speak TLS only, to their clients and to each other: what the agents do is
// what they do without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
