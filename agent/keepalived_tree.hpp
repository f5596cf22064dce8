// keepalived.conf as blocks within blocks.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "agent/keepalived_lexer.hpp"

namespace agent::keepalived {

struct Node {
  Place place;
  std::vector<std::string> words;  // at least one
  bool block = false;
  std::vector<Node> children;

  const std::string& keyword() const { return words.front(); }
  // The word behind the keyword, or nothing.
  std::string argument(std::size_t index = 1) const {
    return index < words.size() ? words[index] : std::string();
  }
};

std::variant<std::vector<Node>, Refusal> build_tree(const std::vector<Line>& lines);

}  // namespace agent::keepalived
