// Real redis-servers for the tests of this folder: on free ports, with passwords, in a directory of
// their own, gone with the object that started them or with the test program.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hooks/io/procedure_runner.hpp"
#include "hooks/role_change.hpp"

struct redisContext;

namespace hooks {

// On loopback, free at this moment.
std::uint16_t free_port();

// True as soon as `condition` is; false after twenty seconds.
bool eventually(const std::function<bool()>& condition);

// A blocking client of a server, as the default user.
class Client {
 public:
  Client(const std::string& host, std::uint16_t port);

  // A closed connection answers with an error "closed".
  health::Reply ask(const std::vector<std::string>& words);
  void send(const std::vector<std::string>& words);
  health::Reply receive();

 private:
  struct Close {
    void operator()(redisContext* context) const;
  };
  std::unique_ptr<redisContext, Close> context_;
};

// Listens on 127.0.0.1 and on 127.0.0.2, which plays the VIP. Without persistence.
class LiveServer {
 public:
  static constexpr const char* kHost = "127.0.0.1";
  static constexpr const char* kVip = "127.0.0.2";

  LiveServer();
  ~LiveServer();
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;

  static constexpr const char* kPassword = "a-password-of-the-tests";

  health::Endpoint endpoint() const { return {kHost, port_}; }
  std::string directory() const { return directory_; }
  std::string unix_socket() const { return directory_ + "/redis.sock"; }
  Client connect(const char* host = kHost) const { return Client(host, port_); }
  health::Reply ask(const std::vector<std::string>& words) const { return connect().ask(words); }
  // All sections of INFO; one number of it, -1 when it is not there.
  health::ServerFacts facts() const;
  std::int64_t info_number(const std::string& field) const;

  void kill() const;  // SIGKILL
  void hang() const;  // SIGSTOP

 private:
  bool start();
  void end();

  std::string directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

// Runs a procedure through ProcedureRunner and RedisConnection, as an ACL user that has the agent's
// rights and no others.
io::ProcedureResult perform(const LiveServer& local, const LiveServer& peer,
                            std::unique_ptr<Procedure> procedure);

// Makes `replica` follow `master` and waits for the link.
void link_up(const LiveServer& master, const LiveServer& replica);

}  // namespace hooks
