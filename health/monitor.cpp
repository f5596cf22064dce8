// Decides when to connect, what to ask and what the answers mean. The verdicts follow the table
// "What a reply means" in ARCHITECTURE.md. Never waits, never reads a clock, never sees the
// password: answers to AUTH are not quoted, because a server may repeat its arguments in an error.
#include "health/monitor.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace health {
namespace {

using std::chrono::milliseconds;

constexpr Duration kDeniedRetry = std::chrono::seconds(1);
constexpr std::size_t kMaxQuotedText = 120;

constexpr int kQuickRetries = 3;
constexpr Duration kQuickRetry = std::chrono::milliseconds(1);

Duration retry_interval(const MonitorConfig& config) {
  return std::clamp<Duration>(config.ping_interval, milliseconds(50), std::chrono::seconds(1));
}

// The first moment of the schedule after `now`. Moments that passed unnoticed are skipped: when the
// agent itself was late, the answers may lie unread, and the server must not pay for it.
TimePoint next_on_schedule(TimePoint due, Duration interval, TimePoint now) {
  return due + ((now - due) / interval + 1) * interval;
}

std::string_view command_name(Request request) {
  switch (request) {
    case Request::auth: return "AUTH";
    case Request::ping: return "PING";
    case Request::info: return "INFO";
  }
  return "invalid";
}

std::string quote(const Reply& reply) {
  if (reply.text.empty()) return "a reply that is no text";
  std::string text = reply.text.substr(0, kMaxQuotedText);
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// AUTH to a server without a password. Redis 6 and later, then earlier ones.
bool needs_no_password(const Reply& reply) {
  return reply.is_error() &&
         (reply.text.find("without any password configured") != std::string::npos ||
          reply.text.find("no password is set") != std::string::npos);
}

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::unknown: return "unknown";
    case Health::up: return "up";
    case Health::loading: return "loading";
    case Health::degraded: return "degraded";
    case Health::hung: return "hung";
    case Health::dead: return "dead";
    case Health::unreachable: return "unreachable";
    case Health::denied: return "denied";
  }
  return "invalid";
}

MonitorConfig asked_within(MonitorConfig config, Duration interval) {
  if (interval <= Duration::zero() || interval >= config.ping_interval) return config;
  const Duration patience = config.fall * config.ping_interval;
  config.fall = static_cast<int>((patience + interval - Duration(1)) / interval);
  config.ping_interval = interval;
  return config;
}

Monitor::Monitor(MonitorConfig config, bool has_credentials)
    : config_(config), has_credentials_(has_credentials) {
  config_.ping_interval = std::max<Duration>(config_.ping_interval, milliseconds(1));
  config_.info_interval = std::max<Duration>(config_.info_interval, milliseconds(1));
  config_.fall = std::max(config_.fall, 1);
  config_.rise = std::max(config_.rise, 1);
}

MonitorEffects Monitor::step(TimePoint now, const MonitorInput& input) {
  std::visit([&](const auto& what) { on(now, what); }, input);
  return std::exchange(effects_, {});
}

MonitorEffects Monitor::refresh(TimePoint now) {
  if (link_ == Link::ready) {
    // An INFO under way may have been executed before what the caller wants to see.
    if (waiting(Request::info)) {
      info_again_ = true;
    } else {
      send(now, Request::info, false);
    }
  }
  return std::exchange(effects_, {});
}

std::optional<TimePoint> Monitor::next_deadline() const {
  if (!started_) return std::nullopt;
  switch (link_) {
    case Link::idle: return next_attempt_;
    case Link::connecting: return std::nullopt;  // the shell bounds the attempt
    case Link::handshaking: return next_round_;
    case Link::ready: return std::min(next_round_, next_info_);
  }
  return std::nullopt;
}

// ---- connection --------------------------------------------------------------------------------

void Monitor::on(TimePoint now, const Tick& /*tick*/) {
  if (!started_) {
    started_ = true;
    connect(now);
    return;
  }
  if (link_ == Link::idle && now >= next_attempt_) connect(now);
  if (link_ != Link::handshaking && link_ != Link::ready) return;
  if (now >= next_round_) begin_round(now);
  if (link_ == Link::ready && now >= next_info_) {
    next_info_ = next_on_schedule(next_info_, config_.info_interval, now);
    if (!waiting(Request::info)) send(now, Request::info, false);
  }
}

void Monitor::on(TimePoint now, const Connected& /*connected*/) {
  if (link_ != Link::connecting) return;
  snapshot_.connected = true;
  good_ = misses_ = strange_ = strange_info_ = 0;
  // Facts of the connection before may be those of another process.
  facts_current_ = false;
  if (!has_credentials_) return begin_asking(now);
  link_ = Link::handshaking;
  next_round_ = now + config_.ping_interval;
  send(now, Request::auth, true);
}

