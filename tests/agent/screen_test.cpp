// Text on screens of several widths.
#include "agent/screen.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace agent {
namespace {

std::size_t widest(const std::string& text) {
  std::istringstream lines(text);
  std::size_t out = 0;
  for (std::string line; std::getline(lines, line);) out = std::max(out, width_of(line));
  return out;
}

TEST(Screen, APipeGetsOneLine) {
  EXPECT_EQ(Screen{}.entry("  link     ", "up with server12"), "  link     up with server12\n");
}

TEST(Screen, FurtherLinesStandUnderTheFirst) {
  EXPECT_EQ((Screen{70, false}.entry("  server   ",
                                     "127.0.0.1:6379 up, replica of 192.168.1.112:6379, link up")),
            "  server   127.0.0.1:6379 up, replica of 192.168.1.112:6379, link up\n");
  EXPECT_EQ((Screen{60, false}.entry("  server   ",
                                     "127.0.0.1:6379 up, replica of 192.168.1.112:6379, link up")),
            "  server   127.0.0.1:6379 up, replica of 192.168.1.112:6379,\n"
            "           link up\n");
}

TEST(Screen, ANarrowOneIndentsLess) {
  EXPECT_EQ((Screen{40, false}.entry("  server   ",
                                     "127.0.0.1:6379 up, replica of 192.168.1.112:6379, link up")),
            "  server   127.0.0.1:6379 up, replica of\n"
            "    192.168.1.112:6379, link up\n");
}

TEST(Screen, NoWordIsCutAndNoneIsLost) {
  const std::string words = "a bb ccc dddd eeeee ffffff ggggggg hhhhhhhh iiiiiiiii";
  const std::string endless(100, 'x');
  for (std::size_t columns = 1; columns < 130; ++columns) {
    const Screen screen{columns, false};
    const std::string text = screen.entry("", words + " " + endless);
    if (columns >= 9) {
      EXPECT_LE(widest(text), columns) << columns;
    }
    std::string bare;
    for (const char letter : text) {
      if (letter != '\n' && letter != ' ') bare += letter;
    }
    EXPECT_EQ(bare, "abbcccddddeeeeeffffffggggggghhhhhhhhiiiiiiiii" + endless);
  }
}

TEST(Screen, ColoursTakeNoColumns) {
  const Screen screen{40, true};
  EXPECT_EQ(width_of(screen.paint(Colour::red, "problem")), 7U);
  EXPECT_EQ(width_of("s\xc3\xbc\xc3\x9f"), 3U);
  const std::string text =
      screen.entry("  problem  ", "one two three four five six seven eight", Colour::red);
  EXPECT_LE(widest(text), 40U);
  EXPECT_EQ((Screen{40, false}.paint(Colour::red, "problem")), "problem");
}

}  // namespace
}  // namespace agent
