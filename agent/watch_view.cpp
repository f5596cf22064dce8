// See watch_view.hpp.
#include "agent/watch_view.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

#include "agent/duration_words.hpp"
#include "agent/status_text.hpp"

namespace agent {

std::string watch_screen(const WatchView& view, const Screen& screen, std::size_t rows,
                         std::size_t& scrolled) {
  std::string text;
  if (!view.problem.empty()) {
    text += screen.entry("NO AGENT ",
                         "for " + duration_words(view.gone_for) + ": " + view.problem +
                             "; it is asked again, and below is what it said last",
                         Colour::red);
    text += "\n";
  }
  text += status_text(view.status, view.pair, screen);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
  // The last line is for the keys.
  const std::size_t room = rows > 1 ? rows - 1 : 1;
  const std::size_t hidden = lines.size() > room ? lines.size() - room : 0;
  scrolled = std::min(scrolled, hidden);
  std::string out = "\x1b[H";
  for (std::size_t i = scrolled; i < std::min(lines.size(), scrolled + room); ++i) {
    out += lines[i] + "\x1b[K\r\n";
  }
  out += "\x1b[J";
  std::string foot = "q ends";
  if (hidden > 0) foot += ", j and k scroll, " + std::to_string(hidden) + " more";
  if (screen.columns > 0) foot = foot.substr(0, screen.columns - 1);
  return out + "\x1b[" + std::to_string(std::max<std::size_t>(rows, 1)) + ";1H" +
         screen.paint(Colour::faint, foot) + "\x1b[K";
}

}  // namespace agent
