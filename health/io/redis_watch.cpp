// The hands of health::Monitor: obeys its effects in order, feeds it what happens, keeps its one
// timer. Reads the clock so that the machine need not; never judges and never logs.
#include "health/io/redis_watch.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "vrrp/io/asio/deadline_timer.hpp"

namespace health::io {
namespace {

namespace asio = boost::asio;

constexpr const char* kSentinelChannel = "__sentinel__:hello";

Duration connect_timeout(const MonitorConfig& config) {
  return std::max<Duration>(config.ping_interval * config.fall, std::chrono::milliseconds(200));
}

TimePoint now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

struct RedisWatch::Impl : std::enable_shared_from_this<Impl> {
  Impl(const asio::any_io_executor& executor, ServerAddress address, Credentials credentials_in,
       MonitorConfig config_in, WatchEvents events_in)
      : credentials(std::move(credentials_in)),
        config(config_in),
        events(std::move(events_in)),
        monitor(config, !credentials.password.empty()),
        connection(executor, std::move(address),
                   {.connected = [this] { feed(Connected{}); },
                    .connect_failed = [this](ConnectFailed failed) { feed(std::move(failed)); },
                    .closed = [this](Closed closed) { feed(std::move(closed)); }}),
        timer(executor, [this](TimePoint /*due*/) { feed(Tick{}); }) {}

  void start();
  void stop();
  void refresh();
  void feed(const MonitorInput& input);
  void drain(MonitorEffects effects);

  void perform(const Connect&) { connection.connect(connect_timeout(config)); }
  void perform(const Disconnect&) { connection.disconnect(); }
  void perform(const Send& send);
  void look_for_sentinels();
  void look_at_role();
  void perform(const HealthChanged& changed) const {
    if (events.health_changed) events.health_changed(changed);
  }
  void perform(const FactsRead& read) const {
    if (events.facts_read) events.facts_read(read);
  }

  std::vector<std::string> words(Request request) const;
  void arm();

  Credentials credentials;
  MonitorConfig config;
  WatchEvents events;
  Monitor monitor;
  RedisConnection connection;
  vrrp::io::DeadlineTimer timer;
  bool watches_role = false;
  bool running = false;
  bool draining = false;
  std::deque<MonitorEffect> due;
};

void RedisWatch::Impl::start() {
  if (running) return;
  running = true;
  monitor = Monitor(config, !credentials.password.empty());
  feed(Tick{});
}

void RedisWatch::Impl::stop() {
  running = false;
  due.clear();
  timer.cancel();
  connection.disconnect();
}

void RedisWatch::Impl::refresh() {
  if (running) drain(monitor.refresh(now()));
}

void RedisWatch::Impl::feed(const MonitorInput& input) {
  if (running) drain(monitor.step(now(), input));
}

// A callback may ask for more, which is then done after what was already decided; it may also stop
// or destroy the watch, and nothing more is done.
void RedisWatch::Impl::drain(MonitorEffects effects) {
  const std::shared_ptr<Impl> self = shared_from_this();
  std::ranges::move(effects, std::back_inserter(due));
  if (draining) return;
  draining = true;
  while (!due.empty()) {
    const MonitorEffect effect = std::move(due.front());
    due.pop_front();
    std::visit([this](const auto& what) { perform(what); }, effect);
  }
  draining = false;
  if (running) arm();
}

// A Sentinel is seen before the INFO is that makes the server `up`, so that nobody touches it.
void RedisWatch::Impl::look_for_sentinels() {
  connection.send({"PUBSUB", "NUMSUB", kSentinelChannel}, [this](const Reply* reply) {
    if (reply == nullptr || reply->elements.size() != 2) return;
    const Reply& count = reply->elements.back();
    if (count.type == Reply::Type::integer) monitor.sentinels_seen(count.integer);
  });
}

// What INFO said is compared, so that each change is asked about once; before the first INFO there
// is nothing to compare.
void RedisWatch::Impl::look_at_role() {
  connection.send({"ROLE"}, [this](const Reply* reply) {
    const MonitorSnapshot& seen = monitor.snapshot();
    if (reply == nullptr || !seen.facts_at) return;
    const auto role = parse_role(*reply);
    if (!role || (role->role == seen.facts.role && role->master == seen.facts.master)) return;
    const std::shared_ptr<Impl> self = shared_from_this();
    refresh();
  });
}

void RedisWatch::Impl::perform(const Send& send) {
  if (send.request == Request::info) look_for_sentinels();
  if (send.request == Request::ping && watches_role) look_at_role();
  connection.send(words(send.request), [this, request = send.request](const Reply* reply) {
    if (reply == nullptr) return;  // the closed connection is an input of its own
    const std::shared_ptr<Impl> self = shared_from_this();
    feed(Answered{request, *reply});
    if (running && request == Request::ping && events.answered) {
      events.answered(monitor.snapshot().last_answer.value_or(TimePoint{}));
    }
  });
}

std::vector<std::string> RedisWatch::Impl::words(Request request) const {
  if (request == Request::ping) return {"PING"};
  if (request == Request::info) return {"INFO"};
  if (credentials.user.empty()) return {"AUTH", credentials.password};
  return {"AUTH", credentials.user, credentials.password};
}

void RedisWatch::Impl::arm() {
  timer.wait_until(monitor.next_deadline());
}

RedisWatch::RedisWatch(const asio::any_io_executor& executor, ServerAddress address,
                       Credentials credentials, MonitorConfig config, WatchEvents events)
    : impl_(std::make_shared<Impl>(executor, std::move(address), std::move(credentials), config,
                                   std::move(events))) {}

RedisWatch::~RedisWatch() {
  impl_->stop();
}

void RedisWatch::start() {
  impl_->start();
}

void RedisWatch::stop() {
  impl_->stop();
}

void RedisWatch::command(const std::vector<std::string>& command,
                         RedisConnection::ReplyHandler handler) {
  impl_->connection.send(command, std::move(handler));
}

void RedisWatch::refresh() {
  impl_->refresh();
}

void RedisWatch::watch_role() {
  impl_->watches_role = true;
}

const MonitorSnapshot& RedisWatch::snapshot() const {
  return impl_->monitor.snapshot();
}

const ServerAddress& RedisWatch::address() const {
  return impl_->connection.address();
}

}  // namespace health::io
