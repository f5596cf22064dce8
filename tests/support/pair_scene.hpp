// The whole scene of most tests: two hosts with a Redis server and an agent each, a client, and one
// line that says who does what. Tests act on the parts and wait for such a line.
#pragma once

#include <memory>
#include <string>

#include "tests/support/agent.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/writer.hpp"

namespace support {

PairOptions with_priority(int priority);

struct SceneOptions {
  bool quarantine = false;  // servers boot as the shipped drop-in starts them
  int keys = 1000;          // in the pair before the agents start
  int populate = 0;         // further keys, made by DEBUG POPULATE
  PairOptions pair_a = with_priority(250);
  PairOptions pair_b = with_priority(240);
  std::string vip = std::string(kVip);  // the one that pictures speak of
  bool ipv6 = false;                    // on all hosts
  RedisOptions server_a;
  RedisOptions server_b;
};

// The agents' secret, and options of a pair whose agents are linked by it.
inline const std::string kSecret(64, '7');
SceneOptions linked();

// What a host does, in words: "leading, VIP, master", "standby, no VIP, replica of 10.77.0.1, in
// sync". `agent` is "-" when it does not answer, `server` as RedisServer::role().
inline const std::string kALeads =
    "A leading, VIP, master | B standby, no VIP, replica of 10.77.0.1, in sync";
inline const std::string kBLeads =
    "A standby, no VIP, replica of 10.77.0.2, in sync | B leading, VIP, master";

class PairScene {
 public:
  struct Side {
    Host host;
    Recorder recorder;  // notify.any of the agent
    RedisServer redis;
    Agent agent;
    std::string picture();
  };

  explicit PairScene(const SceneOptions& options = {});

  // Server A is master, server B its replica in sync; no agent runs.
  void start_servers();
  // The good state: start_servers, then both agents, until A leads, B could take over at any
  // moment, and all scripts have run.
  testing::AssertionResult start(const Argv& wrapper = {});  // of the agents

  std::string picture();
  testing::AssertionResult reaches(const std::string& expected, Millis deadline = kSoon);
  // Who leads, who has the VIP and the servers' roles do not change during this time.
  testing::AssertionResult keeps(const std::string& expected, Millis time = Millis(2000));
  // "A" or "B": that host leads, has the VIP alone, and its server is the master; else the picture.
  std::string leader();
  testing::AssertionResult led_by(const std::string& name, Millis deadline = kSoon);
  // The leader's agent knows that its standby could take over now.
  static testing::AssertionResult protects(Agent& leader, const std::string& pair = "redis");
  // "A", "B", "AB" or nothing.
  [[nodiscard]] std::string vip_holders() const;
  // What the scripts have been told so far: "A BACKUP MASTER | B BACKUP".
  [[nodiscard]] std::string told() const;
  testing::AssertionResult have_told(const std::string& expected);
  // All keys of the beginning are on both servers.
  std::string data();

  Lan lan;
  Side a;
  Side b;

 private:
  SceneOptions options_;
};

inline const std::string kDataIntact = "A misses 0, B misses 0";

}  // namespace support
