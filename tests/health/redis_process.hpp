// A real redis-server as a child of the test, on a free port, in a directory of its own. It ends
// with this object and, should the test die, with the test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "health/io/redis_connection.hpp"

namespace health {

class RedisProcess {
 public:
  // An option PORT stands for the port's number.
  // `first`: the words before all options, as the path of a configuration.
  explicit RedisProcess(std::vector<std::string> options = {}, std::vector<std::string> first = {});
  ~RedisProcess();
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  static bool is_installed();
  io::ServerAddress address() const;
  void start();
  void send_signal(int signal) const;
  // SIGKILL, and gone when this returns.
  void kill();
  // From here on it cannot save.
  void remove_directory() const;

 private:
  std::vector<std::string> options_;
  std::vector<std::string> first_;
  std::string directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace health
