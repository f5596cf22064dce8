// A server as the Monitor sees it, told in milliseconds: each call is one input and gives back all
// effects. The defaults are a ping each 100 ms, fall 3, rise 2, INFO each second.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "health/monitor.hpp"
#include "tests/health/print.hpp"

namespace health {

inline const Connect kConnect{};
inline const Disconnect kDisconnect{};
inline const Send kSendAuth{Request::auth};
inline const Send kSendPing{Request::ping};
inline const Send kSendInfo{Request::info};
inline const HealthChanged kUp{Health::up, "answers PING"};
inline const HealthChanged kHung{Health::hung, "no answer to PING for 300 ms"};
inline const HealthChanged kDead{Health::dead, "Connection refused"};
inline const MonitorEffects kNothing{};

class MonitorStory : public testing::Test {
 protected:
  explicit MonitorStory(bool has_credentials = false) : monitor(MonitorConfig{}, has_credentials) {}

  static TimePoint at(int milliseconds) {
    return TimePoint{} + std::chrono::hours(1) + std::chrono::milliseconds(milliseconds);
  }
  static Reply info_of(const std::string& run_id) {
    return Reply::bulk("# Server\r\nrun_id:" + run_id + "\r\n# Replication\r\nrole:master\r\n");
  }

  MonitorEffects tick(int now) { return monitor.step(at(now), Tick{}); }
  MonitorEffects connected(int now) { return monitor.step(at(now), Connected{}); }
  MonitorEffects refused(int now) {
    return monitor.step(at(now), ConnectFailed{ConnectFailure::refused, "Connection refused"});
  }
  MonitorEffects unreachable(int now, const std::string& detail = "No route to host") {
    return monitor.step(at(now), ConnectFailed{ConnectFailure::unreachable, detail});
  }
  MonitorEffects closed(int now, const std::string& detail = "closed by the server") {
    return monitor.step(at(now), Closed{detail});
  }
  MonitorEffects auth(int now, const Reply& reply) {
    return monitor.step(at(now), Answered{Request::auth, reply});
  }
  MonitorEffects ping(int now, const Reply& reply) {
    return monitor.step(at(now), Answered{Request::ping, reply});
  }
  MonitorEffects pong(int now) { return ping(now, Reply::status("PONG")); }
  MonitorEffects info(int now, const Reply& reply) {
    return monitor.step(at(now), Answered{Request::info, reply});
  }

  // Up since 0 ms, with rounds at 100, 200, ... ms.
  void bring_up() {
    tick(0);
    connected(0);
    pong(0);
    ASSERT_EQ(info(0, info_of("first")), (MonitorEffects{FactsRead{false}, kUp}));
  }
  // A round with an answer 1 ms later; the effects of the answer.
  MonitorEffects round(int now, const Reply& answer) {
    EXPECT_EQ(tick(now), MonitorEffects{kSendPing}) << "at " << now;
    return ping(now + 1, answer);
  }
  MonitorEffects good_round(int now) { return round(now, Reply::status("PONG")); }

  Monitor monitor;
};

class MonitorWithPassword : public MonitorStory {
 protected:
  MonitorWithPassword() : MonitorStory(true) {}
};

}  // namespace health
