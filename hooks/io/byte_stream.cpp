// Each operation holds the stream, so that its buffers outlive it; close() is what ends it early.
#include "hooks/io/byte_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "health/io/server_socket.hpp"
#include "health/io/speech_probe.hpp"

namespace hooks::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using health::io::ServerSocket;
using health::io::Speech;

constexpr std::size_t kReadBytes = 256UL * 1024;
constexpr health::Duration kProbePatience = std::chrono::seconds(1);

class ServerStream : public ByteStream, public std::enable_shared_from_this<ServerStream> {
 public:
  ServerStream(asio::any_io_executor executor, health::io::ServerAddress address)
      : executor_(std::move(executor)),
        address_(std::move(address)),
        socket_(std::make_shared<ServerSocket>(executor_, address_)) {}

  void connect(Done done) override {
    error_code error;
    const auto endpoint = health::io::endpoint_of(address_, error);
    if (error) {
      asio::post(executor_, [self = shared_from_this(), error, done] {
        if (!self->closed_) done(error);
      });
      return;
    }
    socket_->connect(endpoint, [self = shared_from_this(), done](const error_code& ended) {
      if (self->closed_) return;
      if (ended || !self->socket_->has_tls()) return done(ended);
      self->secure(done);
    });
  }

  void read(Read done) override {
    received_.resize(kReadBytes);
    socket_->read_some(asio::buffer(received_), [self = shared_from_this(), done](
                                                    const error_code& error, std::size_t size) {
      if (self->closed_) return;
      const bool strange = error && !self->heard_ && !self->socket_->has_tls();
      if (strange) return self->suspect_tls_server(error, done);
      self->heard_ = true;
      done(error, {self->received_.data(), size});
    });
  }

  void write(std::string bytes, Done done) override {
    const auto sent = std::make_shared<std::string>(std::move(bytes));
    socket_->write(asio::buffer(*sent),
                   [self = shared_from_this(), sent, done](const error_code& error, std::size_t) {
                     if (!self->closed_) done(error);
                   });
  }

  void close() override {
    closed_ = true;
    socket_->close();
  }

  std::string words(const error_code& error) const override {
    switch (other_speech_) {
      case Speech::plain: return "the server speaks no TLS on this port";
      case Speech::tls: return "the server speaks TLS on this port, and no CA for it is named";
      case Speech::unknown: break;
    }
    return socket_->words(error);
  }

 private:
  void secure(const Done& done) {
    socket_->handshake([self = shared_from_this(), done](const error_code& error) {
      self->shaken_ = true;
      if (!self->closed_) done(error);
    });
    // A plain server would let the handshake wait for ever.
    health::io::probe_plain(executor_, address_, kProbePatience,
                            [self = shared_from_this()](Speech speech) {
                              if (speech != Speech::plain || self->shaken_) return;
                              self->other_speech_ = speech;
                              self->socket_->close();
                            });
  }

  // One with TLS hangs up on what is no handshake.
  void suspect_tls_server(const error_code& error, const Read& done) {
    health::io::probe_tls(executor_, address_, kProbePatience,
                          [self = shared_from_this(), error, done](Speech speech) {
                            if (self->closed_) return;
                            self->other_speech_ = speech;
                            const bool tls = speech == Speech::tls;
                            done(tls ? error_code(asio::error::no_protocol_option) : error, {});
                          });
  }

  asio::any_io_executor executor_;
  health::io::ServerAddress address_;
  std::shared_ptr<ServerSocket> socket_;
  std::vector<char> received_;
  bool closed_ = false;
  bool shaken_ = false;
  bool heard_ = false;
  Speech other_speech_ = Speech::unknown;  // not what was expected
};

}  // namespace

std::shared_ptr<ByteStream> make_stream(const asio::any_io_executor& executor,
                                        const health::io::ServerAddress& address) {
  return std::make_shared<ServerStream>(executor, address);
}

}  // namespace hooks::io
