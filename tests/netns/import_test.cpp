// The well-known recipe (keepalived, four scripts, a recovery by hand) becomes a working pair: its
// two configurations are imported on two hosts with a real Redis each, both agents start on the
// result, and the whole story of the recipe happens: failover, recovery by copy, the role goes
// back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "tests/support/pair_scene.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

const fs::path kRecipe = fs::path(TANDEM_SOURCE_DIR) / "tests/agent/recipe";
const std::string kPair = "VI_1";   // vrrp_instance VI_1
constexpr Millis kPatience{60000};  // recovery begins after 5 s, failback after 30 s

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

SceneOptions options() {
  SceneOptions out;
  out.quarantine = true;
  out.server_a.save = out.server_b.save = true;
  out.pair_a.secret = out.pair_b.secret = std::string(64, '7');
  return out;
}

class ImportedPair : public testing::Test {
 protected:
  ImportedPair() : scene_(options()) {
    import(scene_.a, "master", scene_.b.host.ip);
    import(scene_.b, "backup", scene_.a.host.ip);
  }
  ~ImportedPair() override {
    for (auto* side : {&scene_.a, &scene_.b}) {
      const std::string pid = read_file(side->host.dir / "redis.pid");
      if (!pid.empty()) ::kill(std::stoi(pid), SIGKILL);
    }
  }
  ImportedPair(const ImportedPair&) = delete;
  ImportedPair& operator=(const ImportedPair&) = delete;

  // The recipe with the addresses, password and paths of this LAN.
  [[nodiscard]] std::string adapted(const fs::path& path, const fs::path& dir) const {
    std::string text = read_file(path);
    replace_all(text, "192.168.1.112", scene_.a.host.ip);
    replace_all(text, "192.168.1.113", scene_.b.host.ip);
    replace_all(text, "192.168.1.120", std::string(kVip));
    replace_all(text, "-a 123", "-a " + kPassword);
    replace_all(text, "/usr/local/scripts", (dir / "scripts").string());
    replace_all(text, "/usr/local/redis2/master_dump.rdb", (dir / "redis-6379/dump.rdb").string());
    return text;
  }

  void import(PairScene::Side& side, const std::string& name, const std::string& peer) {
    const fs::path& dir = side.host.dir;
    fs::create_directories(dir / "scripts");
    for (const auto& entry : fs::directory_iterator(kRecipe / "scripts")) {
      write_file(dir / "scripts" / entry.path().filename(), adapted(entry.path(), dir));
    }
    write_file(dir / "keepalived.conf", adapted(kRecipe / (name + ".conf"), dir));
    imported_[name] =
        run({tandem_path(), "import", dir / "keepalived.conf", "-o", dir / "out.toml"},
            side.host.netns);
    std::string text = read_file(dir / "out.toml");
    replace_all(text, "/etc/tandem/", dir.string() + "/");
    for (const std::string verb : {"start", "stop"}) {
      replace_all(text, verb + " = [\"systemctl\", \"" + verb + "\", \"redis-server\"]",
                  verb + " = [\"" + (dir / verb).string() + ".sh\"]");
    }
    // Where an agent of this host keeps what is its own; the import leaves [agent] to its defaults.
    const std::string agent = "[agent]\nnode = \"" + side.host.name + "\"\nstate_dir = \"" +
                              side.agent.state_dir() + "\"\ncontrol_socket = \"" +
                              (dir / "control.sock").string() +
                              "\"\nlog = { level = \"debug\", target = \"stderr\" }\n";
    write_file(side.agent.config(), agent + text, fs::perms(0600));
    write_commands(dir, peer);
  }

  static void write_commands(const fs::path& dir, const std::string& peer) {
    const std::string redis = (dir / "redis-6379").string();
    const std::string pid = (dir / "redis.pid").string();
    write_file(dir / "start.sh",
               "#!/bin/sh\nexec redis-server " + redis + "/redis.conf --daemonize yes --pidfile " +
                   pid + " --logfile " + redis + "/again.log --replicaof " + peer + " 6379\n",
               fs::perms(0755));
    write_file(dir / "stop.sh",
               "#!/bin/sh\n[ -f " + pid + " ] && kill $(cat " + pid + ") ; exit 0\n",
               fs::perms(0755));
  }

  std::string picture() {
    const auto one = [](PairScene::Side& side) {
      return side.agent.state(kPair) + (side.host.has_address() ? ", VIP, " : ", no VIP, ") +
             side.redis.role();
    };
    return "A " + one(scene_.a) + " | B " + one(scene_.b);
  }
  testing::AssertionResult reaches(const std::string& expected, Millis deadline = kSoon) {
    return eventually(expected, deadline, equals([this] { return picture(); }, expected));
  }

  PairScene scene_;
  std::map<std::string, Outcome> imported_;
};

TEST_F(ImportedPair, OfTheRecipeFailsOverRecoversAndGoesBack) {
  for (const auto& [name, outcome] : imported_) {
    EXPECT_EQ(outcome.exit_code, 0) << name << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("redis_master.sh is replaced"));
    EXPECT_THAT(outcome.output, Not(HasSubstr("FILL IN")));
    EXPECT_THAT(outcome.output, Not(HasSubstr(kPassword)));
  }
  for (const auto* side : {&scene_.a, &scene_.b}) {
    const Outcome check =
        run({tandemd_path(), "--config", side->agent.config(), "--check"}, side->host.netns);
    EXPECT_EQ(check.exit_code, 0) << check.output;
    EXPECT_THAT(check.output, HasSubstr("1 pair(s), no problem found"));
  }
  scene_.start_servers();
  scene_.a.agent.start();
  scene_.b.agent.start();
  ASSERT_TRUE(reaches(kALeads));
  ASSERT_TRUE(PairScene::protects(scene_.a.agent, kPair));

  Writer writer(scene_.lan.client());
  ASSERT_TRUE(writer.goes_on());
  writer.at_quiet_point([this] { scene_.a.redis.kill(); });
  ASSERT_TRUE(reaches(kBLeads, kPatience)) << scene_.a.agent.field("/alarms", kPair);
  ASSERT_TRUE(writer.goes_on());
  // failback = "auto", 30 s after the old master is back in sync.
  ASSERT_TRUE(reaches(kALeads, kPatience)) << scene_.a.agent.field("/failback", kPair);
  ASSERT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(scene_.a.redis));
  EXPECT_EQ(scene_.data(), kDataIntact);
}

}  // namespace
}  // namespace support
