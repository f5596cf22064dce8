// Moves bytes between one server and ReplyReader. Decides nothing: every end of a connection is
// reported with the system's words, and the owner says what follows.
//
// No callback of the user runs inside connect(), send() or disconnect(); what these refuse is
// answered from the executor. A callback may do anything, also destroy the connection: after each
// one the generation tells whether the connection is still the one that was being served.
#include "health/io/redis_connection.hpp"

#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/defer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "health/io/reply_reader.hpp"
#include "health/io/server_socket.hpp"
#include "health/io/speech_probe.hpp"

namespace health::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = ServerSocket::Lowest;
using ConnectedEndpoint = Socket::endpoint_type;

constexpr std::size_t kReadBytes = 64UL * 1024;
constexpr int kSilentEnds = 3;  // in a row, of a server that was never heard: does it speak TLS?
constexpr Duration kProbePatience = std::chrono::milliseconds(500);

std::string format(const std::vector<std::string>& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const std::string& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* bytes = nullptr;
  const int size =
      redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), words.data(), lengths.data());
  if (size < 0) throw std::bad_alloc();
  std::string formatted(bytes, static_cast<std::size_t>(size));
  redisFreeCommand(bytes);
  return formatted;
}

// A Unix socket whose server is gone, or was never there, is refused like a closed port.
ConnectFailure failure_of(const error_code& error) {
  const bool refused = error == asio::error::connection_refused ||
                       error == boost::system::errc::no_such_file_or_directory;
  return refused ? ConnectFailure::refused : ConnectFailure::unreachable;
}

void set_tcp_option(Socket& socket, int option, unsigned int value) {
  setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

// The kernel of a hung server still acknowledges, that of a lost host does not: with this bound the
// connection to a lost host ends, and the next attempt tells the two apart. While an answer is
// awaited nothing is sent that could remain unacknowledged, so an end that was lost on the way (of
// a server that hung and then died) would never be heard of: the kernel asks for it each second.
void bound_unacknowledged(Socket& socket, Duration timeout) {
  const auto bound = std::max<Duration>(timeout, std::chrono::seconds(1));
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(bound).count();
  set_tcp_option(socket, TCP_USER_TIMEOUT, static_cast<unsigned int>(count));
  set_tcp_option(socket, TCP_KEEPIDLE, 1);
  set_tcp_option(socket, TCP_KEEPINTVL, 1);
  error_code ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
}

// A socket with the bytes under way on it. Each operation holds it, because a write in several
// steps goes back to its socket even when the connection has moved on.
struct Stream : ServerSocket {
  using ServerSocket::ServerSocket;

  std::vector<char> received;
  std::string being_sent;
};

// An attempt at a local port that nobody listens on can, by chance of the source port, meet itself.
bool met_itself(const Socket& socket) {
  error_code error;
  const ConnectedEndpoint local = socket.local_endpoint(error);
  return local.protocol().family() != AF_UNIX && local == socket.remote_endpoint(error) && !error;
}

}  // namespace

struct RedisConnection::Impl : std::enable_shared_from_this<Impl> {
  enum class State : std::uint8_t { closed, connecting, connected };
  using Handlers = std::deque<ReplyHandler>;

  Impl(asio::any_io_executor executor_in, ServerAddress address_in, Events events_in,
       ConnectionLimits limits_in)
      : executor(std::move(executor_in)),
        address(std::move(address_in)),
        events(std::move(events_in)),
        limits(limits_in),
        attempt_timer(executor) {}

  void connect(Duration timeout);
  void disconnect();
  void abandon();
  void send(const std::vector<std::string>& command, ReplyHandler handler);

  void attempt(Duration timeout);
  void attempt_ended(const error_code& error);
  void attempt_failed(ConnectFailed failed);
  void secure();
  void suspect_plain_server();
  void write_more();
  void read_more();
  void deliver_replies();
  void ended(const error_code& error);
  void broken(std::string detail, bool denied = false);
  Handlers reset();
  void end_later(Handlers waiting, std::optional<Closed> closed);
  void end_now(const Handlers& waiting, const std::optional<Closed>& closed,
               std::uint64_t expected);

  // Runs `step` only while the object lives and serves the same connection.
  template <typename Step>
  auto while_current(Step step) {
    return [weak = weak_from_this(), expected = generation, step](auto&&... arguments) {
      const std::shared_ptr<Impl> self = weak.lock();
      if (self && self->generation == expected) step(*self, arguments...);
    };
  }

  asio::any_io_executor executor;
  ServerAddress address;
  Events events;
  ConnectionLimits limits;

