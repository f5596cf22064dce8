// One connection to a Redis server: Asio moves the bytes, with TLS where the address says so,
// hiredis formats commands and parses replies. Commands are pipelined; replies come in order. No
// meaning here: see health::Monitor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "health/io/server_address.hpp"
#include "health/monitor.hpp"
#include "health/reply.hpp"

namespace health::io {

struct ConnectionLimits {
  // A reply larger than this, or a command queue longer than this, closes the connection with a
  // reason: a fake server must not fill our memory.
  std::size_t max_reply_bytes = 16UL * 1024 * 1024;
  std::size_t max_queued_commands = 1024;
};

class RedisConnection {
 public:
  // Called once per command, in order, and never from inside connect(), disconnect() or send().
  // nullptr: the connection ended before the reply. Destroying the connection drops the handlers
  // that still wait, uncalled.
  using ReplyHandler = std::function<void(const Reply*)>;

  struct Events {
    std::function<void()> connected;
    std::function<void(ConnectFailed)> connect_failed;
    std::function<void(Closed)> closed;  // after all waiting ReplyHandlers got nullptr
  };

  RedisConnection(boost::asio::any_io_executor executor, ServerAddress address, Events events,
                  ConnectionLimits limits = {});
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // Starts a connection attempt; `connected` or `connect_failed` follows. An attempt that the
  // network does not answer within `timeout` fails as unreachable. A running one is dropped first.
  // `connected` is told before TLS has shaken hands; commands wait for it, and its failure is an
  // end of the connection.
  void connect(Duration timeout);
  // Drops the connection or the attempt; no event follows, waiting handlers get nullptr.
  void disconnect();
  bool is_connected() const;
  const ServerAddress& address() const;

  // Not connected: the handler gets nullptr (from the executor, never from inside this call).
  void send(const std::vector<std::string>& command, ReplyHandler handler);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace health::io
