// One short conversation with a server, for a command that waits for its answers. Passwords go in
// and never come out: an answer to AUTH is told by its first word alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "health/io/redis_connection.hpp"
#include "health/reply.hpp"

namespace agent::io {

class ServerTalk {
 public:
  explicit ServerTalk(health::io::ServerAddress address,
                      std::chrono::milliseconds patience = std::chrono::seconds(2));

  // nullopt: connected. Otherwise a clause: "Connection refused".
  std::optional<std::string> open();
  // Logs in; a server that wants no password is content with any when `or_none`. nullopt: done.
  std::optional<std::string> log_in(const std::string& user, const std::string& password,
                                    bool or_none);
  // nullopt: no answer came.
  std::optional<health::Reply> ask(const std::vector<std::string>& words);
  // Why there is none.
  const std::string& failure() const { return failure_; }

 private:
  template <typename Condition>
  bool wait_for(Condition condition);

  boost::asio::io_context loop_;
  std::chrono::milliseconds patience_;
  bool connected_ = false;
  std::string failure_;
  health::io::RedisConnection connection_;
};

}  // namespace agent::io
