// The key `metrics` of [agent]: what is read and what is refused, each in one sentence.
#include <gtest/gtest.h>

#include "config_fixture.hpp"

namespace agent {
namespace {

std::string read(const std::string& value) {
  const LoadResult result = parse_config(agent_with("metrics = " + value), "tandem.toml");
  const auto* loaded = std::get_if<LoadedConfig>(&result);
  if (loaded == nullptr) return "refused";
  const MetricsConfig& metrics = loaded->config.metrics;
  return metrics.host + " " + std::to_string(metrics.port);
}

TEST(ConfigMetrics, AnAddressOfEitherFamilyIsRead) {
  EXPECT_EQ(read("\"127.0.0.1:9112\""), "127.0.0.1 9112");
  EXPECT_EQ(read("\"0.0.0.0:1\""), "0.0.0.0 1");
  EXPECT_EQ(read("\"[::1]:9112\""), "::1 9112");
}

TEST(ConfigMetrics, MistakesAreNamed) {
  for (const char* value :
       {"\"9112\"", "\":9112\"", "\"localhost:9112\"", "\"::1:9112\"", "\"[127.0.0.1]:9112\"",
        "\"127.0.0.1:0\"", "\"127.0.0.1:65536\"", "\"127.0.0.1:\"", "\"127.0.0.1:91x\"",
        "\"224.0.0.1:9112\"", "9112", "\"\"", "\"[::1]\"", "true"}) {
    const auto problems = problems_of(agent_with("metrics = " + std::string(value)));
    ASSERT_EQ(problems.size(), 1U) << value;
    EXPECT_NE(problems.front().find("agent.metrics: "), std::string::npos) << problems.front();
  }
}

}  // namespace
}  // namespace agent
