// See log_line.hpp.
#include "agent/log_line.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <ctime>

namespace agent {
namespace {

constexpr char kField = '\x1e';  // ASCII's record separator
constexpr char kValue = '\x1f';  // its unit separator

void append_clean(std::string& out, std::string_view text) {
  const auto from = out.size();
  out += text;
  const auto separates = [](char c) { return c == kField || c == kValue; };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), separates, ' ');
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += kField;
  out += name;
  out += kValue;
  append_clean(out, value);
}

std::string in_utc(std::chrono::system_clock::time_point when) {
  const auto micros = std::chrono::floor<std::chrono::microseconds>(when).time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(micros);
  const auto time = static_cast<std::time_t>(seconds.count());
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string((micros - seconds).count());
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::string(text.data()) + "." + fraction + "Z";
}

// What is no UTF-8 would make a line that nobody can read: such bytes come from servers and
// scripts.
std::string readable(std::string_view text) {
  if (boost::system::error_code error;
      boost::json::parse(boost::json::serialize(boost::json::string(text)), error), !error) {
    return std::string(text);
  }
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

}  // namespace

std::string line_with_fields(std::string_view sentence, std::string_view pair,
                             std::string_view event, const Standing& standing) {
  std::string out(pair);
  out += ": ";
  append_clean(out, sentence);
  append_field(out, "PAIR", pair);
  if (!event.empty()) append_field(out, "EVENT", event);
  if (standing.state.empty()) return out;
  append_field(out, "STATE", standing.state);
  append_field(out, "REASON", standing.reason);
  append_field(out, "EPOCH", std::to_string(standing.epoch));
  return out;
}

LogLine parse_log_line(std::string_view text) {
  LogLine line;
  auto at = text.find(kField);
  line.message = text.substr(0, at);
  while (at != std::string_view::npos) {
    text.remove_prefix(at + 1);
    at = text.find(kField);
    const std::string_view field = text.substr(0, at);
    const auto value = field.find(kValue);
    if (value == std::string_view::npos) continue;
    line.fields.emplace_back(field.substr(0, value), field.substr(value + 1));
  }
  return line;
}

std::string json_line(std::chrono::system_clock::time_point when, std::string_view level,
                      std::string_view key, const LogLine& line) {
  boost::json::object out;
  out["time"] = in_utc(when);
  out["level"] = level;
  out["message"] = readable(line.message);
  if (!key.empty()) out["key"] = key;
  for (const auto& [name, value] : line.fields) {
    std::string small(name);
    for (char& c : small) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    std::uint64_t number = 0;
    const auto end = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool numeric = name == "EPOCH" && end.ec == std::errc{};
    out[small] = numeric ? boost::json::value(number) : boost::json::value(readable(value));
  }
  return boost::json::serialize(out);
}

}  // namespace agent
