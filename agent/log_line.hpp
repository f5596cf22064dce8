// A line of the log with its fields: written behind the sentence, so that it passes through the
// log's queue as text, and taken apart again where it is written out.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agent {

// Where a pair stands while it says something.
struct Standing {
  std::string state;
  std::string reason;  // of the last transition
  std::uint64_t epoch = 0;
};

struct LogLine {
  std::string_view message;
  std::vector<std::pair<std::string_view, std::string_view>> fields;  // {"PAIR", "redis"}
};

// The sentence, then PAIR, EVENT, STATE, REASON and EPOCH. What would end a field is a blank in it.
std::string line_with_fields(std::string_view sentence, std::string_view pair,
                             std::string_view event, const Standing& standing);
// Views into `text`; text without fields is a message alone.
LogLine parse_log_line(std::string_view text);

// One line of JSON without its end: time, level, message, key (of the catalogue, see messages.hpp),
// and the fields in small letters.
std::string json_line(std::chrono::system_clock::time_point when, std::string_view level,
                      std::string_view key, const LogLine& line);

}  // namespace agent
