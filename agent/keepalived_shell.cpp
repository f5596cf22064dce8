// See keepalived_shell.hpp. Not a shell: enough of its grammar for the scripts that people write
// beside keepalived, and harmless on everything else. All loops end with the text.
#include "agent/keepalived_shell.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace agent::keepalived {
namespace {

constexpr std::size_t kMaxValue = 4096;
constexpr std::size_t kMaxProduced = 1024UL * 1024;
constexpr unsigned kMaxNesting = 8;

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// "NAME=..."
bool is_assignment(std::string_view word) {
  const std::size_t end = word.find('=');
  return end != std::string_view::npos && end > 0 && std::isdigit(word[0]) == 0 &&
         std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(end), is_name);
}

using Variables = std::map<std::string, std::string>;

class Scanner {
 public:
  Scanner(std::vector<ShellCommand>& out, Variables& variables, std::size_t& produced)
      : out_(out), variables_(variables), produced_(produced) {}

  void scan(std::string_view text, unsigned line, unsigned nesting) {
    text_ = text;
    line_ = line;
    nesting_ = nesting;
    begin_command();
    for (at_ = 0; at_ < text_.size(); ++at_) take(text_[at_]);
    end_word();
    end_command(false);
  }

 private:
  char next(std::size_t ahead = 1) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void take(char c) {
    if (c == '\\') return take_backslash();
    if (quote_ == '\'') return c == '\'' ? void(quote_ = 0) : add(c);
    if (c == '$') return take_dollar();
    if (c == '`') return take_nested(at_ + 1, text_.find('`', at_ + 1));
    if (quote_ == '"') {
      if (c == '\n') ++line_;
      return c == '"' ? void(quote_ = 0) : add(c);
    }
    if (c == '"' || c == '\'') {
      quote_ = c;
      in_word_ = true;
    } else if (c == '#' && !in_word_) {
      at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      end_word();
    } else if (c == '>' || c == '<') {
      take_redirection(c);
    } else {
      take_operator(c);
    }
  }

  void take_backslash() {
    if (quote_ == '\'') return add('\\');
    if (next() == '\n') {
      ++line_;
    } else if (next() != '\0') {
      add(next());
    }
    ++at_;
  }

  void take_operator(char c) {
    const auto& words = command_.words;
    const bool in_test = std::find(words.begin(), words.end(), "[[") != words.end() &&
                         std::find(words.begin(), words.end(), "]]") == words.end();
    if (c == '\n') {
      end_word();
      end_command(false);
      ++line_;
      take_document();
      begin_command();
    } else if (in_test && (c == '&' || c == '|' || c == '(' || c == ')')) {
      end_word();
    } else if (c == ';' || c == '&' || c == '|') {
      end_word();
      const bool both = next() == c;
      end_command(c == '|' && !both);
      if (both) ++at_;
      begin_command();
    } else if (c == '(') {
      open_parenthesis();
    } else if (c == ')') {
      close_parenthesis();
    } else {
      add(c);
    }
  }

  // "name()" begins a function, "(" a subshell.
  void open_parenthesis() {
    end_word();
    if (command_.words.size() == 1 && next() == ')') {
      functions_.insert(command_.words.front());
      ++at_;
    } else {
      end_command(false);
      ++depth_;
    }
    begin_command();
  }

  // Without an open one it ends a pattern of `case`.
  void close_parenthesis() {
    end_word();
    if (depth_ > 0) {
      --depth_;
      end_command(false);
    } else {
      while (!out_.empty() && out_.back().piped && out_.back().line == command_.line) {
        out_.pop_back();
      }
    }
    begin_command();
  }

