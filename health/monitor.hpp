// Watches one server: when to connect, what to ask, and what the answers mean. Pure: the shell in
// io/ owns the socket and obeys.
//
// The connection stays open between probes, so a killed server is known from its closed connection
// (confirmed by one refused reconnect) and not from the next poll. A hung one is known from `fall`
// ping intervals without an answer; its connection is kept, so that what was sent is executed first
// when it wakes up.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "health/facts.hpp"
#include "health/histogram.hpp"
#include "health/reply.hpp"
#include "health/types.hpp"

namespace health {

struct MonitorConfig {
  Duration ping_interval = std::chrono::milliseconds(100);
  Duration info_interval = std::chrono::seconds(1);
  int fall = 3;  // unanswered intervals until `hung`; failing answers until `failing`
  int rise = 2;  // good answers until `up` again (one is enough for the very first verdict)
  bool operator==(const MonitorConfig&) const = default;
};

// Asks at least once in each `interval`, and finds a server hung no sooner for it.
MonitorConfig asked_within(MonitorConfig config, Duration interval);

// What the server is to the pair. `up` is the only one that can lead or stand by in full.
enum class Health : std::uint8_t {
  unknown,  // nothing heard yet
  up,
  loading,      // alive, reads its data
  degraded,     // alive, but refuses writes (MISCONF) or cannot be understood
  hung,         // accepts connections, does not answer; or BUSY for `fall` intervals
  dead,         // connection closed and reconnect refused
  unreachable,  // connect timed out or no route: host gone, cable, firewall
  denied,  // credentials, TLS, protected mode, max clients, unsuitable(): alarm, never a failover
};
std::string_view to_string(Health health);
// The detail of a server that is `hung` because it answers BUSY, and does nothing else.
inline constexpr const char* kBusy = "busy: a script runs";

// ---- inputs ------------------------------------------------------------------------------------
struct Connected {};
enum class ConnectFailure : std::uint8_t { refused, unreachable };
struct ConnectFailed {
  ConnectFailure failure = ConnectFailure::refused;
  std::string detail;  // the system's words: "Connection refused"
};
struct Closed {
  std::string detail;   // "closed by the server", "reset", "protocol error: ..."
  bool denied = false;  // TLS did not come about: certificates, or only one side speaks it
};
enum class Request : std::uint8_t { auth, ping, info };
struct Answered {
  Request request = Request::ping;
  Reply reply;
};
struct Tick {};
using MonitorInput = std::variant<Connected, ConnectFailed, Closed, Answered, Tick>;

// ---- effects -----------------------------------------------------------------------------------
struct Connect {
  bool operator==(const Connect&) const = default;
};
struct Disconnect {
  bool operator==(const Disconnect&) const = default;
};
struct Send {
  Request request = Request::ping;
  bool operator==(const Send&) const = default;
};
// The verdict changed, or the reason of `denied`, `degraded` or `hung` did; `detail` is a clause
// for the operator: "no answer to PING for 300 ms".
struct HealthChanged {
  Health health = Health::unknown;
  std::string detail;
  bool operator==(const HealthChanged&) const = default;
};
// A fresh INFO was understood. `restarted`: run_id differs from the one before.
struct FactsRead {
  bool restarted = false;
  bool operator==(const FactsRead&) const = default;
};
using MonitorEffect = std::variant<Connect, Disconnect, Send, HealthChanged, FactsRead>;
using MonitorEffects = std::vector<MonitorEffect>;

struct MonitorSnapshot {
  Health health = Health::unknown;
  std::string detail;
  TimePoint since{};
  bool connected = false;
  std::optional<TimePoint> last_answer;     // any answer that shows a live event loop
  std::optional<Duration> last_round_trip;  // of a PING
  Histogram round_trips;                    // of all PINGs that were answered
  ServerFacts facts;                        // last known, kept over disconnects
  std::optional<TimePoint> facts_at;
};

class Monitor {
 public:
  // `has_credentials`: send AUTH first.
  Monitor(MonitorConfig config, bool has_credentials);

  // The first call, with Tick, starts it (Connect).
  MonitorEffects step(TimePoint now, const MonitorInput& input);
  std::optional<TimePoint> next_deadline() const;
  const MonitorSnapshot& snapshot() const { return snapshot_; }
  // What PUBSUB NUMSUB of the Sentinels' channel said, before the INFO that it is asked with.
  void sentinels_seen(std::int64_t count) { sentinels_ = count; }
  // Ask for INFO at once (after a role change), when connected; the effects hold at most a Send.
  MonitorEffects refresh(TimePoint now);

 private:
  enum class Link : std::uint8_t { idle, connecting, handshaking, ready };
  // A command without its answer. It is overdue from a round on, so that one that was sent between
  // two rounds gets a whole interval too.
  struct Waiting {
    TimePoint sent{};
    std::uint64_t overdue_round = 0;
  };

  void on(TimePoint now, const Connected& connected);
  void on(TimePoint now, const ConnectFailed& failed);
  void on(TimePoint now, const Closed& closed);
  void on(TimePoint now, const Answered& answered);
  void on(TimePoint now, const Tick& tick);

  void connect(TimePoint now);
  void connect_at(TimePoint when);
  void drop_connection();
  void begin_asking(TimePoint now);
  void begin_round(TimePoint now);
  void send(TimePoint now, Request request, bool on_schedule);
  std::optional<Request> longest_overdue();
  std::optional<Waiting>& waiting(Request request);

  void answered_auth(TimePoint now, const Reply& reply);
  void answered_info(TimePoint now, const Reply& reply);
  void heed(TimePoint now, Request request, const Reply& reply);
  std::optional<std::string> refusal(Request request, const Reply& reply) const;
  void deny(TimePoint now, std::string why);
  void count_good(TimePoint now);
  void count_miss(TimePoint now, std::string why);
  void count_strange(TimePoint now, Request request, const Reply& reply);
  void count_alive();
  void judge_up(TimePoint now);
  void judge(TimePoint now, Health health, std::string detail);

  MonitorConfig config_;
  bool has_credentials_;
  MonitorSnapshot snapshot_;
  MonitorEffects effects_;

  bool started_ = false;
  Link link_ = Link::idle;
  TimePoint last_attempt_{};
  TimePoint next_attempt_{};  // while idle
  TimePoint next_round_{};    // of PING; absolute, so that rounds do not drift
  TimePoint next_info_{};
  std::uint64_t round_ = 0;
  std::array<std::optional<Waiting>, 3> waiting_;  // by Request
  bool info_again_ = false;                        // refresh() came while an INFO was under way
  bool facts_current_ = false;                     // INFO was understood on this connection
  int good_ = 0;                                   // PONGs in a row, up to `rise`
  int misses_ = 0;                                 // unanswered intervals and BUSY in a row
  int strange_ = 0;  // answers to PING or AUTH in a row that mean nothing
  int strange_info_ = 0;
  std::int64_t sentinels_ = 0;
  int short_connections_ = 0;  // in a row that ended before INFO was understood
  int quick_retries_ = 0;      // attempts right after a connection that ended
};

}  // namespace health
