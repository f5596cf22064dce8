// See keepalived_page.hpp.
#include "agent/keepalived_page.hpp"

#include <algorithm>
#include <cmath>

#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr std::size_t kWidth = 98;
constexpr double kMillisecond = 1000;
constexpr double kHalf = 0.5;

}  // namespace

// Whatever a word of theirs is quoted in, a comment must not end early nor hold what TOML refuses.
void Page::line(const std::string& text) {
  out_.text += clean(text);
  out_.text += '\n';
  ++line_;
}

void Page::comment(const std::string& text) {
  std::string current = "#";
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (current.size() + 1 + word.size() > kWidth && current.size() > 1) {
      line(current);
      current = "#";
    }
    current += " " + word;
    at = end + 1;
  }
  line(current);
}

void Page::step(const std::string& text) {
  const std::size_t colon = text.find(":  ");
  if (colon == std::string::npos) return comment(text);
  comment("- " + text.substr(0, colon + 1));
  line("#     " + text.substr(colon + 3));
}

void Page::notes(const std::vector<Note>& all, Section section) {
  for (const Note& note : all) {
    if (note.section != section) continue;
    comment("[" + clean(note.place.to_string()) + "] " + note.what);
  }
}

void Page::text(const std::string& key, const std::string& value) {
  line(key + " = " + toml_string(value));
}

void Page::gap(const std::string& owner, const std::string& key, const std::string& what) {
  out_.gaps.push_back({line_ + 1, owner + key, what});
  line(key + " = \"\"  # FILL IN: " + what);
}

double within(double value, double min, double max) {
  return std::min(std::max(value, min), max);
}

std::string toml_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : clean(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string duration_text(double seconds) {
  const double milliseconds = std::round(seconds * kMillisecond);
  const double whole = std::round(seconds);
  if (std::abs(whole * kMillisecond - milliseconds) < kHalf) {
    return std::to_string(static_cast<long>(whole)) + "s";
  }
  return std::to_string(static_cast<long>(milliseconds)) + "ms";
}

}  // namespace agent::keepalived
