// One pair, Tandem on host A and the keepalived of Debian 12 on host B: exactly one of them holds
// the address, and each takes over from the other.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/support/keepalived.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

struct Mode {
  const char* name;
  int version;
  const char* auth_pass;
  bool unicast;
  bool ipv6 = false;
};
void PrintTo(const Mode& mode, std::ostream* out) {
  *out << mode.name;
}

SceneOptions tandem_on_a(const Mode& mode, int priority) {
  SceneOptions options;
  options.pair_a = with_priority(priority);
  options.pair_a.version = mode.version;
  options.pair_a.auth_pass = mode.auth_pass;
  if (mode.unicast) options.pair_a.unicast_peer = mode.ipv6 ? "fd00:77::2" : "10.77.0.2";
  if (!mode.ipv6) return options;
  options.ipv6 = true;
  options.vip = "fd00:77::100";
  // The link-local one is not first here: adverts begin with it all the same.
  options.pair_a.vips = R"("fd00:77::100/64", "fe80::51/64")";
  // keepalived 2.2.7 leaves the kernel's hop limit of 64 on IPv6 unicast.
  if (mode.unicast) {
    options.pair_a.further = {R"(source = "fd00:77::1")", "unicast_ttl_min = 64"};
  }
  return options;
}

// What people have around keepalived: scripts that set the role of the local server.
KeepalivedOptions keepalived_on_b(const Mode& mode, const Host& b, int priority) {
  const auto script = b.dir / "role.sh";
  write_file(script,
             "#!/bin/sh\nexport REDISCLI_AUTH=" + kPassword + "\nexec redis-cli replicaof \"$@\"\n",
             std::filesystem::perms(0755));
  KeepalivedOptions options;
  options.version = mode.version;
  options.auth_pass = mode.auth_pass;
  options.priority = priority;
  if (mode.version == 2) options.advert_int = "1";
  if (mode.unicast) options.unicast_peer = mode.ipv6 ? "fd00:77::1" : "10.77.0.1";
  if (mode.ipv6) {
    options.vip = "fe80::51/64";
    options.further_vips = {"fd00:77::100/64"};
    options.own_ip = "fd00:77::2";
  }
  options.notify_master = script.string() + " no one";
  options.notify_backup = script.string() + " 10.77.0.1 6379";
  options.notify_stop = options.notify_backup;
  return options;
}

constexpr Millis kSteady{4500};  // longer than the down timer of version 2 with one second

const std::string kTandemLeads =
    "A leading, VIP, master | B -, no VIP, replica of 10.77.0.1, in sync";
const std::string kKeepalivedLeads =
    "A standby, no VIP, replica of 10.77.0.2, in sync | B -, VIP, master";

class Interop : public testing::TestWithParam<Mode> {
 protected:
  void start(int tandem_priority, int keepalived_priority,
             const std::vector<std::string>& further = {}) {
    SceneOptions options = tandem_on_a(GetParam(), tandem_priority);
    auto& lines = options.pair_a.further;
    lines.insert(lines.end(), further.begin(), further.end());
    scene_ = std::make_unique<PairScene>(options);
    keepalived_ = std::make_unique<Keepalived>(
        scene_->b.host, keepalived_on_b(GetParam(), scene_->b.host, keepalived_priority));
    scene_->start_servers();
    scene_->a.agent.start();
    ASSERT_TRUE(scene_->reaches(kTandemLeads));
    keepalived_->start();
  }

  std::unique_ptr<PairScene> scene_;
  std::unique_ptr<Keepalived> keepalived_;
};

TEST_P(Interop, TandemOfHigherPriorityKeepsTheAddress) {
  ASSERT_NO_FATAL_FAILURE(start(250, 100));
  EXPECT_TRUE(scene_->keeps(kTandemLeads, kSteady));
}

