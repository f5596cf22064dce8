// What keepalived's notify scripts get, exactly (keepalived 2.2.7, lib/notify.c and
// vrrp_notify.c): argument vectors, state words, FIFO lines. Additions come in the environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hooks {

enum class NotifyState : std::uint8_t { master, backup, fault, stop };
std::string_view to_word(NotifyState state);  // "MASTER", "BACKUP", "FAULT", "STOP"

// Splits a command line as keepalived does: blanks separate, '...' and "..." group, \ escapes.
// An unterminated quote or an empty command is an error sentence.
struct SplitError {
  std::string what;
};
std::variant<std::vector<std::string>, SplitError> split_words(std::string_view line);

// Scripts that are asked before something is done, and what came of it.
enum class Question : std::uint8_t { promote, demote };
std::string_view to_word(Question question);  // "pre_promote", "pre_demote"
enum class Verdict : std::uint8_t { consent, veto, silence };

struct NotifyConfig {
  // Command lines, split into words; empty: none.
  std::vector<std::string> master;
  std::vector<std::string> backup;
  std::vector<std::string> fault;
  std::vector<std::string> stop;
  std::vector<std::string> any;  // keepalived's generic `notify`
  std::vector<std::string> pre_promote;
  std::vector<std::string> pre_demote;
  std::chrono::nanoseconds pre_timeout = std::chrono::seconds(1);
  bool silence_is_veto = false;  // pre_overrun = "veto"
  std::string fifo;              // path; empty: none
  std::string user = "nobody";
  std::string group;  // empty: the user's own group
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  bool operator==(const NotifyConfig&) const = default;
};

// One transition as scripts see it.
struct NotifyEvent {
  NotifyState state = NotifyState::backup;
  std::string pair;
  std::uint8_t priority = 0;  // effective
  // Environment only:
  std::string previous;  // state word before, empty at the first event
  std::string reason;    // the transition's sentence
  bool initial = false;
  bool adopted = false;  // the first event after a reload or restart that took the pair over
  std::uint64_t epoch = 0;
  std::vector<std::string> vips;  // "192.168.1.120/24"
  std::string peer;               // the peer server's address
  std::string interface;
};

struct HookRun {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // TANDEM_*, besides a clean PATH
  std::string user;
  std::string group;
  std::chrono::nanoseconds timeout{};
  bool only_errors = false;  // stdout is not of interest: what comes out is stderr
  bool operator==(const HookRun&) const = default;
};

// The specific script first, then the generic one with INSTANCE, name, state and priority.
std::vector<HookRun> hook_runs(const NotifyConfig& config, const NotifyEvent& event);

// The script that answers the question; `event` has the state that would follow. nullopt: none.
std::optional<HookRun> veto_run(const NotifyConfig& config, Question question,
                                const NotifyEvent& event);

// `INSTANCE "name" MASTER 150\n`
std::string fifo_line(const NotifyEvent& event);

}  // namespace hooks
