// A router of priority 240 on 10.0.0.2 at 100 ms adverts, brought into each of its states, and what
// its effects print when a comparison fails.
#pragma once

#include <ostream>

#include "vrrp/instance.hpp"
#include "vrrp/timing.hpp"

namespace vrrp {

using namespace std::chrono_literals;

inline const IpAddress kOwn = *IpAddress::parse("10.0.0.2");
inline const IpAddress kLower = *IpAddress::parse("10.0.0.1");
inline const IpAddress kHigher = *IpAddress::parse("10.0.0.3");
inline constexpr TimePoint kStart{};
inline constexpr Duration kInterval = 100ms;
inline const Duration kDown = master_down_interval(Version::v3, Priority{240}, kInterval);
inline const Duration kSkew = skew_time(Version::v3, Priority{240}, kInterval);

using Effects = InstanceEffects;

inline void PrintTo(const InstanceEffect& effect, std::ostream* out) {
  struct Print {
    std::ostream& out;
    void operator()(const SendAdvert& e) { out << "SendAdvert{" << +e.priority.value << "}"; }
    void operator()(const BecameMaster& e) { out << "BecameMaster{" << to_string(e.why) << "}"; }
    void operator()(const LeftMaster& e) { out << "LeftMaster{" << to_string(e.why) << "}"; }
    void operator()(const BecameBackup& e) { out << "BecameBackup{" << to_string(e.why) << "}"; }
    void operator()(const BecameInitialize& e) {
      out << "BecameInitialize{" << to_string(e.why) << "}";
    }
    void operator()(const Report& e) {
      out << "Report{" << to_string(e.notice) << " " << e.source.to_string() << " "
          << +e.priority.value << "}";
    }
  };
  std::visit(Print{*out}, effect);
}

inline InstanceConfig config_of(Priority priority = Priority{240}, bool preempt = false) {
  return {.version = Version::v3,
          .vrid = Vrid{51},
          .priority = priority,
          .advert_interval = kInterval,
          .preempt = preempt};
}

inline AdvertReceived advert(const IpAddress& source, int priority, Duration interval = kInterval) {
  return {source, Priority{static_cast<std::uint8_t>(priority)}, interval};
}

inline Instance backup(bool may_lead = true, InstanceConfig config = config_of()) {
  Instance instance(config);
  instance.step(kStart, EligibilityChanged{may_lead});
  instance.step(kStart, LinkChanged{true, kOwn});
  return instance;
}

// Master since kStart + kDown.
inline Instance master(InstanceConfig config = config_of()) {
  Instance instance = backup(true, config);
  instance.step(kStart + kDown, DeadlineReached{});
  return instance;
}

}  // namespace vrrp
