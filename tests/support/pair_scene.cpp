// See pair_scene.hpp.
#include "tests/support/pair_scene.hpp"

#include <stdexcept>

namespace support {
namespace {

const std::string kDropIn = TANDEM_SOURCE_DIR "/systemd/redis-server.service.d/tandem.conf";

// Without quarantine, configurations say what they always said: A a master, B its replica.
RedisOptions server_options(const SceneOptions& scene, const Lan& lan, bool at_a) {
  RedisOptions options = at_a ? scene.server_a : scene.server_b;
  if (scene.quarantine) options.quarantine = kDropIn;
  if (!scene.quarantine && !at_a) options.replica_of = lan.a().ip;
  return options;
}

PairOptions recorded(PairOptions options, const Recorder& recorder) {
  options.any = &recorder;
  return options;
}

}  // namespace

PairOptions with_priority(int priority) {
  PairOptions options;
  options.priority = priority;
  return options;
}

std::string PairScene::Side::picture() {
  const std::string state = agent.running() ? agent.state() : "-";
  return state + (host.has_address() ? ", VIP, " : ", no VIP, ") + redis.role();
}

SceneOptions linked() {
  SceneOptions options;
  options.pair_a.secret = options.pair_b.secret = kSecret;
  return options;
}

PairScene::PairScene(const SceneOptions& options)
    : a{lan.a(), Recorder(lan.a()), RedisServer(lan.a(), server_options(options, lan, true)),
        Agent(lan.a(), lan.b(), {recorded(options.pair_a, a.recorder)})},
      b{lan.b(), Recorder(lan.b()), RedisServer(lan.b(), server_options(options, lan, false)),
        Agent(lan.b(), lan.a(), {recorded(options.pair_b, b.recorder)})},
      options_(options) {
  if (options.ipv6) lan.enable_ipv6();
  a.host.vip = options.vip;
  b.host.vip = options.vip;
}

void PairScene::start_servers() {
  a.redis.start_and_wait();
  if (options_.quarantine) a.redis.command({"REPLICAOF", "NO", "ONE"});
  a.redis.fill(options_.keys);
  if (options_.populate > 0) {
    a.redis.command({"DEBUG", "POPULATE", std::to_string(options_.populate)});
  }
  b.redis.start_and_wait();
  if (options_.quarantine)
    b.redis.command({"REPLICAOF", a.host.ip, std::to_string(b.redis.port())});
  const auto in_sync = eventually(
      "server B is a replica in sync", kSoon,
      equals([this] { return b.redis.role(); }, "replica of " + a.host.ip + ", in sync"));
  if (!in_sync) throw std::runtime_error(in_sync.message());
}

testing::AssertionResult PairScene::start(const Argv& wrapper) {
  start_servers();
  a.agent.start(wrapper);
  b.agent.start(wrapper);
  const auto leads = reaches(kALeads);
  if (!leads) return leads;
  const auto guarded = protects(a.agent);
  return guarded ? have_told("A BACKUP MASTER | B BACKUP") : guarded;
}

std::string PairScene::picture() {
  return "A " + a.picture() + " | B " + b.picture();
}

testing::AssertionResult PairScene::reaches(const std::string& expected, Millis deadline) {
  return eventually(expected, deadline, equals([this] { return picture(); }, expected));
}

testing::AssertionResult PairScene::keeps(const std::string& expected, Millis time) {
  return stays(expected, time, equals([this] { return picture(); }, expected));
}

std::string PairScene::leader() {
  const std::string leads = "leading, VIP, master";
  const std::string at_a = a.picture();
  const std::string at_b = b.picture();
  if (at_a == leads && !b.host.has_address()) return "A";
  if (at_b == leads && !a.host.has_address()) return "B";
  return "A " + at_a + " | B " + at_b;
}

testing::AssertionResult PairScene::led_by(const std::string& name, Millis deadline) {
  return eventually(name + " leads", deadline, equals([this] { return leader(); }, name));
}

testing::AssertionResult PairScene::protects(Agent& leader, const std::string& pair) {
  return eventually("the standby is in sync, says the leader", kSoon,
                    equals([&] { return leader.field("/standby_in_sync", pair); }, "true"));
}

std::string PairScene::vip_holders() const {
  return std::string(a.host.has_address() ? "A" : "") + (b.host.has_address() ? "B" : "");
}

std::string PairScene::told() const {
  return "A " + a.recorder.states() + " | B " + b.recorder.states();
}

testing::AssertionResult PairScene::have_told(const std::string& expected) {
  return eventually("the scripts were told", kSoon, equals([this] { return told(); }, expected));
}

std::string PairScene::data() {
  return "A misses " + std::to_string(a.redis.missing(options_.keys)) + ", B misses " +
         std::to_string(b.redis.missing(options_.keys));
}

}  // namespace support
