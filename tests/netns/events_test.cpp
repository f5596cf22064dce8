// `tandem events` after a failover: each transition with its reason and its path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <sstream>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

namespace json = boost::json;

std::vector<json::object> transitions(PairScene::Side& side) {
  std::istringstream lines(side.agent
                               .command({"events", "--state-dir", side.agent.state_dir(), "--kind",
                                         "transition", "--json"})
                               .output);
  std::vector<json::object> out;
  for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line).as_object());
  return out;
}

std::vector<std::string> path_of(const json::object& event) {
  std::vector<std::string> out;
  std::int64_t before = 0;
  for (const auto& point : event.at("path").as_array()) {
    out.emplace_back(point.at("what").as_string());
    EXPECT_GE(point.at("us").to_number<std::int64_t>(), before) << out.back();
    before = point.at("us").to_number<std::int64_t>();
  }
  return out;
}

TEST(Events, AFailoverIsTracedOnBothSides) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  const auto up = transitions(scene.b);
  ASSERT_FALSE(up.empty());
  EXPECT_EQ(up.back().at("from").as_string(), "standby");
  EXPECT_EQ(up.back().at("to").as_string(), "leading");
  EXPECT_THAT(path_of(up.back()), testing::IsSupersetOf({"priority 0 heard", "router Master",
                                                         "promoted", "VIP", "announced"}));
  ASSERT_TRUE(eventually("A's fault is in its history", kSoon, [&] {
    const auto seen = transitions(scene.a);
    const std::string to = seen.empty() ? "" : std::string(seen.back().at("to").as_string());
    return Seen{to == "fault", to};
  }));
  const auto down = transitions(scene.a);
  ASSERT_FALSE(down.empty());
  EXPECT_EQ(down.back().at("from").as_string(), "leading");
  EXPECT_THAT(path_of(down.back()),
              testing::ElementsAre("server dead", "resigned", "VIP on lo", "VIP gone"));
}

}  // namespace
}  // namespace support
