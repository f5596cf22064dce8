// A connection that carries bytes both ways, whatever carries them: TCP, a Unix socket or TLS.
// Knows nothing of what the bytes mean.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "health/io/server_address.hpp"

namespace hooks::io {

class ByteStream {
 public:
  using Done = std::function<void(const boost::system::error_code&)>;
  // The bytes live until the handler returns; none with an error.
  using Read = std::function<void(const boost::system::error_code&, std::string_view bytes)>;

  virtual ~ByteStream() = default;
  // Handlers come from the executor, once for each call, never from inside it; not after close().
  virtual void connect(Done done) = 0;
  // One of each at a time.
  virtual void read(Read done) = 0;
  virtual void write(std::string bytes, Done done) = 0;
  virtual void close() = 0;
  // An error for an operator.
  virtual std::string words(const boost::system::error_code& error) const {
    return error.message();
  }
};

// To a numeric address or a Unix socket, with TLS where the address says so.
std::shared_ptr<ByteStream> make_stream(const boost::asio::any_io_executor& executor,
                                        const health::io::ServerAddress& address);

}  // namespace hooks::io
