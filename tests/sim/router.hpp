// One simulated host: its router, its clocks, its condition.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/lan.hpp"

namespace sim {

inline vrrp::IpAddress vip_of(vrrp::Family family) {
  return *vrrp::IpAddress::parse(family == vrrp::Family::ipv4 ? "10.0.0.100" : "fe80::100");
}

inline vrrp::IpAddress group_of(vrrp::Family family) {
  return *vrrp::IpAddress::parse(family == vrrp::Family::ipv4 ? "224.0.0.18" : "ff02::12");
}

struct Lan::Router {
  std::size_t index = 0;
  vrrp::InstanceConfig config;
  std::vector<vrrp::IpAddress> sources;     // one per family; the first breaks ties
  std::vector<vrrp::AdmissionRules> rules;  // in the same order
  double rate = 1;                          // of its clock against the true time
  Duration wall_offset{};                   // of its time of day

  bool alive = false;
  bool link_up = true;
  bool eligible = true;
  TimePoint hung_until = TimePoint::min();
  std::uint64_t life = 0;  // counts starts and deaths: events of an earlier life are void
  std::unique_ptr<vrrp::Instance> instance;
  std::unique_ptr<vrrp::Authenticator> authenticator;
  bool holds_vip = false;
  std::optional<TimePoint> armed;
  std::optional<TimePoint> last_advert;  // true time; while it leads

  std::string name() const { return "router " + std::to_string(index + 1); }
  TimePoint local(TimePoint global) const {
    return TimePoint(Duration(static_cast<Duration::rep>(
        static_cast<long double>(global.time_since_epoch().count()) * rate)));
  }
  // Rounded up, so that a deadline has come when its event does.
  TimePoint global(TimePoint local_time) const {
    return TimePoint(Duration(static_cast<Duration::rep>(
                         static_cast<long double>(local_time.time_since_epoch().count()) / rate)) +
                     std::chrono::microseconds(1));
  }
  vrrp::WallTime wall(TimePoint global) const {
    return vrrp::WallTime(std::chrono::duration_cast<vrrp::WallTime::duration>(
        global.time_since_epoch() + std::chrono::hours(400000) + wall_offset));
  }
};

}  // namespace sim
