// What a pair says of itself: each sentence goes to the log and, as an event, to the journal. A
// transition also tells where its milliseconds went.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/counters.hpp"
#include "agent/event.hpp"
#include "agent/io/event_journal.hpp"
#include "agent/log_line.hpp"
#include "agent/pair_words.hpp"

namespace agent::io {

class PairStory {
 public:
  // `journal` outlives the story.
  PairStory(std::string pair, std::shared_ptr<spdlog::logger> log, EventJournal& journal);

  // Where the pair stands, for the fields of its lines; asked for each.
  void stands(std::function<Standing()> standing) { standing_ = std::move(standing); }

  void tell(EventKind kind, Severity severity, const std::string& text);
  void info(EventKind kind, const std::string& text) { tell(kind, Severity::info, text); }
  void warn(EventKind kind, const std::string& text) { tell(kind, Severity::warning, text); }
  void error(EventKind kind, const std::string& text) { tell(kind, Severity::error, text); }

  // For the log alone: nobody wants each packet in the history.
  void detail(const std::string& text);
  bool traces() const;
  void trace(const std::string& text);

  // A point on the way of the transition that runs, or that begins with it. Those of a way that led
  // nowhere are forgotten after some seconds.
  void mark(std::string_view what, TimePoint at = std::chrono::steady_clock::now());
  // The end of the way.
  void moved(const Moved& moved, std::uint64_t epoch);

  const StoryCounters& counters() const { return counters_; }

 private:
  struct Mark {
    std::string what;
    TimePoint at;
  };
  std::vector<PathPoint> path(TimePoint end) const;
  std::string line(const std::string& text, std::string_view kind) const;
  Event event(EventKind kind, Severity severity, const std::string& text) const;

  std::string pair_;
  std::shared_ptr<spdlog::logger> log_;
  EventJournal& journal_;
  std::function<Standing()> standing_;
  std::vector<Mark> marks_;
  std::optional<TimePoint> settled_;
  StoryCounters counters_;
};

}  // namespace agent::io
