// `tandem reload` and SIGHUP: a pair that is as it was does not notice, one that has changed begins
// anew without giving its role or its VIP away, a bad file changes nothing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/pair_scene.hpp"
#include "tests/support/writer.hpp"

namespace support {
namespace {

using testing::AllOf;
using testing::HasSubstr;

void replace(const Agent& agent, const std::string& from, const std::string& to) {
  std::string text = read_file(agent.config());
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  std::ofstream(agent.config()) << text.replace(at, from.size(), to);
}

// A second pair, whose servers need not be there.
void append_pair(const Agent& agent) {
  std::string text = read_file(agent.config());
  std::string pair = text.substr(text.find("[[pair]]"));
  const auto put = [&pair](const std::string& from, const std::string& to) {
    for (auto at = pair.find(from); at != std::string::npos; at = pair.find(from, at + to.size())) {
      pair.replace(at, from.size(), to);
    }
  };
  put("\"redis\"", "\"second\"");
  put("vrid = 51", "vrid = 52");
  put(std::string(kVip), "10.77.0.101");
  put(":6379", ":6380");
  std::ofstream(agent.config(), std::ios::app) << pair;
}

Outcome reload(PairScene::Side& side) {
  return side.agent.command({"reload"});
}

TEST(Reload, OfTheSameFileIsNoticedByNobody) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  const std::string since = scene.a.agent.fields({"/since", "/peer_link/since", "/epoch"});
  const Outcome done = reload(scene.a);
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.output, "no pair has changed\n");
  EXPECT_EQ(scene.a.agent.fields({"/since", "/peer_link/since", "/epoch"}), since);
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

TEST(Reload, OfABadFileChangesNothingAndSaysWhy) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  replace(scene.a.agent, "vrid = 51", "vrid = 0");
  const Outcome refused = reload(scene.a);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, AllOf(HasSubstr("nothing was changed: "), HasSubstr("tandem.toml:"),
                                    HasSubstr("vrid: 0 is not a VRID")));
  replace(scene.a.agent, "vrid = 0", "vrid = 51");
  replace(scene.a.agent, "node = \"a\"", "node = \"other\"");
  EXPECT_THAT(reload(scene.a).output,
              HasSubstr("agent.node changes only with a restart of the agent"));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");
}

TEST(Reload, OfTheLeadersPairKeepsRoleAndVipAndAllWrites) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  const std::string epoch = scene.a.agent.field("/epoch");
  std::string from = "wait_for_peer";
  for (const std::string to :
       {"keep_diverged = 7\nwait_for_peer", "hold_down = \"1s\"\nwait_for_peer"}) {
    replace(scene.a.agent, from, to);
    const Outcome done = reload(scene.a);
    EXPECT_EQ(done.output, "1 changed (redis)\n");
    EXPECT_TRUE(stays("the VIP is on A alone", Millis(2500),
                      equals([&] { return scene.vip_holders(); }, "A")));
    ASSERT_TRUE(scene.reaches(kALeads));
    ASSERT_TRUE(PairScene::protects(scene.a.agent));
    from = to;
  }
  EXPECT_EQ(scene.a.agent.field("/epoch"), epoch);
  EXPECT_EQ(writer.refusals(), "");
  EXPECT_TRUE(writer.finds_all_on(scene.a.redis));
  // What comes after it works as before.
  scene.a.redis.kill();
  EXPECT_TRUE(scene.led_by("B"));
}

// What can be read from a FIFO now, by nobody who waits.
std::string unread(const std::filesystem::path& fifo) {
  const int fd = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  std::string out(65536, ' ');
  const auto got = ::read(fd, out.data(), out.size());
  ::close(fd);
  return out.substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
}

// Nobody reads the FIFO until after both.
TEST(Reload, AndRestartLoseNoLineOfAFifo) {
  SceneOptions options = linked();
  options.pair_a.notify_lines = "fifo = \"HOST_DIR/notify.fifo\"\n";
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  replace(scene.a.agent, "wait_for_peer", "keep_diverged = 7\nwait_for_peer");
  ASSERT_EQ(reload(scene.a).output, "1 changed (redis)\n");
  ASSERT_TRUE(scene.reaches(kALeads));
  ASSERT_EQ(scene.a.agent.command({"restart"}).exit_code, 0);
  ASSERT_TRUE(scene.reaches(kALeads));
  scene.a.redis.kill();
  ASSERT_TRUE(scene.have_told("A BACKUP MASTER FAULT | B BACKUP MASTER"));
  EXPECT_EQ(unread(scene.a.host.dir / "notify.fifo"),
            "INSTANCE \"redis\" BACKUP 250\nINSTANCE \"redis\" MASTER 250\n"
            "INSTANCE \"redis\" FAULT 250\n");
}

// "MASTER after BACKUP", and "reload" when it is the first after one; for each call of a script.
std::string calls(const Recorder& recorder) {
  std::string out;
  for (const auto& record : recorder.records()) {
    const auto value = [&](const std::string& name) { return record.environment.at(name); };
    out += value("TANDEM_STATE") + " after '" + value("TANDEM_PREVIOUS_STATE") + "'";
    if (value("TANDEM_INITIAL") == "1") out += " initial";
    if (value("TANDEM_RELOAD") == "1") out += " reload";
    out += "\n";
  }
  return out;
}

TEST(Reload, OfAChangedPairIsSaidToTheNextScriptAlone) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  replace(scene.a.agent, "wait_for_peer", "keep_diverged = 7\nwait_for_peer");
  ASSERT_EQ(reload(scene.a).output, "1 changed (redis)\n");
  ASSERT_TRUE(scene.reaches(kALeads));
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  ASSERT_EQ(scene.b.agent.command({"switchover"}).exit_code, 0);
  ASSERT_TRUE(scene.reaches(kBLeads));
  ASSERT_TRUE(PairScene::protects(scene.b.agent));
  ASSERT_EQ(scene.b.agent.command({"switchover"}).exit_code, 0);
  ASSERT_TRUE(scene.have_told("A BACKUP MASTER BACKUP MASTER | B BACKUP MASTER BACKUP"));
  EXPECT_EQ(calls(scene.a.recorder),
            "BACKUP after '' initial\nMASTER after 'BACKUP'\n"
            "BACKUP after 'MASTER' reload\nMASTER after 'BACKUP'\n");
}

TEST(Reload, AddsAndRemovesPairsBesideOneThatDoesNotNotice) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  const std::string before = read_file(scene.a.agent.config());
  const std::string since = scene.a.agent.field("/since");
  append_pair(scene.a.agent);
  EXPECT_EQ(reload(scene.a).output, "1 added (second), 1 unchanged\n");
  EXPECT_TRUE(eventually("the second pair is at work", kSoon,
                         equals([&] { return scene.a.agent.state("second"); }, "fault")));
  EXPECT_TRUE(eventually("the link is up again", kSoon,
                         equals([&] { return scene.a.agent.field("/peer_link/state"); }, "up")));
  std::ofstream(scene.a.agent.config()) << before;
  scene.a.agent.signal(SIGHUP);
  EXPECT_TRUE(eventually("the second pair is gone", kSoon,
                         equals([&] { return scene.a.agent.state("second"); }, "-")));
  EXPECT_EQ(scene.a.agent.field("/since"), since);
  EXPECT_TRUE(scene.keeps(kALeads, Millis(500)));
  // FAULT and STOP are of the second pair, whose server is not there.
  EXPECT_EQ(scene.told(), "A BACKUP MASTER FAULT STOP | B BACKUP");
  EXPECT_EQ(scene.a.agent.stop(), 0);
}

}  // namespace
}  // namespace support
