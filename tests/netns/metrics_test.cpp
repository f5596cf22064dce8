// The HTTP door of agents in a failover, seen by those it is for: a real Prometheus, a real
// HAProxy, and what must not be seen there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

SceneOptions with_metrics() {
  SceneOptions options = linked();
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->agent_lines = "metrics = \"0.0.0.0:9112\"\n";
  }
  return options;
}

// "200 body"; the reason when there is no answer at all.
std::string get(const Lan& lan, const Host& host, const std::string& path) {
  static const std::string kScript = R"(
import sys, urllib.error, urllib.request
try:
    got = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    got = error
sys.stdout.write(f'{got.status} {got.read().decode()}')
)";
  return run({"python3", "-c", kScript, "http://" + host.ip + ":9112" + path}, lan.client().netns)
      .output;
}

std::string written(const Lan& lan, const std::string& name, const std::string& text) {
  const auto path = lan.dir() / name;
  std::ofstream(path) << text;
  return path;
}

class Prometheus {
 public:
  explicit Prometheus(const Lan& lan)
      : netns_(lan.client().netns),
        process_({"prometheus", "--config.file=" + config(lan),
                  "--storage.tsdb.path=" + (lan.dir() / "prometheus").string(),
                  "--web.listen-address=127.0.0.1:9090", "--log.level=error"},
                 netns_, lan.dir() / "prometheus.log") {}

  // One line for each sample; empty: none, or Prometheus does not answer yet.
  std::string query(const std::string& expression) const {
    const Outcome got =
        run({"promtool", "query", "instant", "http://127.0.0.1:9090", expression}, netns_);
    return got.exit_code == 0 ? got.output : "";
  }

 private:
  static std::string config(const Lan& lan) {
    return written(lan, "prometheus.yml",
                   "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\n"
                   "rule_files: ['" TANDEM_SOURCE_DIR
                   "/etc/prometheus/tandem.rules.yml']\n"
                   "scrape_configs:\n- job_name: tandem\n  static_configs:\n  - targets: ['" +
                       lan.a().ip + ":9112', '" + lan.b().ip + ":9112']\n");
  }

  std::string netns_;
  Process process_;
};

TEST(Metrics, PrometheusSeesAFailover) {
  PairScene scene(with_metrics());
  ASSERT_TRUE(scene.start());
  const Prometheus prometheus(scene.lan);
  const auto sees = [&](const std::string& expression, const std::string& what) {
    return eventually(expression, kSoon, [&] {
      const std::string got = prometheus.query(expression);
      return Seen{got.find(what) != std::string::npos, got};
    });
  };
  const std::string leads = R"(tandem_pair_state{pair="redis",state="leading"} == 1)";
  ASSERT_TRUE(sees(leads, "instance=\"10.77.0.1:9112\""));
  ASSERT_TRUE(sees("sum(up)", "=> 2 "));
  ASSERT_TRUE(sees("tandem_standby_in_sync", "=> 1 "));
  ASSERT_TRUE(sees("min(tandem_peer_link_up)", "=> 1 "));
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  ASSERT_TRUE(sees(leads, "instance=\"10.77.0.2:9112\""));
  EXPECT_TRUE(sees(R"(changes(tandem_pair_state{state="leading",instance="10.77.0.2:9112"}[5m]))",
                   "=> 1 "));
  EXPECT_TRUE(sees(R"(tandem_transitions_total{from="standby",to="leading"})",
                   "reason=\"leader_resigned\""));
  EXPECT_TRUE(sees(R"(tandem_server_health{health="dead"} == 1)", "server=\"local\""));
  EXPECT_TRUE(sees(R"(ALERTS{alertname="TandemFailover"})", "10.77.0.2"));
}

