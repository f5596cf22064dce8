// See terminal.hpp.
#include "agent/io/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace agent::io {
namespace {

constexpr std::size_t kUsualColumns = 80;

bool colours_are_welcome() {
  const char* refused = std::getenv("NO_COLOR");
  if (refused != nullptr && *refused != '\0') return false;
  const char* kind = std::getenv("TERM");
  return kind == nullptr || std::string_view(kind) != "dumb";
}

}  // namespace

Screen screen_of_output(const std::string& colour) {
  Screen out;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  if (terminal) {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    out.columns = known ? size.ws_col : kUsualColumns;
  }
  out.coloured = colour == "always" || (colour == "auto" && terminal && colours_are_welcome());
  return out;
}

}  // namespace agent::io
