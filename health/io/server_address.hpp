// Where a server listens, as a value and as the address of a socket.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>

namespace health::io {

class TlsClient;

// TCP (numeric address) or a Unix socket path.
struct ServerAddress {
  std::string host;  // numeric; empty for a Unix socket
  std::uint16_t port = 0;
  std::string unix_path;                     // empty for TCP
  std::shared_ptr<TlsClient> tls = nullptr;  // how to speak TLS there; none: the server does not
  std::string to_string() const;
};

// The address for a socket; an error for a text that is no address and for a path that is too long.
boost::asio::generic::stream_protocol::endpoint endpoint_of(const ServerAddress& address,
                                                            boost::system::error_code& error);

}  // namespace health::io
