// See peer_agent.hpp.
#include "agent/io/peer_agent.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "agent/io/wall_clock.hpp"

namespace agent::io {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {
constexpr auto kFirstBackoff = std::chrono::milliseconds(100);
constexpr auto kLastBackoff = std::chrono::seconds(2);
constexpr auto kConnectPatience = std::chrono::seconds(2);
constexpr auto kLogSpacing = std::chrono::seconds(60);
constexpr std::size_t kMostLogged = 32;
constexpr std::size_t kMostPending = 64;
}  // namespace

PeerAgent::PeerAgent(const boost::asio::any_io_executor& executor, PeerTls& tls,
                     Addresses addresses, std::shared_ptr<spdlog::logger> log)
    : executor_(executor),
      tls_(tls),
      addresses_(std::move(addresses)),
      log_(std::move(log)),
      dial_timer_(executor),
      backoff_(kFirstBackoff),
      since_(std::chrono::system_clock::now()) {}

void PeerAgent::introduce(const PeerHello& base) {
  auto pairs = std::move(own_.pairs);
  own_ = base;
  own_.pairs = std::move(pairs);
}

void PeerAgent::subscribe(const std::string& pair, PeerPairEvents events) {
  const PeerPairEvents& now = pairs_[pair] = std::move(events);
  if (!started_) return;
  now.link_changed(up_, why_, refused_);
  if (!up_) return;
  compare(pair, now);
  if (const auto last = said_.find(pair); last != said_.end()) now.said(last->second.word);
  say(pair);
}

bool PeerAgent::has_pair(const std::string& pair) const {
  return std::ranges::any_of(own_.pairs, [&](const PeerPair& one) { return one.name == pair; });
}

bool PeerAgent::serves_the_same(const PeerAgent& other) const {
  return own_ == other.own_ && rules_.heartbeat == other.rules_.heartbeat &&
         rules_.messages_per_second == other.rules_.messages_per_second;
}

void PeerAgent::start() {
  started_ = true;
  for (const auto& [name, events] : pairs_) events.link_changed(false, why_, false);
  dial();
}

void PeerAgent::stop() {
  stopped_ = true;
  dial_timer_.cancel();
  error_code ignored;
  if (socket_) socket_->close(ignored);
  if (called_) called_->close();
  if (took_) took_->close();
  called_.reset();
  took_.reset();
}

// ---- calling -----------------------------------------------------------------------------------

void PeerAgent::dial() {
  socket_ = std::make_shared<tcp::socket>(executor_);
  error_code error;
  socket_->open(addresses_.there.protocol(), error);
  if (!error) socket_->bind({addresses_.here, 0}, error);
  if (error) return dialled(socket_, error);
  dial_timer_.expires_after(kConnectPatience);
  dial_timer_.async_wait([socket = std::weak_ptr(socket_)](const error_code& waited) {
    const auto late = socket.lock();
    error_code ignored;
    if (!waited && late) late->close(ignored);
  });
  socket_->async_connect(addresses_.there,
                         [weak = weak_from_this(), socket = socket_](const error_code& result) {
                           if (const auto self = weak.lock()) self->dialled(socket, result);
                         });
}

void PeerAgent::dialled(const std::shared_ptr<tcp::socket>& socket, const error_code& error) {
  if (stopped_ || socket != socket_) return;
  const bool late = !socket->is_open();
  socket_.reset();
  dial_timer_.cancel();
  if (error || late) {
    failed("its agent cannot be called: " + (late ? "no answer" : error.message()),
           !late && error == boost::asio::error::connection_refused);
    return redial();
  }
  const auto weak = weak_from_this();
  // The events come from this connection alone, so it can be named when it exists.
  const auto holder = std::make_shared<std::weak_ptr<PeerConnection>>();
  PeerConnection::Events events;
  events.opened = [weak](const PeerHello& hello) {
    if (const auto self = weak.lock()) self->opened(hello);
  };
  events.wants_states = [weak, holder] {
    const auto self = weak.lock();
    const auto connection = holder->lock();
    if (self && connection) self->send_states(*connection);
  };
  events.heard = [weak, holder](const SessionHeard& heard) {
    const auto self = weak.lock();
    const auto connection = holder->lock();
    if (self && connection) self->heard(connection, heard);
  };
  events.ended = [weak, holder](const std::string& why) {
    const auto self = weak.lock();
    const auto connection = holder->lock();
    if (self && connection) self->ended(connection.get(), why);
  };
  try {
    called_ = std::make_shared<PeerConnection>(
        std::move(*socket), tls_, PeerSession::Side::caller,
        std::vector<PeerSession::Own>{{addresses_.name, own_}}, rules_, std::move(events));
  } catch (const std::bad_alloc&) {
    failed("there is no memory for a call of its agent");
    return redial();
  }
  *holder = called_;
  called_->start();
}

// A call under way may have been lost with the path; TCP would repeat it seconds later.
void PeerAgent::call() {
  if (!started_ || stopped_ || up_ || called_) return;
  backoff_ = kFirstBackoff;
  error_code ignored;
  if (const auto lost = std::exchange(socket_, nullptr)) lost->close(ignored);
  dial_timer_.cancel();
  dial();
}

void PeerAgent::redial() {
  if (stopped_) return;
  dial_timer_.expires_after(backoff_);
  backoff_ = std::min<Duration>(2 * backoff_, kLastBackoff);
  dial_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (self && !error && !self->stopped_) self->dial();
  });
}

