// See peer_connection.hpp. What is read is bounded by the frame header, what waits to be written by
// kMostUnsent, and every phase by a deadline.
#include "agent/io/peer_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <new>
#include <optional>
#include <utility>

namespace agent::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {
constexpr std::size_t kMostUnsent = 4 * kLargestPeerMessage;
constexpr const char* kNoMemory = "there is no memory for what is said on it";
}  // namespace

struct PeerConnection::Impl : std::enable_shared_from_this<Impl> {
  Impl(tcp::socket socket, PeerTls& tls, PeerSession::Side which, std::vector<PeerSession::Own> own,
       const PeerSessionRules& with, Events handlers)
      : side(which),
        rules(with),
        stream(std::move(socket), tls.context()),
        timer(stream.get_executor()),
        session(which, std::move(own), with),
        events(std::move(handlers)) {}

  // Asio's TLS stream must outlive what it has under way, so handlers hold it; end() cancels them.
  template <typename Method>
  auto guarded(Method method) {
    return [self = shared_from_this(), method](const error_code& error, auto&&... more) {
      if (!self->ended) (self.get()->*method)(error, more...);
    };
  }

  void start();
  void shaken(const error_code& error);
  void read_header();
  void header_read(const error_code& error, std::size_t size);
  void body_read(const error_code& error, std::size_t size);
  void input(const SessionInput& input);
  void perform(const SessionSends& effect) { send(effect.message); }
  void perform(const SessionOpened& effect);
  void perform(const SessionWantsStates& effect);
  void perform(const SessionHeard& effect);
  void perform(const SessionEnded& effect);
  bool send(const PeerMessage& message);
  void write();
  void written(const error_code& error, std::size_t size);
  void arm();
  void time_passed(const error_code& error);
  void end(const std::string& why);

  const PeerSession::Side side;
  const PeerSessionRules rules;
  asio::ssl::stream<tcp::socket> stream;
  asio::steady_timer timer;
  PeerSession session;
  Events events;
  std::string inbound;
  std::deque<std::string> outbound;
  std::size_t unsent = 0;
  bool secure = false;   // the handshake is over
  bool closing = false;  // ends when all is written
  bool ended = false;
  std::string last_words;  // closing: why
};

PeerConnection::PeerConnection(tcp::socket socket, PeerTls& tls, PeerSession::Side side,
                               std::vector<PeerSession::Own> own, const PeerSessionRules& rules,
                               Events events) try
    : impl_(std::make_shared<Impl>(std::move(socket), tls, side, std::move(own), rules,
                                   std::move(events))) {
} catch (const boost::system::system_error&) {
  throw std::bad_alloc();  // what OpenSSL lacks for one more connection
}

PeerConnection::~PeerConnection() {
  close();
}

void PeerConnection::start() {
  impl_->start();
}

bool PeerConnection::send(const PeerMessage& message) {
  return is_open() && impl_->send(message);
}

void PeerConnection::close() {
  const auto impl = impl_;
  impl->events = {};
  impl->end({});
}

bool PeerConnection::is_open() const {
  return !impl_->ended && impl_->session.is_open();
}

std::optional<Duration> PeerConnection::round_trip() const {
  return impl_->session.round_trip();
}

// ---- the handshake -----------------------------------------------------------------------------

void PeerConnection::Impl::start() {
  error_code ignored;
  stream.lowest_layer().set_option(tcp::no_delay(true), ignored);
  timer.expires_after(rules.patience);
  timer.async_wait(guarded(&Impl::time_passed));
  const auto type = side == PeerSession::Side::caller ? asio::ssl::stream_base::client
                                                      : asio::ssl::stream_base::server;
  stream.async_handshake(type, guarded(&Impl::shaken));
}

void PeerConnection::Impl::shaken(const error_code& error) {
  if (error) return end(PeerTls::words(error));
  secure = true;
  read_header();
  input(SessionBegins{});
}

// ---- in ----------------------------------------------------------------------------------------

