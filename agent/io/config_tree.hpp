// A TOML document as a plain tree in which every value and key knows its line. The only place that
// speaks to toml++; it judges no key and no value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace agent::io {

// Counted from 1, in bytes; line 0 is the file as a whole.
struct Place {
  unsigned line = 0;
  unsigned column = 0;
  // clang-tidy takes the 0 behind `<` for a pointer.
  auto operator<=>(const Place&) const = default;  // NOLINT(modernize-use-nullptr)
};

enum class ValueKind : std::uint8_t { text, integer, real, boolean, date, array, table };
// "a string", "an integer", ... as sentences need it.
std::string_view to_words(ValueKind kind);

struct ConfigNode {
  std::string key;  // in its table; empty for the root and for elements of an array
  Place key_place;
  Place place;
  ValueKind kind = ValueKind::table;
  std::int64_t integer = 0;          // kind integer
  bool boolean = false;              // kind boolean
  std::string text;                  // kind text
  std::vector<ConfigNode> children;  // kind array: elements; kind table: entries in file order
};

// toml++ stops at the first error of syntax. `what` never holds a part of a secret's value.
struct SyntaxError {
  Place place;
  std::string what;
};

std::variant<ConfigNode, SyntaxError> parse_tree(const std::string& text);

}  // namespace agent::io
