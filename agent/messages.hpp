// The catalogue of messages: each warning and error of the log has a key, under which
// tandem-messages(7) says what it means and what to do. A sentence is known by words in it.
#pragma once

#include <span>
#include <string_view>

namespace agent {

struct KnownMessage {
  std::string_view key;    // "peer-link-down"
  std::string_view words;  // a part that only this sentence has
};

std::span<const KnownMessage> known_messages();

// Of a warning or an error; empty: the catalogue does not have it.
std::string_view message_key(std::string_view sentence);

}  // namespace agent
