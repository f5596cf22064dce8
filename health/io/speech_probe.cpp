// See speech_probe.hpp. No certificate is verified: nothing is sent that anybody may not know.
#include "health/io/speech_probe.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string_view>
#include <utility>

#include "health/io/tls_client.hpp"

namespace health::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

constexpr std::string_view kPing = "PING\r\n";

struct Probe : std::enable_shared_from_this<Probe> {
  Probe(const asio::any_io_executor& executor, std::function<void(Speech)> told)
      : socket(executor),
        timer(executor),
        context(asio::ssl::context::tls_client),
        tls(socket, context),
        found(std::move(told)) {}

  template <typename Next>
  void connect(const ServerAddress& address, Duration patience, Next next);
  void ask_plainly();
  void shake_hands();
  void end(Speech speech);

  Socket socket;
  asio::steady_timer timer;
  asio::ssl::context context;
  asio::ssl::stream<Socket&> tls;
  std::function<void(Speech)> found;
  std::array<char, 1> first{};
};

template <typename Next>
void Probe::connect(const ServerAddress& address, Duration patience, Next next) {
  error_code error;
  const auto endpoint = endpoint_of(address, error);
  timer.expires_after(error ? Duration::zero() : patience);
  timer.async_wait([self = shared_from_this()](const error_code&) { self->end(Speech::unknown); });
  if (error) return;
  socket.async_connect(endpoint, [self = shared_from_this(), next](const error_code& failed) {
    if (failed) return self->end(Speech::unknown);
    next(*self);
  });
}

void Probe::ask_plainly() {
  asio::async_write(socket, asio::buffer(kPing),
                    [self = shared_from_this()](const error_code&, std::size_t) {});
  socket.async_read_some(asio::buffer(first),
                         [self = shared_from_this()](const error_code& error, std::size_t) {
                           // +PONG, or -NOAUTH and the like.
                           const char c = self->first[0];
                           const bool plain = !error && (c == '+' || c == '-');
                           self->end(plain ? Speech::plain : Speech::unknown);
                         });
}

void Probe::shake_hands() {
  tls.async_handshake(asio::ssl::stream_base::client,
                      [self = shared_from_this()](const error_code& error) {
                        const bool speaks = !error || TlsClient::is_alert(error);
                        self->end(speaks ? Speech::tls : Speech::unknown);
                      });
}

void Probe::end(Speech speech) {
  timer.cancel();
  error_code ignored;
  socket.close(ignored);
  if (const auto tell = std::exchange(found, nullptr)) tell(speech);
}

}  // namespace

void probe_plain(const asio::any_io_executor& executor, const ServerAddress& address,
                 Duration patience, std::function<void(Speech)> found) {
  std::make_shared<Probe>(executor, std::move(found))->connect(address, patience, [](Probe& probe) {
    probe.ask_plainly();
  });
}

void probe_tls(const asio::any_io_executor& executor, const ServerAddress& address,
               Duration patience, std::function<void(Speech)> found) {
  std::make_shared<Probe>(executor, std::move(found))->connect(address, patience, [](Probe& probe) {
    probe.shake_hands();
  });
}

}  // namespace health::io
