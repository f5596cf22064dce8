// `tandem doctor` on a host with real servers, a real firewall and real disks: it finds what was
// broken, says what mends it, and the command mends it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

struct Report {
  int code = 0;
  json::value value;
  // "problem: ..." of all findings of this level, a line each.
  std::string of(const std::string& level) const {
    std::string out;
    for (const auto& finding : value.at("findings").as_array()) {
      if (finding.at("level").as_string() != level) continue;
      out += std::string(finding.at("what").as_string()) + "\n";
    }
    return out;
  }
  // The commands of the first finding that says this, as one line of a shell.
  std::string mend(const std::string& part) const {
    for (const auto& finding : value.at("findings").as_array()) {
      if (std::string(finding.at("what").as_string()).find(part) == std::string::npos) continue;
      std::string out;
      for (const auto& command : finding.at("mend").as_array()) {
        out += std::string(command.as_string()) + "\n";
      }
      return out;
    }
    return {};
  }
};

Report examine(PairScene::Side& side) {
  const Outcome outcome =
      side.agent.command({"doctor", "--json", "--config", side.agent.config().string()});
  EXPECT_THAT(outcome.output, Not(HasSubstr(kPassword)));
  boost::system::error_code error;
  Report out{outcome.exit_code, json::parse(outcome.output, error)};
  if (error) throw std::runtime_error("`tandem doctor --json` is not JSON: " + outcome.output);
  return out;
}

void mend(PairScene::Side& side, const std::string& commands) {
  const Outcome done = run({"/bin/sh", "-ec", commands}, side.host.netns);
  EXPECT_EQ(done.exit_code, 0) << commands << done.output;
}

TEST(Doctor, FindsNothingSeriousOnAGoodHostWithAndWithoutAnAgent) {
  PairScene scene;
  scene.start_servers();
  const Report alone = examine(scene.a);
  EXPECT_EQ(alone.of("problem"), "");
  EXPECT_EQ(alone.code, 0);
  EXPECT_FALSE(alone.value.at("agent").as_bool());
  EXPECT_THAT(alone.of("advice"), HasSubstr("no agent could be asked ("));
  EXPECT_THAT(alone.of("ok"),
              HasSubstr("this host's server can log in to the peer's as a replica"));
  EXPECT_THAT(alone.of("ok"), HasSubstr("the firewall lets in VRRP adverts"));

  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  const Report both = examine(scene.a);
  EXPECT_EQ(both.of("problem"), "");
  EXPECT_TRUE(both.value.at("agent").as_bool());
  EXPECT_THAT(both.of("ok"), HasSubstr("the standby is in sync: a failover would lose nothing"));
  // The running agent says which file is in force.
  const Outcome plain = scene.a.agent.command({"doctor"});
  EXPECT_EQ(plain.exit_code, 0) << plain.output;
  EXPECT_THAT(plain.output, HasSubstr("nothing serious"));
}

TEST(Doctor, WrongMasterauthIsFoundAndMended) {
  SceneOptions options;
  options.server_a.masterauth = "not-that-one";
  PairScene scene(options);
  scene.a.redis.start_and_wait();
  scene.b.redis.start_and_wait();
  const Report report = examine(scene.a);
  EXPECT_EQ(report.code, 1);
  EXPECT_THAT(report.of("problem"),
              HasSubstr("this host's server cannot replicate from the peer's"));
  EXPECT_THAT(report.of("problem"), HasSubstr("WRONGPASS"));
  mend(scene.a, report.mend("cannot replicate from"));
  EXPECT_EQ(examine(scene.a).of("problem"), "");
  EXPECT_EQ(scene.a.redis.command({"CONFIG", "GET", "masterauth"}).ok(), true);
}