// ---- connections -------------------------------------------------------------------------------

bool PeerAgent::is_open(const std::shared_ptr<PeerConnection>& connection) const {
  return connection && connection->is_open();
}

void PeerAgent::adopt(std::shared_ptr<PeerConnection> connection, const PeerHello& hello) {
  if (took_) took_->close();
  took_ = std::move(connection);
  opened(hello);
}

void PeerAgent::opened(const PeerHello& hello) {
  forget_the_old_run(hello);
  backoff_ = kFirstBackoff;
  set_up(true, {});
  for (const auto& [pair, events] : pairs_) compare(pair, events);
}

void PeerAgent::compare(const std::string& pair, const PeerPairEvents& events) const {
  const auto named = [&](const PeerPair& one) { return one.name == pair; };
  const auto own = std::ranges::find_if(own_.pairs, named);
  const auto theirs = std::ranges::find_if(theirs_.pairs, named);
  if (own == own_.pairs.end()) return;
  events.compared(theirs == theirs_.pairs.end()
                      ? std::vector<std::string>{"it has no pair of this name"}
                      : disagreements(*own, *theirs));
}

// What an earlier process of the other side said is history, and so are its connections.
void PeerAgent::forget_the_old_run(const PeerHello& hello) {
  const bool restarted = !theirs_.run.empty() && theirs_.run != hello.run;
  theirs_ = hello;
  if (restarted) said_.clear();
}

void PeerAgent::ended(const PeerConnection* connection, const std::string& why) {
  const bool was_called = connection == called_.get();
  if (was_called) called_.reset();
  if (connection == took_.get()) took_.reset();
  std::vector<std::uint64_t> lost;
  for (const auto& [id, pending] : pending_) {
    if (pending.connection == connection) lost.push_back(id);
  }
  for (const auto id : lost) {
    finish(id, {.text = "the peer link went down before the answer came: " + why});
  }
  if (up_ && !is_open(called_) && !is_open(took_)) {
    set_up(false, why);
  } else {
    failed(why);
  }
  if (was_called) redial();
}

void PeerAgent::failed(const std::string& why, bool refused) {
  if (!up_ && (why_ != why || refused_ != refused)) {
    why_ = why;
    refused_ = refused;
    for (const auto& [name, events] : pairs_) events.link_changed(false, why, refused);
  }
  const auto now = steady_clock::now();
  const auto last = logged_.find(why);
  if (last != logged_.end() && now < last->second + kLogSpacing) return;
  if (logged_.size() >= kMostLogged) logged_.clear();
  logged_[why] = now;
  log_->warn("peer link to {}: {}", addresses_.name, why);
}

void PeerAgent::set_up(bool up, const std::string& why) {
  if (up == up_) return;
  up_ = up;
  why_ = why;
  refused_ = false;
  since_ = std::chrono::system_clock::now();
  if (up) {
    logged_.clear();
    log_->info("peer link to {} is up: node {}, version {}", addresses_.name, theirs_.node,
               theirs_.software);
  } else {
    said_.clear();
    log_->warn("peer link to {} is down: {}", addresses_.name, why);
  }
  for (const auto& [name, events] : pairs_) events.link_changed(up, why, false);
}

