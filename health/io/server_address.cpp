// See server_address.hpp.
#include "health/io/server_address.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/system_error.hpp>

#include "health/facts.hpp"

namespace health::io {

namespace asio = boost::asio;

asio::generic::stream_protocol::endpoint endpoint_of(const ServerAddress& address,
                                                     boost::system::error_code& error) {
  if (address.unix_path.empty()) {
    return asio::ip::tcp::endpoint(asio::ip::make_address(address.host, error), address.port);
  }
  try {
    return asio::local::stream_protocol::endpoint(address.unix_path);
  } catch (const boost::system::system_error& too_long) {
    error = too_long.code();
    return {};
  }
}

std::string ServerAddress::to_string() const {
  return unix_path.empty() ? Endpoint{host, port}.to_string() : "unix:" + unix_path;
}

}  // namespace health::io
