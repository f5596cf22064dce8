// What is tracked beside the servers, on real hosts: scripts, files, interfaces, and the gateway by
// which a host tells that it is cut off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/pair_scene.hpp"
#include "tests/support/vip_watch.hpp"

namespace support {
namespace {

const std::string kHandedOver =
    "A fault, no VIP, replica of 10.77.0.2, in sync | B leading, VIP, master";

// The client plays the gateway.
SceneOptions with_gateway(const std::string& address = "10.77.0.3") {
  SceneOptions options;
  const std::string line = "track_gateway = \"" + address + "\"\n";
  options.pair_a.pair_lines = options.pair_b.pair_lines = line;
  return options;
}

// track_script "check" on both hosts, which runs the host's check.sh as root.
class TrackedScript : public testing::Test {
 protected:
  void write(const Host& host, const std::string& body) {
    const std::filesystem::path script = host.dir / "check.sh";
    write_file(script.string() + ".new", "#!/bin/sh\n" + body + "\n", std::filesystem::perms(0755));
    std::filesystem::rename(script.string() + ".new", script);
  }

  static void add_script(PairOptions& pair, const std::string& more) {
    pair.tables +=
        "[[pair.track_script]]\nname = \"check\"\ncommand = \"HOST_DIR/check.sh\"\n"
        "user = \"root\"\ninterval = \"200ms\"\n" +
        more;
  }