  void take_redirection(char c) {
    const bool number = word_.size() == 1 && std::isdigit(word_[0]) != 0;
    if (number) {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    if (c == '<' && next() == '<' && next(2) != '<') return begin_document();
    while (next() == c || next() == '|') ++at_;
    if (next() == '&') {  // 2>&1
      ++at_;
      while (std::isdigit(static_cast<unsigned char>(next())) != 0 || next() == '-') ++at_;
      return;
    }
    redirection_ = c;
  }

  void begin_document() {
    ++at_;
    if (next() == '-') ++at_;
    while (next() == ' ') ++at_;
    document_.clear();
    while (is_name(next()) || next() == '"' || next() == '\'') {
      ++at_;
      if (is_name(text_[at_])) document_ += text_[at_];
    }
  }

  // The lines behind the one with <<, up to its word.
  void take_document() {
    if (document_.empty()) return;
    while (at_ + 1 < text_.size()) {
      const std::size_t begin = at_ + 1;
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      std::string_view line = text_.substr(begin, end - begin);
      while (line.starts_with('\t')) line.remove_prefix(1);
      at_ = end;
      ++line_;
      if (line == document_) break;
      if (!out_.empty()) out_.back().input.emplace_back(line);
    }
    document_.clear();
  }

  void take_dollar() {
    if (next() == '(' && next(2) == '(') {
      const std::size_t end = text_.find("))", at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
      return add('0');
    }
    if (next() == '(') return take_nested(at_ + 2, closing(at_ + 2));
    const bool braces = next() == '{';
    const std::size_t begin = at_ + (braces ? 2 : 1);
    std::size_t end = begin;
    while (end < text_.size() && is_name(text_[end])) ++end;
    const std::string name(text_.substr(std::min(begin, text_.size()), end - begin));
    const std::size_t last = braces ? text_.find('}', end) : end - 1;
    const auto found = variables_.find(name);
    if (last == std::string_view::npos || found == variables_.end() ||
        produced_ + found->second.size() > kMaxProduced) {
      return add('$');
    }
    produced_ += found->second.size();
    at_ = last;
    const bool whole = quote_ != 0 || is_assignment(word_);
    for (const char c : found->second) whole || (c != ' ' && c != '\t') ? add(c) : end_word();
  }

  std::size_t closing(std::size_t from) const {
    std::size_t depth = 1;
    for (std::size_t i = from; i < text_.size(); ++i) {
      if (text_[i] == '(') ++depth;
      if (text_[i] == ')' && --depth == 0) return i;
    }
    return std::string_view::npos;
  }

  // A command within a word: looked at by itself, its output is not known.
  void take_nested(std::size_t begin, std::size_t end) {
    if (end == std::string_view::npos || nesting_ >= kMaxNesting) return add(text_[at_]);
    const std::string_view inner = text_.substr(begin, end - begin);
    Scanner(out_, variables_, produced_).scan(inner, line_, nesting_ + 1);
    line_ += static_cast<unsigned>(std::count(inner.begin(), inner.end(), '\n'));
    at_ = end;
    add('?');
  }

  void add(char c) {
    word_ += c;
    in_word_ = true;
  }

  void begin_command() { command_ = {line_, {}, {}, {}, {}, false}; }

  void end_word() {
    if (in_word_ && redirection_ != 0) {
      if (redirection_ == '>') command_.outputs.push_back(word_);
      redirection_ = 0;
    } else if (in_word_ && command_.words.empty() && is_assignment(word_)) {
      command_.assignments.push_back(word_);
    } else if (in_word_) {
      command_.words.push_back(word_);
    }
    word_.clear();
    in_word_ = false;
  }

  void end_command(bool piped) {
    redirection_ = 0;
    static const std::set<std::string> kDeclares{"export", "local", "readonly", "declare"};
    const bool declares = !command_.words.empty() && kDeclares.contains(command_.words.front());
    for (const std::string& word : declares ? command_.words : command_.assignments) {
      if ((command_.words.empty() || declares) && is_assignment(word)) remember(word);
    }
    const bool call = !command_.words.empty() && functions_.contains(command_.words.front());
    command_.piped = piped;
    const bool something = !command_.words.empty() || !command_.assignments.empty();
    if (something && !call) out_.push_back(command_);
    begin_command();
  }

  void remember(const std::string& assignment) {
    const std::size_t equals = assignment.find('=');
    const std::string value = assignment.substr(equals + 1);
    if (value.size() <= kMaxValue) variables_[assignment.substr(0, equals)] = value;
  }

  std::vector<ShellCommand>& out_;
  Variables& variables_;
  std::size_t& produced_;
  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  unsigned nesting_ = 0;
  unsigned depth_ = 0;
  ShellCommand command_;
  std::string word_;
  bool in_word_ = false;
  char quote_ = 0;
  char redirection_ = 0;
  std::string document_;  // the word that ends a here-document
  std::set<std::string> functions_;
};

}  // namespace

std::vector<ShellCommand> shell_commands(std::string_view script) {
  std::vector<ShellCommand> out;
  Variables variables;
  std::size_t produced = 0;
  Scanner(out, variables, produced).scan(script, 1, 0);
  return out;
}

}  // namespace agent::keepalived