TEST(Metrics, TheTextIsCleanAndCountsAdverts) {
  PairScene scene(with_metrics());
  ASSERT_TRUE(scene.start());
  const std::string text = get(scene.lan, scene.lan.a(), "/metrics");
  ASSERT_THAT(text, StartsWith("200 "));
  const std::string file = written(scene.lan, "metrics.txt", text.substr(4));
  const Outcome checked = run({"sh", "-c", "promtool check metrics < " + file});
  EXPECT_EQ(checked.exit_code, 0);
  EXPECT_EQ(checked.output, "");
  for (const char* counted :
       {"tandem_adverts_sent_total{pair=\"redis\"} ",
        "tandem_advert_lateness_seconds_count{pair=\"redis\"} ",
        "tandem_ping_duration_seconds_count{pair=\"redis\",server=\"local\"} ",
        "tandem_hook_duration_seconds_count{pair=\"redis\"} "}) {
    const auto at = text.find(counted);
    ASSERT_NE(at, std::string::npos) << counted;
    EXPECT_GT(std::stod(text.substr(at + std::string(counted).size())), 0) << counted;
  }
}

TEST(Metrics, HaproxyFollowsTheLeader) {
  PairScene scene(with_metrics());
  ASSERT_TRUE(scene.start());
  const std::string config = written(
      scene.lan, "haproxy.cfg",
      "defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s\n"
      "  timeout check 2s\n"
      "listen redis\n  bind 127.0.0.1:7000\n  option httpchk GET /leader/redis\n"
      "  default-server check port 9112 inter 200ms fall 1 rise 1 on-marked-down "
      "shutdown-sessions\n"
      "  server a 10.77.0.1:6379\n  server b 10.77.0.2:6379\n");
  const Process haproxy({"haproxy", "-db", "-f", config}, scene.lan.client().netns,
                        scene.lan.dir() / "haproxy.log");
  const auto reaches = [&](PairScene::Side& side) {
    const std::string id = side.redis.info("server")["run_id"];
    return eventually("HAProxy leads to the leader", kSoon, [&] {
      RedisClient client({.netns = scene.lan.client().netns, .ip = "127.0.0.1", .port = 7000});
      const Answer info = client.command({"INFO", "server"});
      const Answer set = client.command({"SET", "by-haproxy", id});
      return Seen{info.text.find(id) != std::string::npos && set.ok(), info.text + set.text};
    });
  };
  ASSERT_TRUE(reaches(scene.a));
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  EXPECT_TRUE(reaches(scene.b));
}

TEST(Metrics, PathsSayWhoLeadsAndNothingSecret) {
  PairScene scene(with_metrics());
  ASSERT_TRUE(scene.start());
  const Lan& lan = scene.lan;
  EXPECT_THAT(get(lan, lan.a(), "/leader"), StartsWith("200 redis: leading, because "));
  EXPECT_THAT(get(lan, lan.b(), "/leader/redis"), StartsWith("503 redis: standby, because "));
  EXPECT_THAT(get(lan, lan.b(), "/standby/redis"), StartsWith("200 redis: standby"));
  EXPECT_THAT(get(lan, lan.a(), "/standby/redis"), StartsWith("503 "));
  EXPECT_THAT(get(lan, lan.a(), "/health"), StartsWith("200 redis: the local server is up"));
  EXPECT_THAT(get(lan, lan.a(), "/leader/other"), StartsWith("404 "));
  EXPECT_THAT(get(lan, lan.a(), "/etc/passwd"), StartsWith("404 "));
  EXPECT_THAT(get(lan, lan.a(), "/"), HasSubstr("<title>Tandem</title>"));
  const std::string status = get(lan, lan.a(), "/status.json");
  ASSERT_THAT(status, StartsWith("200 {"));
  const auto read = boost::json::parse(status.substr(4)).as_object();
  EXPECT_EQ(read.at("pairs").at(0).at("state").as_string(), "leading");
  EXPECT_EQ(read.at("pairs").at(0).at("peer_link").at("says").at("state").as_string(), "standby");
  EXPECT_FALSE(read.at("events").as_array().empty());
  for (const std::string& all : {status, get(lan, lan.a(), "/metrics"), get(lan, lan.a(), "/")}) {
    EXPECT_EQ(all.find(kPassword), std::string::npos);
    EXPECT_EQ(all.find("0123456789abcdef0123456789abcdef"), std::string::npos);
  }
  scene.a.redis.kill();
  ASSERT_TRUE(scene.led_by("B"));
  EXPECT_THAT(get(lan, lan.a(), "/health"), StartsWith("503 redis: the local server is dead"));
  EXPECT_THAT(get(lan, lan.b(), "/leader"), StartsWith("200 "));
}

}  // namespace
}  // namespace support
