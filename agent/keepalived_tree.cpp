// See keepalived_tree.hpp. A brace may stand on the line of its block's name, glued to it, or
// alone.
#include "agent/keepalived_tree.hpp"

#include <optional>

namespace agent::keepalived {
namespace {

constexpr std::size_t kMaxDepth = 32;

class Builder {
 public:
  std::variant<std::vector<Node>, Refusal> run(const std::vector<Line>& lines) {
    for (const Line& line : lines) {
      for (const Token& token : line.tokens) {
        if (token.kind == TokenKind::open) open(line.place);
        if (token.kind == TokenKind::close) close(line.place);
        if (token.kind == TokenKind::word) add(line.place, token.text);
        if (refusal_) return *refusal_;
      }
      finish_statement();
    }
    if (stack_.empty()) return std::move(roots_);
    const Node& unclosed = stack_.back();
    return Refusal{unclosed.place, "the block " + shown(unclosed.keyword()) +
                                       " begins here and is never closed; add the missing '}'"};
  }

 private:
  std::vector<Node>& siblings() { return stack_.empty() ? roots_ : stack_.back().children; }

  void add(const Place& place, const std::string& word) {
    if (!statement_) statement_ = Node{place, {}, false, {}};
    statement_->words.push_back(word);
  }

  void finish_statement() {
    if (statement_) siblings().push_back(std::move(*statement_));
    statement_.reset();
  }

  void open(const Place& place) {
    if (!statement_) {
      auto& before = siblings();
      if (before.empty() || before.back().block) {
        refusal_ = Refusal{place, "this '{' has no name of a block before it; remove it"};
        return;
      }
      statement_ = std::move(before.back());
      before.pop_back();
    }
    if (stack_.size() >= kMaxDepth) {
      refusal_ = Refusal{place, "blocks are nested more than 32 deep"};
      return;
    }
    statement_->block = true;
    stack_.push_back(std::move(*statement_));
    statement_.reset();
  }

  void close(const Place& place) {
    finish_statement();
    if (stack_.empty()) {
      refusal_ = Refusal{place, "this '}' closes no block; remove it, or add the missing '{'"};
      return;
    }
    Node done = std::move(stack_.back());
    stack_.pop_back();
    siblings().push_back(std::move(done));
  }

  std::vector<Node> roots_;
  std::vector<Node> stack_;
  std::optional<Node> statement_;
  std::optional<Refusal> refusal_;
};

}  // namespace

std::variant<std::vector<Node>, Refusal> build_tree(const std::vector<Line>& lines) {
  return Builder().run(lines);
}

}  // namespace agent::keepalived
