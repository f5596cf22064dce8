// One virtual router, Tandem on host A and FRR's vrrpd on host B. FRR moves no Redis, so what is
// looked at is who leads and who has the address.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/support/frr.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

struct FrrMode {
  const char* name;
  int version;
  const char* family;  // whose status FRR is asked for
  std::vector<std::string> vips;
};
void PrintTo(const FrrMode& mode, std::ostream* out) {
  *out << mode.name;
}

constexpr Millis kSteady{4500};  // longer than the down timer of version 2 with one second

class InteropFrr : public testing::TestWithParam<FrrMode> {
 protected:
  void start(int tandem_priority, int frr_priority) {
    const FrrMode& mode = GetParam();
    SceneOptions options;
    options.pair_a = with_priority(tandem_priority);
    options.pair_a.version = mode.version;
    if (ipv6()) {
      options.ipv6 = true;
      options.vip = "fd00:77::100";
      options.pair_a.vips = R"("fe80::51/64", "fd00:77::100/64")";
    }
    scene_ = std::make_unique<PairScene>(options);
    FrrOptions frr;
    frr.version = mode.version;
    frr.priority = frr_priority;
    frr.vips = mode.vips;
    if (mode.version == 2) frr.interval_ms = 1000;
    frr_ = std::make_unique<Frr>(scene_->b.host, frr);
    scene_->start_servers();
    scene_->a.agent.start();
    ASSERT_TRUE(reaches("A leading, VIP | FRR -"));
    frr_->start();
  }

  static bool ipv6() { return GetParam().family == std::string("v6"); }

  std::string picture() {
    const bool vip = scene_->a.host.has_address(ipv6() ? "fd00:77::100" : kVip);
    return "A " + scene_->a.agent.state() + (vip ? ", VIP" : ", no VIP") + " | FRR " +
           frr_->status(GetParam().family);
  }

  testing::AssertionResult reaches(const std::string& expected) {
    return eventually(expected, kSoon, equals([this] { return picture(); }, expected));
  }

  testing::AssertionResult keeps(const std::string& expected) {
    return stays(expected, kSteady, equals([this] { return picture(); }, expected));
  }

  std::unique_ptr<PairScene> scene_;
  std::unique_ptr<Frr> frr_;
};

const std::string kTandem = "A leading, VIP | FRR Backup";
const std::string kFrr = "A standby, no VIP | FRR Master";

TEST_P(InteropFrr, TandemOfHigherPriorityLeads) {
  ASSERT_NO_FATAL_FAILURE(start(250, 100));
  EXPECT_TRUE(reaches(kTandem));
  EXPECT_TRUE(keeps(kTandem));
  EXPECT_EQ(scene_->a.agent.field("/vrrp/refused/malformed"), "0");
}

TEST_P(InteropFrr, FrrOfHigherPriorityLeads) {
  ASSERT_NO_FATAL_FAILURE(start(100, 250));
  EXPECT_TRUE(reaches(kFrr));
  EXPECT_TRUE(keeps(kFrr));
  EXPECT_EQ(scene_->a.agent.field("/vrrp/refused/malformed"), "0");
}

TEST_P(InteropFrr, EachTakesOverWhenTheOtherIsStopped) {
  ASSERT_NO_FATAL_FAILURE(start(250, 100));
  ASSERT_TRUE(reaches(kTandem));
  EXPECT_EQ(scene_->a.agent.stop(), 0);
  EXPECT_TRUE(reaches("A -, no VIP | FRR Master"));
  scene_->a.agent.start();
  EXPECT_TRUE(reaches(kFrr)) << "roles are sticky";
  frr_->stop();
  EXPECT_TRUE(reaches("A leading, VIP | FRR -"));
}

TEST_P(InteropFrr, TandemTakesOverFromAKilledFrr) {
  ASSERT_NO_FATAL_FAILURE(start(100, 250));
  ASSERT_TRUE(reaches(kFrr));
  frr_->kill();
  EXPECT_TRUE(reaches("A leading, VIP | FRR -"));
}

TEST_P(InteropFrr, FrrTakesOverFromALostHost) {
  ASSERT_NO_FATAL_FAILURE(start(250, 100));
  ASSERT_TRUE(reaches(kTandem));
  scene_->lan.power_off(scene_->a.host);
  EXPECT_TRUE(eventually(
      "FRR leads", kSoon,
      equals([this] { return frr_->status(GetParam().family); }, std::string("Master"))));
}

INSTANTIATE_TEST_SUITE_P(
    With, InteropFrr,
    testing::Values(FrrMode{"V2", 2, "v4", {std::string(kVipPrefix)}},
                    FrrMode{"V3", 3, "v4", {std::string(kVipPrefix)}},
                    FrrMode{"V3Ipv6", 3, "v6", {"fe80::51/64", "fd00:77::100/64"}}),
    [](const auto& which) { return which.param.name; });

}  // namespace
}  // namespace support