  State state = State::closed;
  std::uint64_t generation = 0;  // grows with every connect, end and destruction
  bool abandoned = false;
  std::shared_ptr<Stream> stream;
  asio::steady_timer attempt_timer;
  std::unique_ptr<ReplyReader> reader;
  Handlers unanswered;
  std::string unsent;
  bool writing = false;  // or not yet allowed to: TLS shakes hands
  std::string write_failure;
  Duration patience{};      // of the attempt
  bool heard = false;       // on this connection
  bool ever_heard = false;  // so it speaks as we do
  int silent_ends = 0;
};

// ---- connecting --------------------------------------------------------------------------------

void RedisConnection::Impl::connect(Duration timeout) {
  disconnect();
  state = State::connecting;
  attempt(timeout);
}

void RedisConnection::Impl::attempt(Duration timeout) {
  const auto fail_later = [this](const error_code& error) {
    asio::post(executor, while_current([error](Impl& self) { self.attempt_ended(error); }));
  };
  error_code error;
  const ConnectedEndpoint endpoint = endpoint_of(address, error);
  if (error) return fail_later(error);
  stream = std::make_shared<Stream>(executor, address);
  stream->lowest().open(endpoint.protocol(), error);
  if (error) return fail_later(error);
  if (address.unix_path.empty()) {
    stream->lowest().set_option(asio::ip::tcp::no_delay(true), error);
    bound_unacknowledged(stream->lowest(), timeout);
  }
  patience = timeout;
  attempt_timer.expires_after(timeout);
  attempt_timer.async_wait(while_current([timeout](Impl& self, const error_code& ended) {
    if (ended || self.state != State::connecting) return;
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    self.attempt_failed(
        {ConnectFailure::unreachable, "no answer within " + std::to_string(count) + " ms"});
  }));
  stream->connect(endpoint, while_current([](Impl& self, const error_code& result) {
                    self.attempt_ended(result);
                  }));
}

void RedisConnection::Impl::attempt_ended(const error_code& error) {
  if (state != State::connecting) return;
  if (error) return attempt_failed({failure_of(error), error.message()});
  if (met_itself(stream->lowest())) {
    return attempt_failed({ConnectFailure::refused, "Connection refused"});
  }
  attempt_timer.cancel();
  state = State::connected;
  stream->received.resize(kReadBytes);
  reader = std::make_unique<ReplyReader>(limits.max_reply_bytes);
  heard = false;
  writing = stream->has_tls();
  const std::uint64_t expected = generation;
  if (events.connected) events.connected();
  if (generation != expected) return;
  if (stream->has_tls()) return secure();
  read_more();
}

// A handshake without an end is like a command without an answer: the server hangs, and when it
// goes on, so does the connection.
void RedisConnection::Impl::secure() {
  stream->handshake(while_current([held = stream](Impl& self, const error_code& error) {
    self.attempt_timer.cancel();
    if (error) return self.ended(error);
    self.write_more();
    self.read_more();
  }));
  if (ever_heard) return;
  attempt_timer.expires_after(patience / 2);
  attempt_timer.async_wait(while_current([](Impl& self, const error_code& cancelled) {
    if (!cancelled) self.suspect_plain_server();
  }));
}

void RedisConnection::Impl::suspect_plain_server() {
  const auto found = while_current([](Impl& self, Speech speech) {
    if (speech != Speech::plain || self.heard) return;
    self.broken("the server speaks no TLS on this port; name its tls-port or leave tls away", true);
  });
  probe_plain(executor, address, kProbePatience, found);
}

void RedisConnection::Impl::attempt_failed(ConnectFailed failed) {
  reset();
  if (events.connect_failed) events.connect_failed(std::move(failed));
}

// ---- bytes -------------------------------------------------------------------------------------

void RedisConnection::Impl::send(const std::vector<std::string>& command, ReplyHandler handler) {
  if (state != State::connected || command.empty()) {
    Handlers refused;
    refused.push_back(std::move(handler));
    return end_later(std::move(refused), std::nullopt);
  }
  unanswered.push_back(std::move(handler));
  if (unanswered.size() > limits.max_queued_commands) {
    const std::string most = std::to_string(limits.max_queued_commands);
    return end_later(reset(), Closed{"more than " + most + " commands wait for their reply"});
  }
  unsent += format(command);
  if (writing) return;
  writing = true;  // when the caller is done: what it sends together goes together
  asio::defer(executor, while_current([](Impl& self) { self.write_more(); }));
}

