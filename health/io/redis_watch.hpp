// Runs one health::Monitor: owns the connection and the timer, converts replies, hands verdicts
// over. Other code sends its own commands through command() on the same connection, so that what
// is sent to a hung server is executed first when it wakes up.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "health/io/redis_connection.hpp"
#include "health/monitor.hpp"

namespace health::io {

struct Credentials {
  std::string user;      // empty: the default user
  std::string password;  // empty: no AUTH
};

struct WatchEvents {
  std::function<void(const HealthChanged&)> health_changed;
  std::function<void(const FactsRead&)> facts_read;
  // Every answered PING: the second witness (rule 5) needs the moment, not only the verdict.
  std::function<void(TimePoint)> answered;
};

class RedisWatch {
 public:
  RedisWatch(const boost::asio::any_io_executor& executor, ServerAddress address,
             Credentials credentials, MonitorConfig config, WatchEvents events);
  ~RedisWatch();
  RedisWatch(const RedisWatch&) = delete;
  RedisWatch& operator=(const RedisWatch&) = delete;

  void start();
  void stop();
  // nullptr to the handler when there is no connection or it ends before the reply.
  void command(const std::vector<std::string>& command, RedisConnection::ReplyHandler handler);
  void refresh();
  // From now on each PING goes with ROLE, which costs the server next to nothing: a role that
  // somebody changed is known within a ping_interval and not with the next INFO.
  void watch_role();
  const MonitorSnapshot& snapshot() const;
  const ServerAddress& address() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace health::io
