// A server that says what it is told to say, for tests of what cannot be had from a real one.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace hooks::testing {

// The answers of a server without a password up to the RDB.
inline const std::string kGranted =
    "+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC " + std::string(40, 'a') + " 1234\r\n";

inline std::string bulk(const std::string& payload) {
  return "$" + std::to_string(payload.size()) + "\r\n" + payload;
}

// Says its script to the first client, whatever that says, then closes or holds the connection.
class ScriptedServer {
 public:
  enum class Then { close, hold };

  explicit ScriptedServer(const std::string& script, Then then = Then::close)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (bind(listener_, generic, size) != 0 || listen(listener_, 1) != 0 ||
        getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script, then] { serve(script, then); });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void serve(const std::string& script, Then then) const {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    std::string_view left = script;
    while (!left.empty()) {
      const ssize_t sent = send(client, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    if (then == Then::close) shutdown(client, SHUT_WR);
    char heard[1024];
    while (recv(client, heard, sizeof heard, 0) > 0) {
    }
    close(client);
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace hooks::testing
