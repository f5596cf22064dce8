// The hands of agent::Tracking for one pair: runs its scripts, reads its files, watches its
// interfaces, asks its gateway. What a result means is decided there.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/interface_hub.hpp"
#include "agent/tracking.hpp"
#include "vrrp/io/netlink.hpp"

namespace agent::io {

enum class TrackSeverity : std::uint8_t { debug, info, warning };

struct TrackEvents {
  std::function<void(const TrackingSeen& seen)> seen;
  std::function<void()> gateway_answered;
  std::function<void(vrrp::Priority priority)> priority_moved{};
  std::function<void(TrackSeverity severity, const std::string& text)> log;
};

class TrackRunner {
 public:
  // `hub`: the pair's own interface, on which the gateway is asked. Events come only after start().
  TrackRunner(const boost::asio::any_io_executor& executor, std::string pair,
              const TrackingConfig& config, vrrp::Priority priority,
              const vrrp::io::Netlink& netlink, const InterfaceHub& hub, TrackEvents events);
  ~TrackRunner();

  void start();
  // Kills what still runs; no event follows.
  void stop();
  // Links may have changed: looks at the tracked ones.
  void look_at_interfaces();
  // Asks the gateway now, not in its interval.
  void probe_gateway();

  std::vector<TrackerSnapshot> status() const;
  // The configured priority with all weights.
  vrrp::Priority priority() const;

  // Scripts that may not run on this host: "track_script[check]: ...".
  static std::vector<std::string> problems(const TrackingConfig& config);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