TEST(Doctor, SettingsOfTheServer) {
  SceneOptions options;
  options.server_a.more = {"repl-diskless-sync-delay 5", "repl-backlog-size 1mb",
                           "bind 10.77.0.1 127.0.0.1"};
  PairScene scene(options);
  scene.start_servers();
  const Report report = examine(scene.a);
  EXPECT_THAT(report.of("problem"),
              HasSubstr("clients of the VIP 10.77.0.100 would be refused: the server listens on "
                        "10.77.0.1 127.0.0.1 only"));
  EXPECT_THAT(report.of("advice"), HasSubstr("repl-diskless-sync-delay is 5 s"));
  EXPECT_THAT(report.of("advice"), HasSubstr("the server saves nothing to disk"));
  for (const char* const part : {"would be refused", "repl-diskless-sync-delay is",
                                 "repl-backlog-size is", "saves nothing to disk"}) {
    mend(scene.a, report.mend(part));
  }
  Report mended = examine(scene.a);
  EXPECT_EQ(mended.of("problem"), "");
  EXPECT_THAT(mended.of("advice"), Not(HasSubstr("repl-")));
  // Also with its next start.
  scene.a.redis.kill();
  scene.a.redis.start_and_wait();
  mended = examine(scene.a);
  EXPECT_EQ(mended.of("problem"), "");
  EXPECT_THAT(mended.of("advice"), Not(HasSubstr("saves nothing")));
}

TEST(Doctor, TheFirewallIsReadAndOpened) {
  PairScene scene;
  scene.start_servers();
  mend(scene.a,
       "nft add table inet filter\n"
       "nft add chain inet filter input '{ type filter hook input priority 0; policy drop; }'\n"
       "nft add rule inet filter input ct state established,related accept\n"
       "nft add rule inet filter input iifname lo accept\n"
       "nft add rule inet filter input tcp dport 22 accept\n");
  const Report report = examine(scene.a);
  EXPECT_THAT(report.of("problem"),
              HasSubstr("the firewall drops VRRP adverts (IP protocol 112) of the peer (chain inet "
                        "filter input)"));
  EXPECT_THAT(report.of("problem"), HasSubstr("the firewall drops the replication of the peer's"));
  for (const char* const part : {"drops VRRP", "drops the replication"}) {
    std::string commands = report.mend(part);
    commands.resize(commands.find('\n'));  // the second one is for the next boot
    mend(scene.a, commands);
  }
  EXPECT_EQ(examine(scene.a).of("problem"), "");
}

TEST(Doctor, ServersThatDoNotAnswer) {
  PairScene scene;
  const Report report = examine(scene.a);
  EXPECT_EQ(report.code, 1);
  EXPECT_THAT(report.of("problem"), HasSubstr("the server at 127.0.0.1:6379 cannot be asked"));
  EXPECT_THAT(report.of("problem"),
              HasSubstr("the peer's server at 10.77.0.2:6379 cannot be asked"));
}

TEST(Doctor, RightsThatAreMissing) {
  SceneOptions options;
  options.pair_a.server_lines = "user = \"tandem\"\n";
  options.server_a.more = {"user tandem on >" + kPassword + " -@all +ping +info +role +config|get"};
  options.server_b.more = {"user tandem on >" + kPassword + " +@all ~* &*"};
  PairScene scene(options);
  scene.start_servers();
  const Report report = examine(scene.a);
  EXPECT_THAT(report.of("problem"),
              HasSubstr("ACL: user tandem may not run CONFIG SET on the local server"));
}

TEST(Doctor, BadInputIsSaidInOneSentence) {
  PairScene scene;
  const std::string config = scene.a.agent.config().string();
  const Outcome wrong = scene.a.agent.command({"doctor", "cache", "--config", config});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_EQ(wrong.output, "tandem: no pair of that name: cache; " + config + " has redis\n");
  const Outcome none = scene.a.agent.command({"doctor", "--config", "/nowhere/tandem.toml"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.output, HasSubstr("/nowhere/tandem.toml does not exist"));
  std::ofstream(scene.a.agent.config(), std::ios::app) << "vrid = 1\n";
  const Outcome bad = scene.a.agent.command({"doctor", "--config", config});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.output, HasSubstr("problem  " + config + ":"));
}

}  // namespace
}  // namespace support
