// See event.hpp.
#include "agent/event.hpp"

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>

#include "agent/duration_words.hpp"

namespace agent {
namespace {

namespace json = boost::json;
using std::chrono::microseconds;
using std::chrono::system_clock;

constexpr std::array<std::string_view, 9> kKinds = {
    "transition", "alarm", "server", "address", "adverts", "hook", "recovery", "request", "note"};
constexpr std::array<std::string_view, 3> kSeverities = {"info", "warning", "error"};

constexpr std::int64_t kMicrosecondsPerMillisecond = 1000;
constexpr std::size_t kNarrowIndent = 4;

std::string member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> number(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

template <std::size_t Size>
std::optional<std::size_t> position(const std::array<std::string_view, Size>& words,
                                    std::string_view word) {
  for (std::size_t i = 0; i < Size; ++i) {
    if (words.at(i) == word) return i;
  }
  return std::nullopt;
}

std::vector<PathPoint> parse_path(const json::object& object) {
  std::vector<PathPoint> path;
  const auto* value = object.if_contains("path");
  if (value == nullptr || !value->is_array()) return path;
  for (const auto& point : value->get_array()) {
    if (!point.is_object()) continue;
    const auto& one = point.get_object();
    path.push_back({member(one, "what"), microseconds(number(one, "us").value_or(0))});
  }
  return path;
}

std::string milliseconds_words(microseconds time) {
  std::array<char, 32> text{};
  std::snprintf(
      text.data(), text.size(), "%.1f",
      static_cast<double>(time.count()) / static_cast<double>(kMicrosecondsPerMillisecond));
  return text.data();
}

// Local time, to the millisecond: what an operator compares with other logs of this host.
std::string local_time(system_clock::time_point when) {
  const std::time_t seconds =
      system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(when));
  const auto part = std::chrono::floor<std::chrono::milliseconds>(when) -
                    std::chrono::floor<std::chrono::seconds>(when);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%d %H:%M:%S", &parts);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03d", static_cast<int>(part.count()));
  return std::string(date.data()) + fraction.data();
}

Colour colour_of(const Event& event) {
  if (event.severity == Severity::error) return Colour::red;
  if (event.severity == Severity::warning) return Colour::yellow;
  if (event.kind != EventKind::transition) return Colour::none;
  return event.to == "leading" ? Colour::green : Colour::cyan;
}

}  // namespace

std::string_view to_string(EventKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

std::optional<EventKind> event_kind(std::string_view word) {
  const auto found = position(kKinds, word);
  if (!found) return std::nullopt;
  return static_cast<EventKind>(*found);
}

std::string_view to_string(Severity severity) {
  return kSeverities.at(static_cast<std::size_t>(severity));
}

std::string format_event(const Event& event) {
  json::object out{
      {"time_us", std::chrono::floor<microseconds>(event.when.time_since_epoch()).count()},
      {"pair", event.pair},
      {"kind", to_string(event.kind)},
      {"severity", to_string(event.severity)},
      {"text", event.text}};
  if (event.kind == EventKind::transition) {
    out["from"] = event.from;
    out["to"] = event.to;
    out["epoch"] = static_cast<std::int64_t>(event.epoch);
    if (event.lasted) out["lasted_ms"] = event.lasted->count();
    json::array path;
    for (const PathPoint& point : event.path) {
      path.push_back(json::object{{"what", point.what}, {"us", point.at.count()}});
    }
    out["path"] = std::move(path);
  }
  return json::serialize(out);
}

std::optional<Event> parse_event(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  const auto time = number(object, "time_us");
  const auto kind = event_kind(member(object, "kind"));
  const auto severity = position(kSeverities, member(object, "severity"));
  if (!time || !kind || !severity) return std::nullopt;
  // A system_clock counts nanoseconds; another file than ours may say anything.
  constexpr auto kLatest = std::chrono::floor<microseconds>(system_clock::duration::max()).count();
  if (*time < 0 || *time > kLatest) return std::nullopt;
  Event event;
  event.when = system_clock::time_point(microseconds(*time));
  event.pair = member(object, "pair");
  event.kind = *kind;
  event.severity = static_cast<Severity>(*severity);
  event.text = member(object, "text");
  event.from = member(object, "from");
  event.to = member(object, "to");
  event.epoch = static_cast<std::uint64_t>(number(object, "epoch").value_or(0));
  if (const auto lasted = number(object, "lasted_ms")) {
    event.lasted = std::chrono::milliseconds(*lasted);
  }
  event.path = parse_path(object);
  return event;
}

std::string path_words(const std::vector<PathPoint>& path) {
  std::string words;
  for (const PathPoint& point : path) {
    if (!words.empty()) words += ", ";
    words += point.what;
    words += ' ';
    words += milliseconds_words(point.at);
  }
  return words.empty() ? words : words + " ms";
}

std::string event_text(const Event& event, const Screen& screen) {
  const std::string time = local_time(event.when) + "  ";
  std::string label = time;
  if (!event.pair.empty()) label += event.pair + "  ";
  if (event.kind != EventKind::transition) {
    std::string words;
    if (event.severity != Severity::info) {
      words += to_string(event.severity);
      words += ": ";
    }
    words += event.text;
    return screen.entry(label, screen.paint(colour_of(event), words));
  }
  std::string words = screen.paint(colour_of(event), event.from + " -> " + event.to);
  words += ": " + event.text;
  words += " (epoch " + std::to_string(event.epoch);
  if (event.lasted) words += ", after " + duration_words(*event.lasted) + " " + event.from;
  std::string out = screen.entry(label, words + ")");
  if (event.path.size() < 2) return out;
  const std::size_t indent = screen.narrow() ? kNarrowIndent : time.size();
  return out + screen.entry(std::string(indent, ' '), path_words(event.path));
}

}  // namespace agent
