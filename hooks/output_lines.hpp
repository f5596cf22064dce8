// Cuts a child's output into lines, bounded per line and in total. It never reads the output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hooks {

// A script's words must not move the cursor of whoever reads the log.
std::string printable(std::string_view line);

class OutputLines {
 public:
  OutputLines(std::size_t max_line, std::size_t max_total)
      : max_line_(max_line), max_total_(max_total) {}

  // Lines completed by these bytes. A longer line than `max_line` comes in pieces of that length;
  // after `max_total` bytes comes one line "output truncated", then nothing more.
  std::vector<std::string> take(std::string_view bytes);
  // The last line, when no newline ended it.
  std::vector<std::string> end();

 private:
  void finish_line(std::vector<std::string>& lines);

  std::size_t max_line_;
  std::size_t max_total_;
  std::size_t seen_ = 0;
  bool truncated_ = false;
  std::string line_;
};

}  // namespace hooks
