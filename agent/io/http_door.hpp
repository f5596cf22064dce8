// A small HTTP/1.1 server on the agent's loop for those who only look: GET and HEAD, one request
// for each connection, everything bounded, so that nobody keeps a load balancer out. What a path
// means is its handler's matter.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace agent::io {

struct HttpAnswer {
  unsigned status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
  std::string policy = "default-src 'none'";  // Content-Security-Policy
};

struct HttpLimits {
  std::size_t header = 8192;  // bytes of a request, its line included
  // When all places are taken, or all that one address may have, a new client gets that of the
  // oldest who has its answer, else of one who does not take it, else of one who has not asked yet.
  // Those who wait for their answer keep theirs.
  std::size_t clients = 32;
  std::size_t of_one_address = 8;
  std::chrono::milliseconds patience = std::chrono::seconds(5);  // for a request
  std::chrono::milliseconds taking = std::chrono::seconds(15);   // until the answer is taken
};

class HttpDoor {
 public:
  // Takes the answer, from inside the handler or later. The first counts; one for a client that has
  // hung up, or of a door that is gone, goes nowhere.
  using Reply = std::function<void(HttpAnswer answer)>;
  // `path` is the target without its query, as it was sent.
  using Handler = std::function<void(const std::string& path, Reply reply)>;

  HttpDoor(const boost::asio::any_io_executor& executor, Handler handler, HttpLimits limits = {});
  ~HttpDoor();
  HttpDoor(const HttpDoor&) = delete;
  HttpDoor& operator=(const HttpDoor&) = delete;

  // `host`: a numeric address. One clause on failure; it may be tried again.
  std::optional<std::string> listen(const std::string& host, std::uint16_t port);
  // Where it listens; the kernel's choice after listen(..., 0).
  std::uint16_t port() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