void PeerConnection::Impl::read_header() {
  inbound.resize(kPeerFrameHeader);
  asio::async_read(stream, asio::buffer(inbound), guarded(&Impl::header_read));
}

void PeerConnection::Impl::header_read(const error_code& error, std::size_t /*size*/) {
  if (error) return end(closing ? last_words : PeerTls::words(error));
  const auto length = peer_frame_length(inbound);
  if (!length) return end("it sent a message without a size, or larger than 512 KiB");
  try {
    inbound.resize(*length);
  } catch (const std::bad_alloc&) {
    return end(kNoMemory);
  }
  asio::async_read(stream, asio::buffer(inbound), guarded(&Impl::body_read));
}

void PeerConnection::Impl::body_read(const error_code& error, std::size_t /*size*/) {
  if (error) return end(closing ? last_words : PeerTls::words(error));
  input(FrameArrived{std::exchange(inbound, {})});
  if (!ended && !closing) read_header();
}

// ---- the session -------------------------------------------------------------------------------

void PeerConnection::Impl::input(const SessionInput& input) {
  const auto self = shared_from_this();  // an event may end it
  std::vector<SessionEffect> effects;
  try {
    effects = session.step(steady_clock::now(), input);
  } catch (const std::bad_alloc&) {
    return end(kNoMemory);
  }
  for (const auto& effect : effects) {
    if (ended) return;
    std::visit([&](const auto& one) { perform(one); }, effect);
  }
  if (!ended && !closing) arm();
}

void PeerConnection::Impl::perform(const SessionOpened& effect) {
  const auto handler = events.opened;
  if (handler) handler(effect.hello);
}

void PeerConnection::Impl::perform(const SessionWantsStates& /*effect*/) {
  const auto handler = events.wants_states;
  if (handler) handler();
}

void PeerConnection::Impl::perform(const SessionHeard& effect) {
  const auto handler = events.heard;
  if (handler) handler(effect);
}

void PeerConnection::Impl::perform(const SessionEnded& effect) {
  closing = true;
  last_words = effect.why;
  if (outbound.empty()) return end(last_words);
  // The other side gets its refusal, if it reads at all.
  timer.expires_after(rules.patience);
  timer.async_wait(guarded(&Impl::time_passed));
}

void PeerConnection::Impl::arm() {
  const auto deadline = session.next_deadline();
  if (!deadline || timer.expiry() == *deadline) return;
  timer.expires_at(*deadline);
  timer.async_wait(guarded(&Impl::time_passed));
}

void PeerConnection::Impl::time_passed(const error_code& error) {
  if (error) return;
  if (closing) return end(last_words);
  if (!secure) return end("the handshake was not finished in time");
  input(SessionTime{});
}

// ---- out ---------------------------------------------------------------------------------------

bool PeerConnection::Impl::send(const PeerMessage& message) {
  if (closing || ended) return false;
  std::optional<std::string> frame;
  try {
    frame = encode_peer_message(message);
  } catch (const std::bad_alloc&) {
    end(kNoMemory);
  }
  if (!frame) return false;
  if (unsent + frame->size() > kMostUnsent) {
    end("it does not read what is sent to it");
    return false;
  }
  unsent += frame->size();
  outbound.push_back(std::move(*frame));
  if (outbound.size() == 1) write();
  return true;
}

void PeerConnection::Impl::write() {
  asio::async_write(stream, asio::buffer(outbound.front()), guarded(&Impl::written));
}

void PeerConnection::Impl::written(const error_code& error, std::size_t /*size*/) {
  if (error) return end(closing ? last_words : PeerTls::words(error));
  unsent -= outbound.front().size();
  outbound.pop_front();
  if (!outbound.empty()) return write();
  if (closing) end(last_words);
}

void PeerConnection::Impl::end(const std::string& why) {
  if (std::exchange(ended, true)) return;
  timer.cancel();
  error_code ignored;
  stream.lowest_layer().close(ignored);
  const auto handler = events.ended;
  if (handler) handler(why);
}

}  // namespace agent::io
