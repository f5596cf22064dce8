// What `tandem watch` sends to a terminal.
#include "agent/watch_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

namespace agent {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kAll;

boost::json::object status_of(int pairs) {
  boost::json::array all;
  for (int i = 0; i < pairs; ++i) {
    all.push_back({{"name", "pair" + std::to_string(i)}, {"state", "leading"}});
  }
  return {{"node", "server11"}, {"pairs", all}};
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(WatchView, DrawsOverWhatIsThere) {
  std::size_t scrolled = 0;
  const auto status = status_of(1);
  const std::string drawn = watch_screen({status, kAll, {}, {}}, Screen{80, false}, 24, scrolled);
  EXPECT_THAT(drawn, StartsWith("\x1b[Hnode server11\x1b[K\r\n"));
  EXPECT_THAT(drawn, HasSubstr("pair0: leading for 0 s"));
  EXPECT_THAT(drawn, EndsWith("\x1b[J\x1b[24;1Hq ends\x1b[K"));
}

TEST(WatchView, ASmallWindowScrolls) {
  const auto status = status_of(10);
  const WatchView view{status, kAll, {}, {}};
  std::size_t scrolled = 0;
  const std::string top = watch_screen(view, Screen{80, false}, 12, scrolled);
  EXPECT_EQ(lines_in(top), 11U);
  EXPECT_THAT(top, HasSubstr("j and k scroll"));
  EXPECT_THAT(top, HasSubstr("node server11"));
  scrolled = 10000;
  const std::string bottom = watch_screen(view, Screen{80, false}, 12, scrolled);
  EXPECT_LT(scrolled, 10000U);
  EXPECT_EQ(lines_in(bottom), 11U);
  EXPECT_THAT(bottom, Not(HasSubstr("node server11")));
  // One of a single line is no reason to fall over.
  EXPECT_NO_THROW(watch_screen(view, Screen{1, true}, 1, scrolled));
  EXPECT_NO_THROW(watch_screen(view, Screen{}, 0, scrolled));
}

TEST(WatchView, SaysThatTheAgentIsGoneAndWhatItSaidLast) {
  const auto status = status_of(1);
  std::size_t scrolled = 0;
  const std::string drawn =
      watch_screen({status, kAll, "control.sock: Connection refused", std::chrono::seconds(12)},
                   Screen{80, false}, 24, scrolled);
  EXPECT_THAT(drawn, HasSubstr("NO AGENT for 12 s: control.sock: Connection refused; it is asked"));
  EXPECT_THAT(drawn, HasSubstr("pair0: leading"));
}

}  // namespace
}  // namespace agent
