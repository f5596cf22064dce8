// The operators' door: a Unix stream socket for root and group tandem. A client sends one line of
// JSON, {"command": "status"}, gets one line of JSON back, at once or later, and the connection
// ends.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace agent::io {

class ControlSocket {
 public:
  // Takes the answer, from inside the handler or later. The first counts; one for a client that has
  // hung up, or of a socket that is gone, goes nowhere.
  using Reply = std::function<void(const boost::json::object& answer)>;
  // Gets each request that is a JSON object; other requests are answered by the socket.
  using Handler = std::function<void(const boost::json::object& request, Reply reply)>;

  // A client whose answer takes longer than `patience` is told so.
  ControlSocket(const boost::asio::any_io_executor& executor, Handler handler,
                std::chrono::milliseconds patience = std::chrono::minutes(15));
  ~ControlSocket();

  // Sentence on failure. A socket file that a dead agent left is replaced, one that a living agent
  // answers on is not.
  std::optional<std::string> listen(const std::string& path);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
