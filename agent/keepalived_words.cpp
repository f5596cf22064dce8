// See keepalived_words.hpp.
#include "agent/keepalived_words.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace agent::keepalived {
namespace {

constexpr unsigned kLastOneByte = 0x7f;
constexpr unsigned kContinuation = 0x80;
constexpr unsigned kContinuationMask = 0xc0;

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// The bytes behind '\', from `at`; moves `at` to the last one that belongs to it.
char unescape(std::string_view text, std::size_t& at) {
  constexpr std::string_view kLetters = "abEfnrtv";
  constexpr std::string_view kMeanings = "\a\b\033\f\n\r\t\v";
  const char c = text[at];
  if (const auto letter = kLetters.find(c); letter != std::string_view::npos) {
    return kMeanings[letter];
  }
  const bool hex = c == 'x' && at + 1 < text.size() &&
                   std::isxdigit(static_cast<unsigned char>(text[at + 1])) != 0;
  if (!hex && !is_octal(c)) return c;
  const std::size_t begin = hex ? at + 1 : at;
  const std::size_t most = hex ? 2 : 3;
  std::size_t end = begin;
  while (end < text.size() && end - begin < most &&
         (hex ? std::isxdigit(static_cast<unsigned char>(text[end])) != 0 : is_octal(text[end]))) {
    ++end;
  }
  unsigned value = 0;
  std::from_chars(text.data() + begin, text.data() + end, value, hex ? 16 : 8);
  at = end - 1;
  return static_cast<char>(static_cast<std::uint8_t>(value));
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Words run() {
    for (at_ = 0; at_ < text_.size(); ++at_) take(text_[at_]);
    end_word();
    out_.open_quote = quote_ != 0;
    return std::move(out_);
  }

 private:
  void take(char c) {
    if (c == '\\' && at_ + 1 < text_.size()) {
      ++at_;
      add(unescape(text_, at_));
    } else if (quote_ != 0) {
      c == quote_ ? void(quote_ = 0) : add(c);
    } else if (c == '"' || c == '\'') {
      quote_ = c;
      in_word_ = true;
    } else if (c == ' ' || c == '\t' || c == '\f' || c == '\v') {
      end_word();
    } else if (c == '$' && at_ + 1 < text_.size() && text_[at_ + 1] == '{') {
      take_unknown();
    } else if (c == '{' || c == '}') {
      end_word();
      out_.tokens.push_back({std::string(1, c), c == '{' ? TokenKind::open : TokenKind::close});
    } else {
      add(c);
    }
  }

  // "${NAME}" that nobody defined stays as it is.
  void take_unknown() {
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return add('$');
    for (; at_ < end; ++at_) add(text_[at_]);
    add('}');
  }

  void add(char c) {
    word_ += c;
    in_word_ = true;
  }

  void end_word() {
    if (in_word_) out_.tokens.push_back({word_, TokenKind::word});
    word_.clear();
    in_word_ = false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Words out_;
  std::string word_;
  bool in_word_ = false;
  char quote_ = 0;
};

// How many bytes the UTF-8 character at the beginning has; 0: it is none.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first <= kLastOneByte) return 1;
  const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & kContinuationMask) != kContinuation) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

}  // namespace

Words split_words(std::string_view text) {
  return Splitter(text).run();
}

std::string clean(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool control = first < 0x20 || first == kLastOneByte;
    out += length == 0 || control ? "?" : std::string(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::optional<int> to_integer(std::string_view word, int min, int max) {
  if (word.starts_with('+')) word.remove_prefix(1);
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool whole = error == std::errc{} && end == word.data() + word.size();
  return whole && value >= min && value <= max ? std::optional(value) : std::nullopt;
}

std::optional<double> to_seconds(std::string_view word, double max) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool whole = error == std::errc{} && end == word.data() + word.size();
  return whole && value >= 0 && value <= max ? std::optional(value) : std::nullopt;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace agent::keepalived