// ---- words and requests ------------------------------------------------------------------------

void PeerAgent::send_states(PeerConnection& connection) {
  for (const auto& [name, events] : pairs_) {
    if (!connection.send(PeerState{++states_sent_, events.word()})) return;
  }
}

void PeerAgent::say(const std::string& pair) {
  const auto found = pairs_.find(pair);
  if (found == pairs_.end()) return;
  for (const auto& connection : {called_, took_}) {
    if (is_open(connection)) connection->send(PeerState{++states_sent_, found->second.word()});
  }
}

void PeerAgent::heard(const std::shared_ptr<PeerConnection>& connection,
                      const SessionHeard& heard) {
  std::visit([&](const auto& one) { take(connection, one); }, heard.what);
}

// Both connections carry the same.
void PeerAgent::take(const std::shared_ptr<PeerConnection>& /*connection*/,
                     const PeerHeartbeat& /*beat*/) {
  const auto now = steady_clock::now();
  if (now < vouched_ + rules_.heartbeat / 2) return;
  vouched_ = now;
  for (const auto& [pair, events] : pairs_) {
    if (said_.contains(pair)) events.vouched();
  }
}

// The two connections may overtake each other.
void PeerAgent::take(const std::shared_ptr<PeerConnection>& /*connection*/,
                     const PeerState& state) {
  const auto pair = pairs_.find(state.word.pair);
  if (pair == pairs_.end()) return;
  auto& last = said_[state.word.pair];
  if (state.number <= last.number) return;
  last = state;
  pair->second.said(state.word);
}

void PeerAgent::take(const std::shared_ptr<PeerConnection>& connection,
                     const PeerRequest& request) {
  const auto reply = [weak = std::weak_ptr(connection), id = request.id](PeerAnswer answer) {
    answer.id = id;
    if (const auto alive = weak.lock()) alive->send(answer);
  };
  if (!pairs_.contains(request.pair)) return reply({.text = "there is no pair of that name"});
  if (!server_) return reply({.text = "this agent takes no requests"});
  server_(request, reply);
}

void PeerAgent::take(const std::shared_ptr<PeerConnection>& /*connection*/,
                     const PeerAnswer& answer) {
  finish(answer.id, answer);
}

void PeerAgent::ask(PeerRequest request, Duration budget, PeerLinks::Answer answer) {
  const auto& connection = is_open(called_) ? called_ : took_;
  if (!is_open(connection)) return answer({.text = "the peer link is down: " + why_});
  if (pending_.size() >= kMostPending) return answer({.text = "too many requests are under way"});
  request.id = ++requests_sent_;
  const auto id = request.id;
  Pending& pending = pending_[id];
  pending.answer = std::move(answer);
  pending.connection = connection.get();
  pending.timer = std::make_unique<boost::asio::steady_timer>(executor_, budget);
  pending.timer->async_wait([weak = weak_from_this(), id](const error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->finish(id, {.text = "the other node's agent did not answer in time"});
  });
  if (!connection->send(request)) finish(id, {.text = "the request could not be sent"});
}

void PeerAgent::finish(std::uint64_t id, const PeerAnswer& answer) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  const Pending pending = std::move(found->second);
  pending_.erase(found);
  pending.answer(answer);
}

PeerLinkStatus PeerAgent::status(const std::string& pair) const {
  PeerLinkStatus out;
  out.state = up_ ? PeerLinkStatus::State::up : PeerLinkStatus::State::down;
  out.why = why_;
  out.since = wall_clock(since_);
  if (!up_) return out;
  out.node = theirs_.node;
  out.version = theirs_.software;
  for (const auto& connection : {called_, took_}) {
    if (!is_open(connection) || out.rtt_ms) continue;
    if (const auto trip = connection->round_trip()) {
      out.rtt_ms = std::chrono::duration<double, std::milli>(*trip).count();
    }
  }
  const auto said = said_.find(pair);
  if (said != said_.end()) out.says = said->second.word;
  return out;
}

}  // namespace agent::io
