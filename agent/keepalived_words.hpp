// One line of keepalived.conf as words and braces, and words as numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/keepalived_lexer.hpp"

namespace agent::keepalived {

struct Words {
  std::vector<Token> tokens;
  bool open_quote = false;
};

// Quotes are taken off and escapes replaced; braces outside of quotes stand alone.
Words split_words(std::string_view text);

// Without control characters and bytes that are no UTF-8: fit for a message and for TOML.
std::string clean(std::string_view text);

// A whole word that is a number of this range; keepalived allows fractions in times.
std::optional<int> to_integer(std::string_view word, int min, int max);
std::optional<double> to_seconds(std::string_view word, double max);

std::string lower(std::string_view text);

}  // namespace agent::keepalived
