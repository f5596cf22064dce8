// The log in a real journal: a systemd-journald of the test's own, in a mount namespace of its own,
// with the agent beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <regex>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

namespace json = boost::json;

constexpr const char* kJournald = "/lib/systemd/systemd-journald";

// /run is private, the journal's files are kept in $0.
constexpr const char* kBesideAJournal = R"(set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal "$0"
mount --bind "$0" /run/log/journal
/lib/systemd/systemd-journald &
while ! [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
"$@" &
agent=$!
trap 'kill -TERM $agent' TERM
wait $agent || true
wait $agent || true
kill %1
wait
)";

class Journal : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kJournald)) GTEST_SKIP() << "needs systemd-journald";
    std::string text = read_file(scene_.a.agent.config());
    text = std::regex_replace(text, std::regex("target = \"stderr\""), "target = \"journal\"");
    write_file(config_, text, std::filesystem::perms(0600));
    scene_.start_servers();
    agent_.emplace(Argv{"unshare", "-m", "--propagation", "private", "bash", "-c", kBesideAJournal,
                        folder_, tandemd_path(), "--config", config_},
                   scene_.a.host.netns, scene_.a.host.dir / "journal.out");
  }
  void TearDown() override {
    if (!agent_) return;
    agent_->signal(SIGTERM);
    agent_->wait(kSoon);
  }
  // The lines of the journal that match, as journalctl tells them.
  std::vector<json::object> lines(const Argv& matches) const {
    Argv argv{"sh", "-c", "exec journalctl --no-pager -o json -D \"$0\"/* \"$@\"", folder_};
    argv.insert(argv.end(), matches.begin(), matches.end());
    std::vector<json::object> out;
    std::istringstream text(run(argv).output);
    for (std::string line; std::getline(text, line);) {
      boost::system::error_code error;
      const json::value value = json::parse(line, error);
      if (!error && value.is_object()) out.push_back(value.get_object());
    }
    return out;
  }
  static std::string field(const json::object& line, const char* name) {
    const auto* found = line.if_contains(name);
    return found == nullptr || !found->is_string() ? "-" : std::string(found->get_string());
  }

  PairScene scene_;
  std::filesystem::path config_ = scene_.a.host.dir / "journal.toml";
  std::string folder_ = scene_.a.host.dir / "journal";
  std::optional<Process> agent_;
};

TEST_F(Journal, HasTheFieldsOfAPair) {
  std::vector<json::object> found;
  ASSERT_TRUE(eventually("it leads", kSoon, [&] {
    found = lines({"PAIR=redis", "EVENT=transition", "STATE=leading"});
    return Seen{!found.empty(), read_file(scene_.a.host.dir / "journal.out")};
  }));
  const json::object& line = found.front();
  EXPECT_THAT(field(line, "MESSAGE"), testing::StartsWith("redis: standby -> leading: "));
  EXPECT_EQ(field(line, "PRIORITY"), "6");
  EXPECT_EQ(field(line, "EPOCH"), "1");
  EXPECT_EQ(field(line, "REASON"), scene_.a.agent.field("/reason"));
  EXPECT_EQ(field(line, "SYSLOG_IDENTIFIER"), "tandemd");
  EXPECT_EQ(field(line, "CODE_FILE"), "-");
  EXPECT_EQ(field(line, "TANDEM_MESSAGE"), "-");
}

TEST_F(Journal, AWarningHasTheKeyUnderWhichTheManualExplainsIt) {
  ASSERT_TRUE(eventually("B's server is in sync with A's", kSoon, [&] {
    const std::string seen = scene_.a.agent.field("/standby_in_sync");
    return Seen{seen == "true", seen};
  }));
  scene_.b.redis.kill();
  std::vector<json::object> found;
  ASSERT_TRUE(eventually("the alarm is in the journal", kSoon, [&] {
    found = lines({"TANDEM_MESSAGE=no-standby-in-sync"});
    return Seen{!found.empty(), "no line"};
  }));
  EXPECT_EQ(field(found.front(), "PRIORITY"), "4");
  EXPECT_EQ(field(found.front(), "EVENT"), "alarm");
  EXPECT_EQ(field(found.front(), "PAIR"), "redis");
}

}  // namespace
}  // namespace support
