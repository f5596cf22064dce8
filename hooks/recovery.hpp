// Brings the dead server of a standby back as a replica of the leader (rule 9), as a value: which
// step comes next, what is asked for it, what its failure means. One door in, step(); one list of
// effects out. It never talks to a server, never touches a file and decides nothing about roles:
// who leads was judged before it is begun, and REPLICAOF is the rulebook's.
//
//   stop -> look -> fetch -> start -> load -> sync        with a copy of the leader's dataset
//   [stop ->] start -> load -> sync                       without
//
// What has been done is in the journal, so that an agent that dies at any step goes on from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "health/facts.hpp"
#include "health/monitor.hpp"
#include "hooks/transfer_rate.hpp"

namespace hooks {

enum class RecoveryStep : std::uint8_t { stop, look, fetch, start, load, sync };
std::string_view to_string(RecoveryStep step);
std::optional<RecoveryStep> parse_recovery_step(std::string_view text);

struct RecoveryRules {
  bool copy = false;      // the leader's dataset is put in place before the start
  bool can_stop = false;  // there is a stop command
  health::Duration stop_timeout = std::chrono::seconds(30);
  health::Duration start_timeout = std::chrono::seconds(60);  // until the server answers anything
};

// What outlives the agent.
struct RecoveryJournal {
  RecoveryStep step = RecoveryStep::stop;
  bool placed = false;  // the leader's dataset is in its place
  int starts = 0;       // with what is in its place
  std::string copy{};   // how the one that was placed is known again (RecoveryAnswer)
  bool operator==(const RecoveryJournal&) const = default;
};

// ---- inputs ------------------------------------------------------------------------------------

// At first, and again after each end that was not good; without a journal: as the last one ended.
struct RecoveryBegin {
  std::optional<RecoveryJournal> journal;
};
// The end of RunStop, InspectFiles, FetchDataset or RunStart.
struct RecoveryAnswer {
  std::string problem;  // a clause; empty: done
  std::string words;    // what was done, for the log
  std::string copy{};   // FetchDataset: how what is in place is known again
};
struct ServerProbed {
  bool down = false;
  std::string what;  // not down: a clause, "it still answers"
};
// At any time: what the agent sees of the local server.
struct LocalSeen {
  health::Health health = health::Health::unknown;
  std::optional<health::ServerFacts> facts;
};
// Of the leader's INFO stats.
struct SyncCounts {
  std::int64_t full = 0;
  std::int64_t partial = 0;
};
struct SyncsCounted {
  std::optional<SyncCounts> counts;
};
// The leader is not one any more, or this node has another role. Also after one that has failed:
// the server that it has stopped is started with what it has.
struct RecoveryAbandon {
  std::string why;
};
struct RecoveryTick {};
using RecoveryInput = std::variant<RecoveryBegin, RecoveryAnswer, ServerProbed, LocalSeen,
                                   SyncsCounted, RecoveryAbandon, RecoveryTick>;

// ---- effects -----------------------------------------------------------------------------------

struct RunStop {
  bool operator==(const RunStop&) const = default;
};
// Whether nothing listens and nothing writes the dataset's files any more.
struct ProbeServer {
  bool operator==(const ProbeServer&) const = default;
};
// Where the dataset goes, and what the server can load.
struct InspectFiles {
  bool operator==(const InspectFiles&) const = default;
};
// What it replaces is kept, unless it still is `copy`: our own, which says nothing new.
struct FetchDataset {
  std::string copy{};
  bool operator==(const FetchDataset&) const = default;
};
struct CountSyncs {
  bool operator==(const CountSyncs&) const = default;
};
struct RunStart {
  bool operator==(const RunStart&) const = default;
};
// Of RunStop, InspectFiles or FetchDataset: no answer is awaited any more.
struct CancelWork {
  bool operator==(const CancelWork&) const = default;
};
struct KeepJournal {
  RecoveryJournal journal;
  bool operator==(const KeepJournal&) const = default;
};
struct DropJournal {
  bool operator==(const DropJournal&) const = default;
};
struct RecoverySay {
  bool warning = false;
  std::string text;
  bool operator==(const RecoverySay&) const = default;
};
enum class RecoveryOutcome : std::uint8_t { done, failed, abandoned };
std::string_view to_string(RecoveryOutcome outcome);
struct RecoveryEnd {
  RecoveryOutcome outcome = RecoveryOutcome::done;
  std::string words;  // one clause
  bool operator==(const RecoveryEnd&) const = default;
};
using RecoveryEffect =
    std::variant<RunStop, ProbeServer, InspectFiles, FetchDataset, CountSyncs, RunStart, CancelWork,
                 KeepJournal, DropJournal, RecoverySay, RecoveryEnd>;
using RecoveryEffects = std::vector<RecoveryEffect>;

// For operators.
struct RecoveryStatus {
  bool running = false;
  RecoveryStep step = RecoveryStep::stop;
  health::Duration for_time{};               // running: since it was begun
  std::optional<TransferProgress> transfer;  // while the dataset is fetched
  std::uint64_t number = 0;                  // counts the ends
  std::optional<RecoveryOutcome> outcome;    // of the last one
  std::string words;                         // of the last end
};

class Recovery {
 public:
  explicit Recovery(RecoveryRules rules) : rules_(rules) {}

  RecoveryEffects step(health::TimePoint now, const RecoveryInput& input);
  std::optional<health::TimePoint> next_deadline() const { return deadline_; }
  bool running() const { return running_; }
  RecoveryStep at() const { return journal_.step; }

 private:
  void on(health::TimePoint now, const RecoveryBegin& begin);
  void on(health::TimePoint now, const RecoveryAnswer& answer);
  void on(health::TimePoint now, const ServerProbed& probed);
  void on(health::TimePoint now, const LocalSeen& seen);
  void on(health::TimePoint now, const SyncsCounted& counted);
  void on(health::TimePoint now, const RecoveryAbandon& abandon);
  void on(health::TimePoint now, const RecoveryTick& tick);

  void enter(health::TimePoint now, RecoveryStep step);
  void ask_to_stop();
  void began_to_live(health::TimePoint now);
  void look_at_the_link();
  void fail(const std::string& why);
  void end(RecoveryOutcome outcome, std::string words);
  bool server_is_down() const;
  template <typename Effect>
  void emit(Effect effect) {
    effects_.emplace_back(std::move(effect));
  }

  RecoveryRules rules_;
  RecoveryJournal journal_;
  bool running_ = false;
  health::Health health_ = health::Health::unknown;
  std::optional<health::ServerFacts> facts_;
  bool awaiting_ = false;     // an answer of the step's work
  bool giving_back_ = false;  // abandoned, and started again with what it has
  std::string abandoned_because_;
  bool role_seen_ = false;  // after the start
  int deaths_ = 0;          // after the start
  std::optional<SyncCounts> before_;
  bool counting_ = false;  // the last look at the leader
  std::optional<health::TimePoint> deadline_;
  health::TimePoint stop_until_{};
  RecoveryEffects effects_;
};

}  // namespace hooks
