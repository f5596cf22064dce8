// What the history of a pair is made of: one event, one line of JSON. Kept by io/event_journal,
// shown by `tandem events`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/screen.hpp"

namespace agent {

enum class EventKind : std::uint8_t {
  transition,  // the node took or left a role
  alarm,       // an alarm was raised or is over
  server,      // what a server looks like from here has changed
  address,     // a VIP was repaired, or was where it must not be
  adverts,     // packets that were refused or could not be sent
  hook,        // a notify script
  recovery,    // a dead server brought back, data kept or removed
  request,     // an operator asked for something
  note         // the rest
};
std::string_view to_string(EventKind kind);
std::optional<EventKind> event_kind(std::string_view word);

enum class Severity : std::uint8_t { info, warning, error };
std::string_view to_string(Severity severity);

// A point on the way through a transition, by a monotonic clock.
struct PathPoint {
  std::string what;                // "promoted"
  std::chrono::microseconds at{};  // since the first point
  bool operator==(const PathPoint&) const = default;
};

struct Event {
  std::chrono::system_clock::time_point when;  // kept in microseconds
  std::string pair;                            // empty: of the agent
  EventKind kind = EventKind::note;
  Severity severity = Severity::info;
  std::string text;  // the sentence; of a transition: its reason

  // Of a transition only: state words, the pair's epoch, how long the state before had lasted
  // (absent: since the agent started, or unknown), and where the time went.
  std::string from;
  std::string to;
  std::uint64_t epoch = 0;
  std::optional<std::chrono::milliseconds> lasted;
  std::vector<PathPoint> path;

  bool operator==(const Event&) const = default;
};

// One line of JSON, without its end.
std::string format_event(const Event& event);
// nullopt: torn or foreign.
std::optional<Event> parse_event(std::string_view line);

// Lines for people, each with its end; local time.
std::string event_text(const Event& event, const Screen& screen);

// "last advert 0.0, router master 35.1, promoted 36.0, VIP 36.1 ms"; empty without a path.
std::string path_words(const std::vector<PathPoint>& path);

}  // namespace agent