  std::unique_ptr<PairScene> scene(const std::string& more = "") {
    SceneOptions options;
    add_script(options.pair_a, more);
    add_script(options.pair_b, more);
    auto out = std::make_unique<PairScene>(options);
    write(out->a.host, "exit 0");
    write(out->b.host, "exit 0");
    return out;
  }
};

TEST_F(TrackedScript, ThatFailsMakesTheLeaderHandOverAndItsSuccessMakesItAStandbyAgain) {
  const auto pair = scene();
  ASSERT_TRUE(pair->start());
  const VipWatch vips(pair->a.host, pair->b.host);
  Writer writer(pair->lan.client());
  ASSERT_TRUE(writer.goes_on());

  write(pair->a.host, "exit 3");
  EXPECT_TRUE(pair->reaches(kHandedOver));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_EQ(pair->a.agent.fields({"/reason", "/trackers/0/state", "/trackers/0/detail"}),
            "track_script check failed: exit code 3 bad exit code 3");

  write(pair->a.host, "exit 0");
  EXPECT_TRUE(pair->reaches(kBLeads));
  EXPECT_TRUE(PairScene::protects(pair->b.agent));
  write(pair->b.host, "kill -9 $$");
  EXPECT_TRUE(pair->led_by("A"));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_TRUE(writer.finds_all_on(pair->a.redis));
  EXPECT_FALSE(vips.saw_both());
}

TEST_F(TrackedScript, ThatFailsKeepsAStandbyFromTakingOver) {
  const auto pair = scene();
  ASSERT_TRUE(pair->start());
  write(pair->b.host, "exit 1");
  EXPECT_TRUE(
      eventually("B is in fault", kSoon, equals([&] { return pair->b.agent.state(); }, "fault")));
  pair->a.redis.kill();
  EXPECT_TRUE(stays("nobody has the VIP of a dead server", Millis(2000), [&] {
    const std::string holders = pair->vip_holders();
    return Seen{holders.find('B') == std::string::npos, holders};
  }));
  write(pair->b.host, "exit 0");
  EXPECT_TRUE(pair->led_by("B"));
}

// Processes of a namespace with these words in their status.
std::string processes_in(const Host& host, const std::string& words) {
  std::string found;
  std::istringstream pids(run({"ip", "netns", "pids", host.netns}).output);
  for (std::string pid; pids >> pid;) {
    const std::string status = read_file("/proc/" + pid + "/status");
    if (status.find(words) != std::string::npos) found += pid + " ";
  }
  return found;
}

TEST_F(TrackedScript, ThatHangsIsKilledAndCountsAsAFailure) {
  const auto pair = scene("timeout = \"300ms\"\n");
  ASSERT_TRUE(pair->start());
  const std::string pid_file = (pair->a.host.dir / "pid").string();
  write(pair->a.host, "trap '' TERM\necho $$ >> " + pid_file + "\nsleep 1000 & wait\nsleep 1000");
  EXPECT_TRUE(pair->reaches(kHandedOver));
  EXPECT_EQ(pair->a.agent.field("/trackers/0/detail"), "did not end within 300ms");
  const std::string first = read_file(pid_file).substr(0, read_file(pid_file).find('\n'));
  EXPECT_TRUE(eventually("the first run is dead and waited for", kSoon, [&] {
    return Seen{!first.empty() && !std::filesystem::exists("/proc/" + first), first};
  }));

  write(pair->a.host, "exit 0");
  EXPECT_TRUE(pair->reaches(kBLeads));
  EXPECT_TRUE(eventually("no zombie", kSoon,
                         equals([&] { return processes_in(pair->a.host, "State:\tZ"); }, "")));
  EXPECT_TRUE(eventually("nothing of it is left", kSoon,
                         equals([&] { return processes_in(pair->a.host, "Name:\tsleep"); }, "")));
}

TEST_F(TrackedScript, ThatOthersCanWriteIsRefusedAtTheStart) {
  const auto pair = scene();
  std::filesystem::permissions(pair->a.host.dir / "check.sh", std::filesystem::perms(0777));
  const Outcome outcome =
      run({tandemd_path(), "--config", pair->a.agent.config(), "--check"}, pair->a.host.netns);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, testing::HasSubstr("pair[redis].track_script[check]: "));
}

TEST(TrackedGateway, TheCheckWarnsAboutOneOutsideTheNetworks) {
  SceneOptions options;
  options.pair_a.pair_lines = "track_gateway = \"10.99.0.1\"\n";
  const PairScene scene(options);
  const Outcome outcome =
      run({tandemd_path(), "--config", scene.a.agent.config(), "--check"}, scene.a.host.netns);
  EXPECT_THAT(outcome.output, testing::HasSubstr("pair[redis].track_gateway: 10.99.0.1 is not on a "
                                                 "network of eth0, where it is asked without a "
                                                 "router in between"));
}

TEST(TrackedInterface, DownIsAFaultUntilItIsUpAgain) {
  SceneOptions options;
  options.pair_a.pair_lines = "track_interfaces = [\"eth1\"]\n";
  PairScene scene(options);
  must_run({"ip", "link", "add", "eth1", "type", "veth", "peer", "name", "other"},
           scene.a.host.netns);
  must_run({"ip", "link", "set", "other", "up"}, scene.a.host.netns);
  must_run({"ip", "link", "set", "eth1", "up"}, scene.a.host.netns);
  ASSERT_TRUE(scene.start());

  must_run({"ip", "link", "set", "eth1", "down"}, scene.a.host.netns);
  EXPECT_TRUE(scene.reaches(kHandedOver));
  EXPECT_EQ(scene.a.agent.field("/reason"), "interface eth1 is down");
  must_run({"ip", "link", "set", "eth1", "up"}, scene.a.host.netns);
  EXPECT_TRUE(scene.reaches(kBLeads));
  must_run({"ip", "link", "del", "eth1"}, scene.a.host.netns);
  EXPECT_TRUE(eventually(
      "A misses it", kSoon,
      equals([&] { return scene.a.agent.field("/trackers/0/detail"); }, "does not exist")));
  EXPECT_TRUE(scene.have_told("A BACKUP MASTER FAULT BACKUP FAULT | B BACKUP MASTER"));
  EXPECT_EQ(scene.data(), kDataIntact);
}

TEST(TrackedFile, ANumberInItMakesTheLeaderHandOver) {
  SceneOptions options;
  options.pair_a.tables = "[[pair.track_file]]\nname = \"mode\"\npath = \"HOST_DIR/mode\"\n";
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  EXPECT_EQ(scene.a.agent.field("/trackers/0/detail"), "does not exist: counts as 0");

  write_file(scene.a.host.dir / "mode", "1\n");
  EXPECT_TRUE(scene.reaches(kHandedOver));
  EXPECT_EQ(scene.a.agent.field("/reason"), "track_file mode holds 1");
  write_file(scene.a.host.dir / "mode", "0\n");
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_EQ(scene.data(), kDataIntact);
}

void cut_off(const Lan& lan, const Host& host, const Host& other) {
  lan.drop(host, other);
  lan.drop(other, host);
}

// Its cable has carrier; the switch behind it is cut off from all others.
TEST(Isolation, OfTheLeaderMakesItStepDown) {
  PairScene scene(with_gateway());
  ASSERT_TRUE(scene.start());
  cut_off(scene.lan, scene.a.host, scene.b.host);
  cut_off(scene.lan, scene.a.host, scene.lan.client());

  EXPECT_TRUE(scene.reaches("A fault, no VIP, master | B leading, VIP, master"));
  EXPECT_EQ(scene.a.agent.field("/reason"),
            "it reaches neither the peer nor track_gateway 10.77.0.3");
  Writer writer(scene.lan.client());
  EXPECT_TRUE(writer.goes_on());

  scene.lan.drop_nothing();
  EXPECT_TRUE(scene.reaches(kBLeads));
  EXPECT_TRUE(writer.finds_all_on(scene.b.redis));
}

TEST(Isolation, OfTheStandbyDoesNotMakeItTakeOver) {
  PairScene scene(with_gateway());
  ASSERT_TRUE(scene.start());
  cut_off(scene.lan, scene.b.host, scene.a.host);
  cut_off(scene.lan, scene.b.host, scene.lan.client());

  EXPECT_TRUE(stays("the VIP is on A alone", Millis(5000),
                    equals([&] { return scene.vip_holders(); }, "A")));
  EXPECT_EQ(scene.a.agent.state() + " " + scene.b.agent.state(), "leading fault");
  scene.lan.drop_nothing();
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_TRUE(scene.have_told("A BACKUP MASTER | B BACKUP FAULT BACKUP"));
}

TEST(Isolation, TheGatewayAwayAloneChangesNothing) {
  PairScene scene(with_gateway());
  ASSERT_TRUE(scene.start());
  scene.lan.unplug(scene.lan.client());
  EXPECT_TRUE(eventually("both miss it", kSoon,
                         equals(
                             [&] {
                               return scene.a.agent.field("/trackers/0/state") +
                                      scene.b.agent.field("/trackers/0/state");
                             },
                             "badbad")));
  EXPECT_TRUE(scene.keeps(kALeads, Millis(4000)));
  EXPECT_THAT(scene.a.agent.field("/alarms"),
              testing::HasSubstr("track_gateway 10.77.0.3 does not answer"));
  EXPECT_EQ(scene.told(), "A BACKUP MASTER | B BACKUP");

  scene.lan.plug(scene.lan.client());
  EXPECT_TRUE(eventually("A finds it", kSoon,
                         equals([&] { return scene.a.agent.field("/alarms"); }, "[]")));
}

TEST(Isolation, AGatewayThatAnswersDoesNotDelayAFailover) {
  PairScene scene(with_gateway());
  ASSERT_TRUE(scene.start());
  scene.lan.power_off(scene.a.host);
  EXPECT_TRUE(scene.led_by("B"));
}

TEST(Isolation, AnIpv6GatewayIsAskedByNeighbourSolicitation) {
  SceneOptions options = with_gateway("fd00:77::3");
  PairScene scene(options);
  const auto add = [](const Host& host, const std::string& address) {
    must_run({"sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"}, host.netns);
    must_run({"ip", "address", "add", address, "dev", "eth0", "nodad"}, host.netns);
  };
  add(scene.a.host, "fd00:77::1/64");
  add(scene.lan.client(), "fd00:77::3/64");
  scene.start_servers();
  scene.a.agent.start();
  EXPECT_TRUE(eventually("it answers", kSoon,
                         equals([&] { return scene.a.agent.field("/trackers/0/state"); }, "good")));
  scene.lan.unplug(scene.lan.client());
  EXPECT_TRUE(eventually(
      "it is lost", kSoon,
      equals([&] { return scene.a.agent.field("/trackers/0/detail"); }, "no answer within 500ms")));
}

}  // namespace
}  // namespace support
