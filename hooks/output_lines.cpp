// Cutting and counting only; see the header for the bounds.
#include "hooks/output_lines.hpp"

#include <algorithm>
#include <utility>

namespace hooks {

std::string printable(std::string_view line) {
  std::string text(line);
  const auto is_control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

std::vector<std::string> OutputLines::take(std::string_view bytes) {
  std::vector<std::string> lines;
  if (truncated_) return lines;
  const std::size_t room = max_total_ - seen_;
  const bool over = bytes.size() > room;
  bytes = bytes.substr(0, room);
  seen_ += bytes.size();
  for (const char c : bytes) {
    if (c == '\n') {
      if (!line_.empty() && line_.back() == '\r') line_.pop_back();
      finish_line(lines);
      continue;
    }
    if (line_.size() == max_line_) finish_line(lines);
    line_.push_back(c);
  }
  if (over) {
    truncated_ = true;
    if (!line_.empty()) finish_line(lines);
    lines.emplace_back("output truncated");
  }
  return lines;
}

std::vector<std::string> OutputLines::end() {
  std::vector<std::string> lines;
  if (!line_.empty()) finish_line(lines);
  return lines;
}

void OutputLines::finish_line(std::vector<std::string>& lines) {
  lines.push_back(std::exchange(line_, {}));
}

}  // namespace hooks
