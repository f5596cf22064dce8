// What a changed configuration asks of a running agent.
#include "agent/reload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

PairConfig pair(const std::string& name) {
  PairConfig out;
  out.name = name;
  return out;
}

Config config(const std::vector<PairConfig>& pairs) {
  Config out;
  out.pairs = pairs;
  return out;
}

TEST(ReloadPlanTest, SortsThePairs) {
  PairConfig changed = pair("changed");
  changed.hold_down = std::chrono::seconds(1);
  const ReloadPlan plan = plan_reload(config({pair("same"), pair("changed"), pair("gone")}),
                                      config({pair("new"), changed, pair("same")}));
  EXPECT_THAT(plan.unchanged, ElementsAre("same"));
  EXPECT_THAT(plan.changed, ElementsAre("changed"));
  EXPECT_THAT(plan.removed, ElementsAre("gone"));
  EXPECT_THAT(plan.added, ElementsAre("new"));
  EXPECT_THAT(plan.refused, IsEmpty());
  EXPECT_EQ(plan.to_string(), "1 changed (changed), 1 added (new), 1 removed (gone), 1 unchanged");
}

TEST(ReloadPlanTest, OfTheSameFileIsEmpty) {
  const Config same = config({pair("redis")});
  EXPECT_EQ(plan_reload(same, same).to_string(), "no pair has changed");
}

// They are read again without a new beginning.
TEST(ReloadPlanTest, RenewedKeysAndCertificatesChangeNoPair) {
  PairConfig before = pair("redis");
  before.server.tls.emplace().ca_file = "ca.pem";
  before.auth_key_file = "keys";
  PairConfig after = before;
  after.server.tls->material.ca = "renewed";
  after.auth.keys = {{1, {1, 2, 3}}};
  EXPECT_THAT(plan_reload(config({before}), config({after})).unchanged, ElementsAre("redis"));
  after.server.password = "another";
  EXPECT_THAT(plan_reload(config({before}), config({after})).changed, ElementsAre("redis"));
  after = before;
  after.server.tls->ca_file = "other.pem";
  EXPECT_THAT(plan_reload(config({before}), config({after})).changed, ElementsAre("redis"));
}

TEST(ReloadPlanTest, NamesWhatOnlyARestartChanges) {
  Config after = config({});
  after.node = "other";
  after.log.level = "debug";
  after.peer_link.port = 7113;
  EXPECT_THAT(plan_reload(config({}), after).refused, ElementsAre("node", "log", "peer_link"));
}

}  // namespace
}  // namespace agent
