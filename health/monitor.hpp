// Watches one server: when to connect, what to ask, and what the answers mean. Pure: the shell in
// io/ owns the socket and obeys.
//
// The connection stays open between probes, so a killed server is known from its closed connection
// (confirmed by one refused reconnect) and not from the next poll. A hung one is known from `fall`
// ping intervals without an answer; its connection is kept, so that what was sent is executed first
// when it wakes up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "health/facts.hpp"
#include "health/reply.hpp"
#include "health/types.hpp"

namespace health {

struct MonitorConfig {
  Duration ping_interval = std::chrono::milliseconds(100);
  Duration info_interval = std::chrono::seconds(1);
  int fall = 3;  // unanswered intervals until `hung`; failing answers until `failing`
  int rise = 2;  // good answers until `up` again (one is enough for the very first verdict)
};

// What the server is to the pair. `up` is the only one that can lead or stand by in full.
enum class Health : std::uint8_t {
  unknown,    // nothing heard yet
  up,
  loading,    // alive, reads its data
  degraded,   // alive, refuses writes (MISCONF) or is a replica without link that hides its data
  hung,       // accepts connections, does not answer; or BUSY for `fall` intervals
  dead,       // connection closed and reconnect refused
  unreachable,// connect timed out or no route: host gone, cable, firewall
  denied,     // our credentials, protected mode or max clients: alarm, never a failover
};
std::string_view to_string(Health health);

// ---- inputs ------------------------------------------------------------------------------------
struct Connected {};
enum class ConnectFailure : std::uint8_t { refused, unreachable };
struct ConnectFailed {
  ConnectFailure failure = ConnectFailure::refused;
  std::string detail;  // the system's words: "Connection refused"
};
struct Closed {
  std::string detail;  // "closed by the server", "reset", "protocol error: ..."
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
// The verdict changed; `detail` is a clause for the operator: "no answer to 3 PINGs in 300 ms".
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
  // Ask for INFO at once (after a role change), when connected; the effects hold at most a Send.
  MonitorEffects refresh(TimePoint now);

 private:
  enum class Link : std::uint8_t { idle, connecting, handshaking, ready };

  void on(TimePoint now, const Connected& connected);
  void on(TimePoint now, const ConnectFailed& failed);
  void on(TimePoint now, const Closed& closed);
  void on(TimePoint now, const Answered& answered);
  void on(TimePoint now, const Tick& tick);

  MonitorConfig config_;
  bool has_credentials_;
  MonitorSnapshot snapshot_;
  MonitorEffects effects_;
  // The rest is the implementer's.
};

}  // namespace health
