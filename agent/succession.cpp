// See succession.hpp.
#include "agent/succession.hpp"

#include <optional>

namespace agent {
namespace {

std::optional<hooks::NotifyState> state_of(std::string_view word) {
  using hooks::NotifyState;
  for (const auto state :
       {NotifyState::master, NotifyState::backup, NotifyState::fault, NotifyState::stop}) {
    if (hooks::to_word(state) == word) return state;
  }
  return std::nullopt;
}

}  // namespace

std::string format_succession(const Succession& told) {
  std::string out;
  for (const auto& [pair, state] : told) {
    if (!out.empty()) out += ',';
    out += pair;
    out += '=';
    out += hooks::to_word(state);
  }
  return out;
}

Succession parse_succession(std::string_view text) {
  Succession out;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const auto sign = entry.find('=');
    if (sign == std::string_view::npos) continue;
    const auto state = state_of(entry.substr(sign + 1));
    if (state) out[std::string(entry.substr(0, sign))] = *state;
  }
  return out;
}

}  // namespace agent
