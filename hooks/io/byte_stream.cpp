// Each operation holds the stream, so that its buffers outlive it; close() is what ends it early.
#include "hooks/io/byte_stream.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <utility>
#include <vector>

namespace hooks::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Endpoint = asio::generic::stream_protocol::endpoint;

constexpr std::size_t kReadBytes = 256UL * 1024;

class PlainStream : public ByteStream, public std::enable_shared_from_this<PlainStream> {
 public:
  PlainStream(const asio::any_io_executor& executor, health::io::ServerAddress address)
      : socket_(executor), address_(std::move(address)) {}

  void connect(Done done) override {
    error_code error;
    const Endpoint endpoint = health::io::endpoint_of(address_, error);
    if (error) {
      asio::post(socket_.get_executor(), [self = shared_from_this(), error, done] {
        if (!self->closed_) done(error);
      });
      return;
    }
    socket_.async_connect(endpoint, [self = shared_from_this(), done](const error_code& ended) {
      if (!self->closed_) done(ended);
    });
  }

  void read(Read done) override {
    received_.resize(kReadBytes);
    socket_.async_read_some(
        asio::buffer(received_),
        [self = shared_from_this(), done](const error_code& error, std::size_t size) {
          if (!self->closed_) done(error, {self->received_.data(), size});
        });
  }

  void write(std::string bytes, Done done) override {
    const auto sent = std::make_shared<std::string>(std::move(bytes));
    asio::async_write(
        socket_, asio::buffer(*sent),
        [self = shared_from_this(), sent, done](const error_code& error, std::size_t) {
          if (!self->closed_) done(error);
        });
  }

  void close() override {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::generic::stream_protocol::socket socket_;
  health::io::ServerAddress address_;
  std::vector<char> received_;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<ByteStream> make_plain_stream(const asio::any_io_executor& executor,
                                              const health::io::ServerAddress& address) {
  return std::make_shared<PlainStream>(executor, address);
}

}  // namespace hooks::io
