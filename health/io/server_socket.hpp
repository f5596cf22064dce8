// A socket to a server, with TLS on it where the server's address says so. Asio's words for an end
// are those of a plain socket in both cases; nothing is decided here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "health/io/server_address.hpp"
#include "health/io/tls_client.hpp"

namespace health::io {

// Operations under way hold the socket; close() ends them.
class ServerSocket : public std::enable_shared_from_this<ServerSocket> {
 public:
  using Lowest = boost::asio::generic::stream_protocol::socket;
  using Done = std::function<void(const boost::system::error_code&)>;
  using Moved = std::function<void(const boost::system::error_code&, std::size_t)>;

  ServerSocket(const boost::asio::any_io_executor& executor, const ServerAddress& address);

  Lowest& lowest() { return socket_; }
  bool has_tls() const { return tls_.has_value(); }
  void connect(const Lowest::endpoint_type& endpoint, Done done);
  // Only with TLS; before it, nothing is read or written.
  void handshake(Done done);
  void read_some(const boost::asio::mutable_buffer& buffer, Moved done);
  void write(const boost::asio::const_buffer& bytes, Moved done);
  void close();

  // The error for an operator.
  std::string words(const boost::system::error_code& error) const;
  // TLS itself refuses, on either side: it is a matter of configuration, not of life and death.
  static bool is_refusal(const boost::system::error_code& error);

 private:
  Lowest socket_;
  std::shared_ptr<TlsClient> client_;
  TlsRefusal refusal_;
  std::optional<boost::asio::ssl::stream<Lowest&>> tls_;
};

}  // namespace health::io
