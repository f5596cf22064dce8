// Text for people on a screen of some width: colours, and lines that are wrapped between words,
// never cut. Pure; what the screen is like finds io/terminal.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace agent {

enum class Colour : std::uint8_t { none, red, yellow, green, cyan, faint, bold };

struct Screen {
  std::size_t columns = 0;  // 0: as long as it likes, as in a pipe
  bool coloured = false;

  // Further lines begin further left than under the first one.
  bool narrow() const;

  std::string paint(Colour colour, std::string_view text) const;
  // `text` behind `label`, with its further lines indented by the width of the label or by less on
  // a narrow screen, and a line end. `label` may be blank. Only the label is painted.
  std::string entry(std::string_view label, std::string_view text,
                    Colour colour = Colour::none) const;
};

// How many columns a UTF-8 text takes, without its colours.
std::size_t width_of(std::string_view text);

}  // namespace agent