void Monitor::on(TimePoint now, const ConnectFailed& failed) {
  if (link_ != Link::connecting) return;
  // Every attempt but the first follows a connection that is known to be closed, so one refusal
  // confirms the death and needs no `fall`.
  const bool refused = failed.failure == ConnectFailure::refused;
  connect_at(now + retry_interval(config_));
  judge(now, refused ? Health::dead : Health::unreachable, failed.detail);
}

void Monitor::on(TimePoint now, const Closed& closed) {
  if (link_ != Link::handshaking && link_ != Link::ready) return;
  drop_connection();
  if (closed.denied) {
    connect_at(now + kDeniedRetry);
    return judge(now, Health::denied, closed.detail);
  }
  // A process that is being killed closes its connections before its listening socket: the first
  // attempt after the end is accepted and reset, the next one a moment later is refused.
  if (facts_current_) quick_retries_ = 0;
  if (!facts_current_ && quick_retries_ < kQuickRetries) {
    ++quick_retries_;
    return connect_at(now + kQuickRetry);
  }
  if (!facts_current_ && ++short_connections_ >= config_.fall) {
    short_connections_ = config_.fall;
    judge(now, Health::hung, "each connection ends without an answer: " + closed.detail);
  }
  // A server or proxy that accepts and closes at once must not keep us spinning.
  const TimePoint earliest = last_attempt_ + retry_interval(config_);
  if (now >= earliest) {
    connect(now);
  } else {
    connect_at(earliest);
  }
}

void Monitor::connect(TimePoint now) {
  link_ = Link::connecting;
  last_attempt_ = now;
  effects_.emplace_back(Connect{});
}

void Monitor::connect_at(TimePoint when) {
  link_ = Link::idle;
  next_attempt_ = when;
}

void Monitor::drop_connection() {
  snapshot_.connected = false;
  waiting_ = {};
  info_again_ = false;
}

// ---- questions ---------------------------------------------------------------------------------

void Monitor::begin_asking(TimePoint now) {
  link_ = Link::ready;
  next_round_ = now + config_.ping_interval;
  next_info_ = now + config_.info_interval;
  send(now, Request::ping, true);
  send(now, Request::info, true);
}

// Once per ping interval: count what is overdue, ask what is not being asked. A hung server thus
// finds one PING and one INFO when it wakes up, not a heap of them.
void Monitor::begin_round(TimePoint now) {
  ++round_;
  next_round_ = next_on_schedule(next_round_, config_.ping_interval, now);
  if (const std::optional<Request> silent = longest_overdue()) {
    const auto silence =
        std::chrono::duration_cast<milliseconds>(config_.fall * config_.ping_interval);
    count_miss(now, "no answer to " + std::string(command_name(*silent)) + " for " +
                        std::to_string(silence.count()) + " ms");
  }
  if (link_ == Link::handshaking) {
    if (!waiting(Request::auth)) send(now, Request::auth, true);
    return;
  }
  if (!waiting(Request::ping)) send(now, Request::ping, true);
  if (!facts_current_ && !waiting(Request::info)) send(now, Request::info, true);
}

void Monitor::send(TimePoint now, Request request, bool on_schedule) {
  waiting(request) = Waiting{now, round_ + (on_schedule ? 1 : 2)};
  effects_.emplace_back(Send{request});
}

std::optional<Request> Monitor::longest_overdue() {
  std::optional<Request> longest;
  for (const Request request : {Request::auth, Request::ping, Request::info}) {
    const std::optional<Waiting>& asked = waiting(request);
    if (!asked || asked->overdue_round > round_) continue;
    if (!longest || asked->sent < waiting(*longest)->sent) longest = request;
  }
  return longest;
}

std::optional<Monitor::Waiting>& Monitor::waiting(Request request) {
  return waiting_.at(static_cast<std::size_t>(request));
}

// ---- answers -----------------------------------------------------------------------------------

void Monitor::on(TimePoint now, const Answered& answered) {
  if (!waiting(answered.request)) return;
  const TimePoint sent = waiting(answered.request)->sent;
  waiting(answered.request).reset();
  snapshot_.last_answer = now;
  if (answered.request == Request::ping) {
    snapshot_.last_round_trip = now - sent;
    snapshot_.round_trips.observe(now - sent);
  }

  if (std::optional<std::string> why = refusal(answered.request, answered.reply)) {
    return deny(now, std::move(*why));
  }
  switch (answered.request) {
    case Request::auth: return answered_auth(now, answered.reply);
    case Request::ping: return heed(now, Request::ping, answered.reply);
    case Request::info: return answered_info(now, answered.reply);
  }
}