TEST_P(Interop, KeepalivedOfHigherPriorityGetsTheAddress) {
  ASSERT_NO_FATAL_FAILURE(start(100, 250));
  EXPECT_TRUE(scene_->reaches(kKeepalivedLeads));
  EXPECT_TRUE(scene_->keeps(kKeepalivedLeads, kSteady));
  EXPECT_EQ(scene_->data(), kDataIntact);
}

TEST_P(Interop, EachTakesOverWhenTheOtherIsStopped) {
  ASSERT_NO_FATAL_FAILURE(start(250, 100));
  EXPECT_TRUE(scene_->keeps(kTandemLeads, Millis(1000)));

  EXPECT_EQ(scene_->a.agent.stop(), 0);
  EXPECT_TRUE(eventually(
      "keepalived leads", kSoon,
      equals([this] { return scene_->vip_holders() + " " + scene_->b.redis.role(); }, "B master")));
  scene_->a.agent.start();
  EXPECT_TRUE(scene_->reaches(kKeepalivedLeads));
  EXPECT_TRUE(scene_->keeps(kKeepalivedLeads, kSteady));

  EXPECT_EQ(keepalived_->stop(), 0);
  EXPECT_TRUE(scene_->reaches(kTandemLeads));
  keepalived_->start();
  EXPECT_TRUE(scene_->keeps(kTandemLeads, kSteady));
  EXPECT_EQ(scene_->data(), kDataIntact);
}

// keepalived leads meanwhile; Tandem, in sync and of higher priority, takes the role from it, with
// the writes of its server held and drained first.
TEST_P(Interop, TandemPreemptsWhenToldTo) {
  ASSERT_NO_FATAL_FAILURE(start(250, 100, {"preempt = true", "preempt_delay = \"1s\""}));
  EXPECT_EQ(scene_->a.agent.stop(), 0);
  EXPECT_TRUE(eventually(
      "keepalived leads", kSoon,
      equals([this] { return scene_->vip_holders() + " " + scene_->b.redis.role(); }, "B master")));
  Writer writer(scene_->lan.client());
  scene_->a.agent.start();
  EXPECT_TRUE(scene_->reaches(kTandemLeads));
  EXPECT_TRUE(writer.finds_all_on(scene_->a.redis));
  EXPECT_TRUE(scene_->keeps(kTandemLeads, kSteady));
  EXPECT_EQ(scene_->data(), kDataIntact);
}

TEST_P(Interop, TandemTakesOverFromAKilledKeepalived) {
  ASSERT_NO_FATAL_FAILURE(start(100, 250));
  ASSERT_TRUE(scene_->reaches(kKeepalivedLeads));

  keepalived_->kill();
  // A killed keepalived leaves them behind.
  scene_->b.host.delete_address(scene_->b.host.vip + (GetParam().ipv6 ? "/64" : "/24"));
  EXPECT_TRUE(scene_->reaches(kTandemLeads));
  EXPECT_EQ(scene_->data(), kDataIntact);
}

TEST_P(Interop, KeepalivedTakesOverFromAKilledHost) {
  ASSERT_NO_FATAL_FAILURE(start(250, 100));
  EXPECT_TRUE(scene_->keeps(kTandemLeads, Millis(1000)));
  scene_->lan.power_off(scene_->a.host);
  EXPECT_TRUE(eventually(
      "keepalived leads", kSoon,
      equals([this] { return scene_->vip_holders() + " " + scene_->b.redis.role(); }, "B master")));
  EXPECT_EQ(scene_->b.redis.missing(1000), 0);
}

INSTANTIATE_TEST_SUITE_P(With, Interop,
                         testing::Values(Mode{"V2PassMulticast", 2, "secret", false},
                                         Mode{"V3Multicast", 3, "", false},
                                         Mode{"V3Unicast", 3, "", true},
                                         Mode{"V3Ipv6Multicast", 3, "", false, true},
                                         Mode{"V3Ipv6Unicast", 3, "", true, true}),
                         [](const auto& which) { return which.param.name; });

}  // namespace
}  // namespace support
