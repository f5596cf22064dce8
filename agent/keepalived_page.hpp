// A page of TOML that is being written: lines, wrapped comments, keys, and gaps to fill in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/keepalived_plan.hpp"
#include "agent/keepalived_toml.hpp"

namespace agent::keepalived {

class Page {
 public:
  void line(const std::string& text);
  // Wrapped at blanks.
  void comment(const std::string& text);
  // "What it is for:  COMMAND"; the command is not wrapped.
  void step(const std::string& text);
  void notes(const std::vector<Note>& all, Section section);
  void text(const std::string& key, const std::string& value);
  // `key` without a value, and a comment that says what belongs there. `owner`: "pair[redis]."
  void gap(const std::string& owner, const std::string& key, const std::string& what);
  TomlText take() { return std::move(out_); }

 private:
  TomlText out_;
  unsigned line_ = 0;
};

// [pair.server], [pair.peer], [pair.notify], [[pair.track_script]] and [[pair.track_file]].
void write_tables(const PairPlan& pair, Page& page);

// Where an agent listens, behind its address.
inline constexpr std::string_view kPeerPort = ":7112";
// `value`, or the nearer end of the range.
double within(double value, double min, double max);

}  // namespace agent::keepalived