void Monitor::answered_auth(TimePoint now, const Reply& reply) {
  if (reply.is_ok() || needs_no_password(reply)) {
    misses_ = 0;
    return begin_asking(now);
  }
  heed(now, Request::auth, reply);
}

void Monitor::answered_info(TimePoint now, const Reply& reply) {
  const ServerFacts fresh =
      reply.type == Reply::Type::bulk ? parse_info(reply.text) : ServerFacts{};
  if (fresh.role != Role::unknown) {
    const ServerFacts& known = snapshot_.facts;
    const bool restarted = !known.run_id.empty() && known.run_id != fresh.run_id;
    // Within one run a number that cannot be read keeps its last good value.
    snapshot_.facts = restarted ? fresh : parse_info(reply.text, known);
    snapshot_.facts_at = now;
    snapshot_.facts.sentinels = sentinels_;
    facts_current_ = true;
    strange_info_ = short_connections_ = 0;
    effects_.emplace_back(FactsRead{restarted});
    judge_up(now);
  } else if (unsuitable(fresh)) {  // a Sentinel has no role
    snapshot_.facts = fresh;
    facts_current_ = true;
    judge_up(now);
  } else if (const ReplyKind kind = classify(reply); kind == ReplyKind::other_error ||
                                                     kind == ReplyKind::not_redis ||
                                                     kind == ReplyKind::pong) {
    good_ = 0;
    strange_info_ = std::min(strange_info_ + 1, config_.fall);
    if (strange_info_ == config_.fall) {
      facts_current_ = false;
      const bool named = reply.is_error() || reply.type == Reply::Type::status;
      judge(now, Health::degraded,
            "INFO cannot be understood: " + (named ? quote(reply) : "a text without a role"));
    }
  }
  // LOADING, BUSY and MISCONF: the facts stay as they are, PING gives the verdict.
  if (info_again_) {
    info_again_ = false;
    send(now, Request::info, false);
  }
}

// What an answer to PING means, or one to AUTH that neither lets us in nor refuses us.
void Monitor::heed(TimePoint now, Request request, const Reply& reply) {
  switch (classify(reply)) {
    case ReplyKind::pong:
    // A replica without link that hides its data, one that boots in quarantine for instance: it is
    // as well as one that shows them, and INFO says what it lacks.
    case ReplyKind::master_down:
      if (request != Request::ping) return count_strange(now, request, reply);
      return count_good(now);
    case ReplyKind::loading:
      count_alive();
      return judge(now, Health::loading, "LOADING: the server reads its data");
    case ReplyKind::busy: return count_miss(now, kBusy);
    case ReplyKind::misconf:
      count_alive();
      return judge(now, Health::degraded, "MISCONF: the server cannot save and refuses writes");
    case ReplyKind::bad_credentials:
    case ReplyKind::max_clients:
    case ReplyKind::protected_mode: return;  // refusals, answered before
    case ReplyKind::other_error:
    case ReplyKind::not_redis: return count_strange(now, request, reply);
  }
}

// Why the server does not let us ask; nullopt: it does.
std::optional<std::string> Monitor::refusal(Request request, const Reply& reply) const {
  const ReplyKind kind = classify(reply);
  if (kind == ReplyKind::max_clients) return "max number of clients reached";
  if (kind == ReplyKind::protected_mode) {
    return "DENIED: protected mode, the server accepts local connections only";
  }
  if (request == Request::auth) {
    if (reply.error_code() == "WRONGPASS") return "AUTH refused: wrong user or password";
    const bool refused = kind == ReplyKind::bad_credentials || kind == ReplyKind::other_error;
    if (refused && !needs_no_password(reply)) return "AUTH refused: check user and password";
    return std::nullopt;
  }
  if (kind != ReplyKind::bad_credentials) return std::nullopt;
  if (reply.error_code() == "NOPERM") {
    return "ACL: the agent's user may not run " + std::string(command_name(request));
  }
  return has_credentials_ ? "the server does not accept our AUTH any more"
                          : "the server asks for a password and none is configured";
}

void Monitor::deny(TimePoint now, std::string why) {
  drop_connection();
  connect_at(now + kDeniedRetry);
  judge(now, Health::denied, std::move(why));
  effects_.emplace_back(Disconnect{});
}

void Monitor::count_strange(TimePoint now, Request request, const Reply& reply) {
  good_ = misses_ = 0;
  strange_ = std::min(strange_ + 1, config_.fall);
  if (strange_ < config_.fall) return;
  const std::string what = request == Request::auth ? "not one of Redis" : quote(reply);
  judge(now, Health::degraded,
        "unexpected answer to " + std::string(command_name(request)) + ": " + what);
}

}  // namespace health
