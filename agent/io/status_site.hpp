// What the HTTP door shows: metrics for Prometheus, words for load balancers, a page for people.
// The status of the pairs is taken one pair at a time, so that many pairs never hold the loop; the
// text is made of it by a thread of its own.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.hpp"
#include "agent/io/event_journal.hpp"
#include "agent/io/http_door.hpp"
#include "agent/status.hpp"

namespace agent::io {

// What the site asks the agent for, from the loop.
struct SiteSources {
  std::function<std::vector<std::string>()> names;  // of the pairs
  // nullopt: there is no such pair any more.
  std::function<std::optional<PairStatus>(std::string_view name)> status;
  std::function<std::optional<PairGlance>(std::string_view name)> glance;
  std::function<AgentStatus()> about;  // without pairs
  const EventJournal* events = nullptr;
};

class StatusSite {
 public:
  // All that `sources` needs outlives the site.
  StatusSite(boost::asio::any_io_executor executor, SiteSources sources,
             std::shared_ptr<spdlog::logger> log);
  ~StatusSite();
  StatusSite(const StatusSite&) = delete;
  StatusSite& operator=(const StatusSite&) = delete;

  // Opens the door, or goes on trying: what only looks is no reason for an agent not to run.
  void open(const MetricsConfig& config);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// /health, /leader and /standby; `wanted` is the path behind the first word, a pair's name or
// nothing for all pairs. One line of reason.
HttpAnswer balancer_answer(std::string_view what, std::string_view wanted,
                           const std::vector<PairGlance>& pairs);

}  // namespace agent::io
