// keepalived's words that have no counterpart in tandem.toml, and what to do instead.
#pragma once

#include <optional>
#include <string_view>

namespace agent::keepalived {

// Continues "KEYWORD is not carried over: ". Empty: nothing is lost without it. Nothing: the word
// is not known. What is read elsewhere is not in here.
std::optional<std::string_view> advice_for_instance(std::string_view keyword);
std::optional<std::string_view> advice_for_globals(std::string_view keyword);
// A block of the file itself, such as virtual_server.
std::optional<std::string_view> advice_for_block(std::string_view keyword);

}  // namespace agent::keepalived
