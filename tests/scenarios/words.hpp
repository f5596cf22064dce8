// The words of a scenario: a line to an input, an effect to a line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/pair_words.hpp"

namespace scenarios {

// `words` is the line without its time; `last_work` completes `done` and `failed`.
agent::PairInput parse_input(const std::vector<std::string>& words, std::uint64_t last_work);

std::string format_effect(const agent::PairEffect& effect);

}  // namespace scenarios
