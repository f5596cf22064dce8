// See screen.hpp.
#include "agent/screen.hpp"

#include <algorithm>
#include <vector>

namespace agent {
namespace {

constexpr std::size_t kNarrow = 60;        // columns; below, further lines begin further left
constexpr std::size_t kNarrowIndent = 4;   // there
constexpr std::size_t kFewestColumns = 8;  // for text beside an indent

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::red: return "\x1b[1;31m";
    case Colour::yellow: return "\x1b[33m";
    case Colour::green: return "\x1b[32m";
    case Colour::cyan: return "\x1b[36m";
    case Colour::faint: return "\x1b[2m";
    case Colour::bold: return "\x1b[1m";
    case Colour::none: break;
  }
  return {};
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool begins_character(char byte) {
  constexpr unsigned kMask = 0xC0;
  constexpr unsigned kFollows = 0x80;
  return (static_cast<unsigned char>(byte) & kMask) != kFollows;
}

// A word that is longer than the screen goes on in the next line, its colours take no room.
std::size_t bytes_of(std::string_view word, std::size_t columns) {
  std::size_t seen = 0;
  bool in_code = false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\x1b') in_code = true;
    if (!in_code && begins_character(word[i]) && seen++ == columns) return i;
    if (in_code && word[i] == 'm') in_code = false;
  }
  return word.size();
}

}  // namespace

std::size_t width_of(std::string_view text) {
  std::size_t columns = 0;
  bool in_code = false;
  for (const char byte : text) {
    if (byte == '\x1b') in_code = true;
    if (!in_code && begins_character(byte)) ++columns;
    if (in_code && byte == 'm') in_code = false;
  }
  return columns;
}

bool Screen::narrow() const {
  return columns != 0 && columns < kNarrow;
}

std::string Screen::paint(Colour colour, std::string_view text) const {
  const std::string_view code = coloured ? code_of(colour) : std::string_view();
  if (code.empty()) return std::string(text);
  std::string out(code);
  out += text;
  return out + "\x1b[0m";
}

std::string Screen::entry(std::string_view label, std::string_view text, Colour colour) const {
  std::string out = paint(colour, label);
  if (columns == 0) {
    out += text;
    return out + "\n";
  }
  const std::size_t label_width = width_of(label);
  std::size_t indent = narrow() ? std::min(label_width, kNarrowIndent) : label_width;
  if (indent + kFewestColumns > columns) indent = 0;
  std::size_t column = label_width;
  bool begun = false;  // something stands in this line that a blank must separate from
  for (std::string_view word : words_of(text)) {
    if (begun && column + 1 + width_of(word) > columns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      begun = false;
    }
    if (begun) {
      out += ' ';
      ++column;
    }
    while (column + width_of(word) > columns) {
      const std::size_t room = columns > column ? columns - column : 0;
      const std::size_t bytes = bytes_of(word, room);
      out += word.substr(0, bytes);
      out += "\n" + std::string(indent, ' ');
      column = indent;
      word.remove_prefix(bytes);
    }
    out += word;
    column += width_of(word);
    begun = true;
  }
  return out + "\n";
}

}  // namespace agent
