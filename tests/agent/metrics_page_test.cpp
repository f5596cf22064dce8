// What Prometheus and load balancers read of a pair; the document, the rules and the dashboard name
// no metric that does not exist.
#include "agent/io/metrics_page.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "agent/io/status_site.hpp"

namespace agent::io {
namespace {

// Something of everything, so that every metric has a sample.
AgentStatus full_status() {
  PairStatus pair;
  pair.name = "redis";
  pair.pair.state = PairState::leading;
  pair.pair.epoch = 7;
  pair.pair.alarms = {"one", "two"};
  pair.for_seconds = 10;
  pair.priority = vrrp::Priority{250};
  pair.vips = {{"192.168.1.120/24", "eth0", true, true}};
  pair.received.refused.at(static_cast<std::size_t>(vrrp::Refusal::ttl)) = 3;
  pair.peer_link.state = PeerLinkStatus::State::up;
  pair.peer_link.rtt_ms = 1.5;
  pair.recovery.emplace();
  TrackerStatus tracker;
  tracker.seen.name = "disk \"a\"\n";
  tracker.seen.state = TrackState::good;
  pair.trackers = {tracker};
  pair.server.monitor.health = health::Health::up;
  pair.server.monitor.facts.role = health::Role::master;
  pair.server.monitor.facts.offset = 5000;
  pair.server.monitor.facts.replicas = {{{"192.168.1.113", 6379}, true, 4990, 1}};
  pair.server.monitor.facts_at = health::TimePoint{};
  pair.server.monitor.round_trips.observe(std::chrono::microseconds(200));
  pair.server.monitor.round_trips.observe(std::chrono::seconds(5));
  pair.peer.lag_bytes = 10;
  PairCounters& counters = pair.counters;
  counters.story
      .transitions[{PairState::standby, PairState::leading, TransitionCause::leader_resigned}] = 2;
  counters.story.events[{EventKind::alarm, Severity::warning}] = 4;
  counters.switchovers_done = 1;
  counters.diverged_at = std::chrono::system_clock::time_point(std::chrono::seconds(1000));
  counters.hooks.count(hooks::HookResult::timeout);
  return {"server11", "0.1.0", 4711, 99.5, {pair}};
}

std::string text() {
  return metrics_text(full_status(), {.resident_bytes = 1, .cpu_seconds = 2}, 1700000000.25);
}

testing::AssertionResult has(const std::string& line) {
  if (("\n" + text()).find("\n" + line + "\n") != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "`" << line << "` is not in\n" << text();
}

TEST(MetricsPage, SaysWhatIsKnownOfAPair) {
  EXPECT_TRUE(has(R"(tandem_pair_state{pair="redis",state="leading"} 1)"));
  EXPECT_TRUE(has(R"(tandem_pair_state{pair="redis",state="standby"} 0)"));
  EXPECT_TRUE(has(R"(tandem_transitions_total{pair="redis",from="standby",to="leading",)"
                  R"(reason="leader_resigned"} 2)"));
  EXPECT_TRUE(has(R"(tandem_epoch{pair="redis"} 7)"));
  EXPECT_TRUE(has(R"(tandem_alarms{pair="redis"} 2)"));
  EXPECT_TRUE(has(R"(tandem_replication_lag_bytes{pair="redis"} 10)"));
  EXPECT_TRUE(has(R"(tandem_replication_lag_seconds{pair="redis"} 1)"));
  EXPECT_TRUE(has(R"(tandem_adverts_refused_total{pair="redis",reason="ttl"} 3)"));
  EXPECT_TRUE(has(R"(tandem_hooks_total{pair="redis",result="timeout"} 1)"));
  EXPECT_TRUE(has(R"(tandem_switchovers_total{pair="redis",result="done"} 1)"));
  EXPECT_TRUE(has(R"(tandem_server_health{pair="redis",server="local",health="up"} 1)"));
  EXPECT_TRUE(has("# TYPE tandem_transitions_total counter"));
  EXPECT_TRUE(has("# HELP tandem_epoch Epoch of the pair: it counts the promotions."));
}

TEST(MetricsPage, HistogramsAddUp) {
  const std::string labels = R"({pair="redis",server="local",le=)";
  const std::string name = "tandem_ping_duration_seconds";
  EXPECT_TRUE(has(name + "_bucket" + labels + "\"0.0001\"} 0"));
  EXPECT_TRUE(has(name + "_bucket" + labels + "\"0.00025\"} 1"));
  EXPECT_TRUE(has(name + "_bucket" + labels + "\"1\"} 1"));
  EXPECT_TRUE(has(name + "_bucket" + labels + "\"+Inf\"} 2"));
  EXPECT_TRUE(has(name + R"(_count{pair="redis",server="local"} 2)"));
  EXPECT_TRUE(has(name + R"(_sum{pair="redis",server="local"} 5.0002)"));
}

TEST(MetricsPage, NamesOfTheOperatorsStayWithinTheirQuotes) {
  EXPECT_TRUE(has(R"(tandem_tracker_good{pair="redis",kind="script",tracker="disk \"a\"\n"} 1)"));
}

TEST(MetricsPage, WhatIsNotKnownIsLeftOut) {
  PairStatus pair;
  pair.name = "redis";
  const std::string out = metrics_text({"a", "1", 1, 1, {pair}}, {}, 1);
  for (const char* name : {"tandem_replication_lag", "tandem_standby_in_sync", "tandem_peer_link",
                           "tandem_diverged_copy_timestamp", "tandem_replication_offset"}) {
    EXPECT_EQ(out.find(name), std::string::npos) << name;
  }
}

TEST(MetricsPage, KnowsItsOwnProcess) {
  const ProcessFacts facts = read_process_facts();
  EXPECT_GT(facts.resident_bytes, 1e6);
  EXPECT_GT(facts.virtual_bytes, facts.resident_bytes);
  EXPECT_GE(facts.open_fds, 3);
  EXPECT_GT(facts.max_fds, facts.open_fds);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double age = std::chrono::duration<double>(now).count() - facts.start_seconds;
  EXPECT_GE(age, -1);
  EXPECT_LT(age, 86400);
}

// ---- documents ---------------------------------------------------------------------------------

std::string file(const std::string& name) {
  std::ostringstream out;
  out << std::ifstream(std::string(TANDEM_SOURCE_DIR) + "/etc/" + name).rdbuf();
  EXPECT_FALSE(out.str().empty()) << name;
  return out.str();
}

std::set<std::string> names_in(const std::string& from, const std::string& pattern) {
  const std::regex word(pattern);
  std::set<std::string> out;
  for (std::sregex_iterator at(from.begin(), from.end(), word), end; at != end; ++at) {
    out.insert((*at)[1]);
  }
  return out;
}

std::set<std::string> all_names() {
  return names_in(text(), "# TYPE ([a-z_]+) ");
}

TEST(MetricsPage, IsDocumentedWhole) {
  EXPECT_EQ(names_in(file("metrics.md"), "\\| `([a-z_]+)` \\| (?:gauge|counter|histogram) "),
            all_names());
}

TEST(MetricsPage, RulesAndDashboardNameNothingElse) {
  const auto known = all_names();
  for (const char* name : {"prometheus/tandem.rules.yml", "grafana/tandem.json"}) {
    const std::string content = file(name);
    const auto used =
        names_in(content, "\\b((?:tandem|process)_[a-z_]+?)(?:_bucket|_sum|_count)?\\b(?!_)");
    EXPECT_GT(used.size(), 5U) << name;
    for (const std::string& metric : used) {
      EXPECT_TRUE(known.contains(metric)) << name << " names " << metric;
    }
  }
}

TEST(MetricsPage, TheDashboardIsOne) {
  const auto dashboard = boost::json::parse(file("grafana/tandem.json")).as_object();
  std::set<std::int64_t> ids;
  for (const auto& panel : dashboard.at("panels").as_array()) {
    EXPECT_TRUE(ids.insert(panel.at("id").as_int64()).second);
    EXPECT_FALSE(panel.at("title").as_string().empty());
    EXPECT_TRUE(panel.as_object().contains("gridPos"));
  }
  EXPECT_GT(ids.size(), 6U);
}

// ---- load balancers ----------------------------------------------------------------------------

std::string balancer(std::string_view what, std::string_view pair,
                     const std::vector<PairGlance>& pairs) {
  const HttpAnswer answer = balancer_answer(what, pair, pairs);
  return std::to_string(answer.status) + " " + answer.body;
}

TEST(Balancer, IsToldOnlyOfALeaderThatLeads) {
  const PairGlance one{"one", PairState::leading, "the leader resigned", health::Health::up, {}};
  const PairGlance two{"two", PairState::promoting, "the leader resigned", health::Health::up, {}};
  EXPECT_EQ(balancer("leader", "one", {one, two}),
            "200 one: leading, because the leader resigned\n");
  EXPECT_EQ(balancer("leader", "two", {one, two}),
            "503 two: promoting, because the leader resigned\n");
  EXPECT_EQ(balancer("leader", "", {one, two}),
            "503 two: promoting, because the leader resigned\n");
  EXPECT_EQ(balancer("leader", "", {one}), "200 one: leading, because the leader resigned\n");
  EXPECT_EQ(balancer("leader", "three", {one}), "404 there is no pair of that name\n");
}

TEST(Balancer, AStandbyMustFollowTheLeader) {
  PairGlance pair{"one", PairState::standby, "the agent started", health::Health::up, {}};
  EXPECT_EQ(balancer("standby", "one", {pair}),
            "503 one: the local server has no link to the leader's\n");
  pair.linked = true;
  EXPECT_EQ(balancer("standby", "one", {pair}),
            "200 one: standby, and the local server follows the leader's\n");
  pair.health = health::Health::dead;
  pair.detail = "Connection refused";
  EXPECT_EQ(balancer("standby", "one", {pair}),
            "503 one: the local server is dead: Connection refused\n");
  EXPECT_EQ(balancer("health", "", {pair}),
            "503 one: the local server is dead: Connection refused\n");
  pair.health = health::Health::up;
  pair.detail = "answers PING";
  EXPECT_EQ(balancer("health", "", {pair}), "200 one: the local server is up: answers PING\n");
}

}  // namespace
}  // namespace agent::io
