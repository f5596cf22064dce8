// A server that answers from a script, on the loop of the test. Understands commands, nothing else.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "health/io/redis_connection.hpp"

namespace health {

using Command = std::vector<std::string>;

class FakeServer {
 public:
  // One accepted connection, as the script sees it.
  class Session {
   public:
    virtual ~Session() = default;
    virtual void send(std::string bytes) = 0;
    // Each byte in a packet of its own.
    virtual void send_in_pieces(std::string bytes) = 0;
    // Again and again, until the other side has enough.
    virtual void send_without_end(std::string bytes) = 0;
    virtual void close() = 0;
    virtual void reset() = 0;
  };
  using Script = std::function<void(Session&, const Command&)>;

  FakeServer(boost::asio::io_context& loop, Script script);
  FakeServer(boost::asio::io_context& loop, const std::string& unix_path, Script script);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // Answers PONG to PING, a master's INFO to INFO and OK to the rest.
  static void behave(Session& session, const Command& command);

  const io::ServerAddress& address() const;
  const std::vector<Command>& commands() const;
  int accepted() const;
  void on_accept(std::function<void(Session&)> greeting);
  void close_all();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace health
