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
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "health/io/reply_reader.hpp"

namespace health::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using ConnectedEndpoint = asio::generic::stream_protocol::endpoint;

constexpr std::size_t kReadBytes = 64UL * 1024;

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

// The kernel of a hung server still acknowledges, that of a lost host does not: with this bound the
// connection to a lost host ends, and the next attempt tells the two apart.
void bound_unacknowledged(Socket& socket, Duration timeout) {
  const auto bound = std::max<Duration>(timeout, std::chrono::seconds(1));
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(bound).count();
  const auto value = static_cast<unsigned int>(count);
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value);
}

// A socket with the bytes under way on it. Each operation holds it, because a write in several
// steps goes back to its socket even when the connection has moved on.
struct Stream {
  explicit Stream(const asio::any_io_executor& executor) : socket(executor) {}

  Socket socket;
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

boost::asio::generic::stream_protocol::endpoint endpoint_of(const ServerAddress& address,
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
  void write_more();
  void read_more();
  void deliver_replies();
  void broken(std::string detail);
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
  bool writing = false;
  std::string write_failure;
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
  stream = std::make_shared<Stream>(executor);
  stream->socket.open(endpoint.protocol(), error);
  if (error) return fail_later(error);
  if (address.unix_path.empty()) {
    stream->socket.set_option(asio::ip::tcp::no_delay(true), error);
    bound_unacknowledged(stream->socket, timeout);
  }
  attempt_timer.expires_after(timeout);
  attempt_timer.async_wait(while_current([timeout](Impl& self, const error_code& ended) {
    if (ended || self.state != State::connecting) return;
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    self.attempt_failed(
        {ConnectFailure::unreachable, "no answer within " + std::to_string(count) + " ms"});
  }));
  stream->socket.async_connect(endpoint,
                               while_current([held = stream](Impl& self, const error_code& ended) {
                                 self.attempt_ended(ended);
                               }));
}

void RedisConnection::Impl::attempt_ended(const error_code& error) {
  if (state != State::connecting) return;
  if (error) return attempt_failed({failure_of(error), error.message()});
  if (met_itself(stream->socket)) {
    return attempt_failed({ConnectFailure::refused, "Connection refused"});
  }
  attempt_timer.cancel();
  state = State::connected;
  stream->received.resize(kReadBytes);
  reader = std::make_unique<ReplyReader>(limits.max_reply_bytes);
  const std::uint64_t expected = generation;
  if (events.connected) events.connected();
  if (generation == expected) read_more();
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
  if (!writing) write_more();
}

void RedisConnection::Impl::write_more() {
  if (unsent.empty()) return;
  writing = true;
  stream->being_sent.clear();
  stream->being_sent.swap(unsent);
  asio::async_write(
      stream->socket, asio::buffer(stream->being_sent),
      while_current([held = stream](Impl& self, const error_code& error, std::size_t) {
        self.writing = false;
        if (!error) return self.write_more();
        // The server's last words may lie unread: let the reader end it.
        self.write_failure = error.message();
        error_code ignored;
        held->socket.shutdown(Socket::shutdown_both, ignored);
      }));
}

void RedisConnection::Impl::read_more() {
  stream->socket.async_read_some(
      asio::buffer(stream->received),
      while_current([held = stream](Impl& self, const error_code& error, std::size_t size) {
        if (!error) {
          self.reader->feed({held->received.data(), size});
          return self.deliver_replies();
        }
        if (error == asio::error::connection_reset) return self.broken("reset by the server");
        if (error != asio::error::eof) return self.broken(error.message());
        self.broken(self.write_failure.empty() ? "closed by the server" : self.write_failure);
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

void RedisConnection::Impl::broken(std::string detail) {
  const Handlers waiting = reset();
  end_now(waiting, Closed{std::move(detail)}, generation);
}

// Back to closed; what is under way on the socket ends without effect.
RedisConnection::Impl::Handlers RedisConnection::Impl::reset() {
  ++generation;
  state = State::closed;
  attempt_timer.cancel();
  if (stream) {
    error_code ignored;
    stream->socket.close(ignored);
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
