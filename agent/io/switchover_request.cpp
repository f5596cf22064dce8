// See switchover_request.hpp.
#include "agent/io/switchover_request.hpp"

#include <chrono>

#include "hooks/output_lines.hpp"

namespace agent::io {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr std::size_t kMostWords = 2000;

bool flag_of(const json::object& arguments, const char* key) {
  const auto* value = arguments.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

json::object arguments_of(const SwitchoverWish& wish) {
  return {{"timeout_ms", std::chrono::duration_cast<milliseconds>(wish.budget).count()},
          {"dry_run", wish.dry_run},
          {"server_failover", wish.server_failover},
          {"failback", wish.failback},
          {"ignore_veto", wish.ignore_veto}};
}

std::variant<SwitchoverWish, std::string> wish_of(const json::object& arguments) {
  const auto* timeout = arguments.if_contains("timeout_ms");
  const auto* number = timeout == nullptr ? nullptr : timeout->if_int64();
  constexpr auto kLongest = std::chrono::duration_cast<milliseconds>(kLongestSwitchover).count();
  if (number == nullptr || *number < 1 || *number > kLongest) {
    return "timeout_ms must be from 1 to " + std::to_string(kLongest);
  }
  SwitchoverWish wish;
  wish.budget = milliseconds(*number);
  wish.dry_run = flag_of(arguments, "dry_run");
  wish.server_failover = flag_of(arguments, "server_failover");
  wish.failback = flag_of(arguments, "failback");
  wish.ignore_veto = flag_of(arguments, "ignore_veto");
  return wish;
}

// The text of an answer is bounded for log lines; the words of several problems may be longer.
PeerAnswer peer_answer(const SwitchoverAnswer& answer) {
  return {.ok = answer.done, .text = answer.words, .result = {{"words", answer.words}}};
}

SwitchoverAnswer answer_of(const PeerAnswer& answer, const std::string& node) {
  const auto* words = answer.result.if_contains("words");
  if (words == nullptr || !words->is_string()) {
    // Not of the other agent's switchover, but why there was no answer of it.
    return {false, "node " + node + " gave no answer: " + answer.text + "; see tandem status"};
  }
  const std::string text = hooks::printable(std::string(words->get_string()).substr(0, kMostWords));
  if (answer.ok) return {true, text};
  return {false, "node " + node + ": " + text};
}

}  // namespace agent::io