void RedisConnection::Impl::write_more() {
  writing = !unsent.empty();
  if (!writing) return;
  stream->being_sent.clear();
  stream->being_sent.swap(unsent);
  stream->write(asio::buffer(stream->being_sent),
                while_current([held = stream](Impl& self, const error_code& error, std::size_t) {
                  if (!error) return self.write_more();
                  // The server's last words may lie unread: let the reader end it.
                  self.write_failure = held->words(error);
                  error_code ignored;
                  held->lowest().shutdown(Socket::shutdown_both, ignored);
                }));
}

void RedisConnection::Impl::read_more() {
  stream->read_some(
      asio::buffer(stream->received),
      while_current([held = stream](Impl& self, const error_code& error, std::size_t size) {
        if (error) return self.ended(error);
        self.heard = self.ever_heard = true;
        self.reader->feed({held->received.data(), size});
        self.deliver_replies();
      }));
}

void RedisConnection::Impl::deliver_replies() {
  const std::uint64_t expected = generation;
  while (const std::optional<Reply> reply = reader->next()) {
    if (unanswered.empty()) return broken("protocol error: a reply that answers no command");
    const ReplyHandler handler = std::move(unanswered.front());
    unanswered.pop_front();
    if (handler) handler(&*reply);
    if (generation != expected) return;
  }
  if (!reader->failure().empty()) return broken(reader->failure());
  read_more();
}

// ---- ends --------------------------------------------------------------------------------------

void RedisConnection::Impl::disconnect() {
  Handlers waiting = reset();
  if (!waiting.empty()) end_later(std::move(waiting), std::nullopt);
}

void RedisConnection::Impl::abandon() {
  abandoned = true;
  reset();
}

void RedisConnection::Impl::ended(const error_code& error) {
  // What TLS says after the first reply is an accident of this connection.
  if (ServerSocket::is_refusal(error)) return broken(stream->words(error), !heard);
  std::string detail = error.message();
  if (error == asio::error::connection_reset) detail = "reset by the server";
  if (error == asio::error::eof) {
    detail = write_failure.empty() ? "closed by the server" : write_failure;
  }
  const bool strange = !ever_heard && !stream->has_tls() && address.unix_path.empty();
  if (!strange || ++silent_ends < kSilentEnds) return broken(std::move(detail));
  probe_tls(executor, address, kProbePatience, while_current([detail](Impl& self, Speech speech) {
              if (speech != Speech::tls) return self.broken(detail);
              self.broken("the server speaks TLS on this port, and no tls is configured", true);
            }));
}

void RedisConnection::Impl::broken(std::string detail, bool denied) {
  const Handlers waiting = reset();
  end_now(waiting, Closed{std::move(detail), denied}, generation);
}

// Back to closed; what is under way on the socket ends without effect.
RedisConnection::Impl::Handlers RedisConnection::Impl::reset() {
  ++generation;
  state = State::closed;
  attempt_timer.cancel();
  if (stream) {
    stream->close();
    stream.reset();
  }
  unsent.clear();
  writing = false;
  write_failure.clear();
  return std::exchange(unanswered, {});
}

void RedisConnection::Impl::end_later(Handlers waiting, std::optional<Closed> closed) {
  asio::post(executor, [weak = weak_from_this(), waiting = std::move(waiting),
                        closed = std::move(closed), expected = generation] {
    const std::shared_ptr<Impl> self = weak.lock();
    if (self) self->end_now(waiting, closed, expected);
  });
}

// `closed` is told only when no handler has begun a new connection meanwhile.
void RedisConnection::Impl::end_now(const Handlers& waiting, const std::optional<Closed>& closed,
                                    std::uint64_t expected) {
  for (const ReplyHandler& handler : waiting) {
    if (abandoned) return;
    if (handler) handler(nullptr);
  }
  if (closed && !abandoned && generation == expected && events.closed) events.closed(*closed);
}

// ---- the public face ---------------------------------------------------------------------------

RedisConnection::RedisConnection(asio::any_io_executor executor, ServerAddress address,
                                 Events events, ConnectionLimits limits)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(address), std::move(events),
                                   limits)) {}

RedisConnection::~RedisConnection() {
  impl_->abandon();
}

void RedisConnection::connect(Duration timeout) {
  impl_->connect(timeout);
}

void RedisConnection::disconnect() {
  impl_->disconnect();
}

bool RedisConnection::is_connected() const {
  return impl_->state == Impl::State::connected;
}

const ServerAddress& RedisConnection::address() const {
  return impl_->address;
}

void RedisConnection::send(const std::vector<std::string>& command, ReplyHandler handler) {
  impl_->send(command, std::move(handler));
}

}  // namespace health::io
