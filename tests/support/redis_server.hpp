// One redis-server on a host, and the supervisor that restarts it as quickly as systemd does.
// Its configuration is what an operator would write; roles are changed by others.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/lan.hpp"
#include "tests/support/redis_client.hpp"

namespace support {

struct RedisOptions {
  int port = 6379;
  bool save = false;       // Redis's default save lines, else `save ""`
  std::string replica_of;  // address of the master in the configuration file; empty: none
  std::string quarantine;  // a systemd drop-in: always started with the options that it adds
  std::string masterauth = kPassword;
  std::vector<std::string> more;  // further configuration lines
  // Speaks TLS only, with the ca.crt, server.crt and server.key that lie here; empty: none.
  std::string tls_dir = {};
};

class RedisServer {
 public:
  RedisServer(const Host& host, RedisOptions options);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start();
  void start_and_wait();  // until it answers PING; throws when it does not
  void kill();
  void freeze();
  void thaw();
  // From now on a server that dies is started again after this time; nothing: left dead.
  void supervise(std::optional<Millis> delay);

  // Works also when the host's cable is out: the connection is made on the host itself.
  Answer command(const std::vector<std::string>& words);
  std::map<std::string, std::string> info(const std::string& section);
  // "master", "replica of 10.77.0.1, in sync", "replica of 10.77.0.1", "loading", "silent"
  std::string role();
  long keys();  // -1: no answer
  void fill(int count);
  // Keys of fill(count) that are not there.
  int missing(int count);

  [[nodiscard]] const Host& host() const { return host_; }
  [[nodiscard]] int port() const { return options_.port; }
  [[nodiscard]] const std::filesystem::path& directory() const { return dir_; }

 private:
  void launch();
  void watch(const std::stop_token& stop);
  RedisClient::Target target(Millis deadline) const;

  Host host_;
  RedisOptions options_;
  std::filesystem::path dir_;
  std::mutex mutex_;
  std::unique_ptr<Process> process_;
  std::optional<Millis> restart_after_;
  RedisClient client_;
  std::jthread supervisor_;
};

}  // namespace support
