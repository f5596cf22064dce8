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

struct NotifyConfig {
  // Command lines, split into words; empty: none.
  std::vector<std::string> master;
  std::vector<std::string> backup;
  std::vector<std::string> fault;
  std::vector<std::string> stop;
  std::vector<std::string> any;  // keepalived's generic `notify`
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
  std::uint64_t epoch = 0;
  std::vector<std::string> vips;  // "192.168.1.120/24"
  std::string peer;               // the peer server's address
};

struct HookRun {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // TANDEM_*, besides a clean PATH
  std::string user;
  std::string group;
  std::chrono::nanoseconds timeout{};
  bool operator==(const HookRun&) const = default;
};

// The specific script first, then the generic one with INSTANCE, name, state and priority.
std::vector<HookRun> hook_runs(const NotifyConfig& config, const NotifyEvent& event);

// `INSTANCE "name" MASTER 150\n`
std::string fifo_line(const NotifyEvent& event);

}  // namespace hooks
