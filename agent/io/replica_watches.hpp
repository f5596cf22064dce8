// The further replicas of a pair at work: watches each while this node leads, feeds what is seen to
// agent::FurtherReplica and performs what it wants.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/config.hpp"
#include "agent/status.hpp"
#include "health/facts.hpp"

namespace agent::io {

class ReplicaWatches {
 public:
  struct Events {
    std::function<void(bool warning, const std::string& text)> log;
    // One of them came or went: what the leader's server says of its replicas is old.
    std::function<void()> changed;
  };

  ReplicaWatches(const boost::asio::any_io_executor& executor, const PairConfig& config,
                 Events events);
  ~ReplicaWatches();
  ReplicaWatches(const ReplicaWatches&) = delete;
  ReplicaWatches& operator=(const ReplicaWatches&) = delete;

  // The local server's facts, read since this node leads; nullptr: it does not lead. Begins and
  // ends the watching. `frozen`: nothing is pointed at it.
  void leader_seen(const health::ServerFacts* facts, bool frozen);
  void stop();
  // The files of `tls`, read anew; for connections that begin from now on.
  void reload_certificates();

  std::vector<ReplicaStatus> status() const;
  std::vector<std::string> alarms() const;

 private:
  struct One;

  Events events_;
  std::vector<std::shared_ptr<One>> all_;
  bool watching_ = false;
};

}  // namespace agent::io
