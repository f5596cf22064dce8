// The operators' door: a Unix stream socket for root and group tandem. A client sends one line of
// JSON, {"command": "status"}, gets one line of JSON back, and the connection ends.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace agent::io {

class ControlSocket {
 public:
  // The answer to a request that is a JSON object; other requests are answered by the socket.
  using Handler = std::function<boost::json::object(const boost::json::object& request)>;

  ControlSocket(const boost::asio::any_io_executor& executor, Handler handler);
  ~ControlSocket();

  // Sentence on failure. A socket file that a dead agent left is replaced, one that a living agent
  // answers on is not.
  std::optional<std::string> listen(const std::string& path);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
