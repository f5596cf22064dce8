// See pair_story.hpp.
#include "agent/io/pair_story.hpp"

#include <algorithm>
#include <utility>

namespace agent::io {
namespace {

using std::chrono::steady_clock;

// The longest way that its first point may lie back: a lease and its margin are waited for in it.
constexpr auto kLongestPath = std::chrono::seconds(10);
constexpr std::size_t kMostMarks = 32;

spdlog::level::level_enum level_of(Severity severity) {
  switch (severity) {
    case Severity::info: return spdlog::level::info;
    case Severity::warning: return spdlog::level::warn;
    case Severity::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

PairStory::PairStory(std::string pair, std::shared_ptr<spdlog::logger> log, EventJournal& journal)
    : pair_(std::move(pair)), log_(std::move(log)), journal_(journal) {}

Event PairStory::event(EventKind kind, Severity severity, const std::string& text) const {
  Event out;
  out.when = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  out.pair = pair_;
  out.kind = kind;
  out.severity = severity;
  out.text = text;
  return out;
}

std::string PairStory::line(const std::string& text, std::string_view kind) const {
  return line_with_fields(text, pair_, kind, standing_ ? standing_() : Standing{});
}

void PairStory::tell(EventKind kind, Severity severity, const std::string& text) {
  if (const auto level = level_of(severity); log_->should_log(level)) {
    log_->log(level, line(text, to_string(kind)));
  }
  ++counters_.events[{kind, severity}];
  journal_.append(event(kind, severity, text));
}

void PairStory::detail(const std::string& text) {
  if (log_->should_log(spdlog::level::debug)) log_->debug(line(text, {}));
}

bool PairStory::traces() const {
  return log_->should_log(spdlog::level::trace);
}

void PairStory::trace(const std::string& text) {
  if (traces()) log_->trace(line(text, {}));
}

void PairStory::mark(std::string_view what, TimePoint at) {
  if (marks_.size() >= kMostMarks) marks_.erase(marks_.begin());
  marks_.push_back({std::string(what), at});
}

// In the order in which it happened, which is not always that in which it was told.
std::vector<PathPoint> PairStory::path(TimePoint end) const {
  auto marks = marks_;
  std::stable_sort(marks.begin(), marks.end(),
                   [](const Mark& one, const Mark& other) { return one.at < other.at; });
  std::vector<PathPoint> out;
  std::optional<TimePoint> first;
  for (const Mark& mark : marks) {
    if (mark.at < end - kLongestPath) continue;
    if (!first) first = mark.at;
    out.push_back({mark.what, std::chrono::round<std::chrono::microseconds>(mark.at - *first)});
  }
  return out;
}

void PairStory::moved(const Moved& moved, std::uint64_t epoch) {
  const auto now = steady_clock::now();
  Event out = event(EventKind::transition, Severity::info, moved.reason);
  out.from = to_string(moved.from);
  out.to = to_string(moved.to);
  out.epoch = epoch;
  if (settled_) out.lasted = std::chrono::round<std::chrono::milliseconds>(now - *settled_);
  out.path = path(now);
  std::string words = to_words(moved);
  if (out.path.size() > 1) words += "; " + path_words(out.path);
  log_->info(line(words, to_string(out.kind)));
  ++counters_.transitions[{moved.from, moved.to, cause_of(moved.reason)}];
  ++counters_.events[{out.kind, out.severity}];
  journal_.append(out);
  settled_ = now;
  marks_.clear();
}

}  // namespace agent::io
