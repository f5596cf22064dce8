// Reading a tracked file: numbers, and all that may lie where a number was expected.
#include "agent/io/tracked_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config_fixture.hpp"

namespace agent {
namespace {

std::string read(const std::string& path) {
  const FileRead read = io::read_tracked_file(path);
  switch (read.content) {
    case FileRead::Content::number: return std::to_string(read.number);
    case FileRead::Content::missing: return "missing";
    case FileRead::Content::unusable: return read.problem;
  }
  return "";
}

TEST(TrackedFileReading, TakesAWholeNumberWithBlanksAround) {
  const ConfigFolder folder;
  const auto content = [&](const std::string& text) { return read(folder.write("f", text)); };
  EXPECT_EQ(content("0"), "0");
  EXPECT_EQ(content(" 12\n"), "12");
  EXPECT_EQ(content("-254\r\n"), "-254");
  EXPECT_EQ(content(""), "is empty");
  EXPECT_EQ(content("\n"), "is empty");
  EXPECT_EQ(content("yes"), "does not hold a number");
  EXPECT_EQ(content("1 2"), "does not hold a number");
  EXPECT_EQ(content("1.5"), "does not hold a number");
  EXPECT_EQ(content("99999999999999999999"), "does not hold a number");
  EXPECT_EQ(content(std::string(10 << 20, '1')), "does not hold a number");
  EXPECT_EQ(content("1" + std::string(10 << 20, ' ')), "does not hold a number");
}

TEST(TrackedFileReading, IsNotHeldUpByWhatIsNoFile) {
  const ConfigFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read(folder.path("fifo")), "is not a regular file");
  EXPECT_EQ(read(folder.path("")), "is not a regular file");
  EXPECT_EQ(read("/dev/zero"), "is not a regular file");
  EXPECT_EQ(read(folder.path("nothing")), "missing");
  EXPECT_EQ(read(folder.write("file", "1") + "/below"), "missing");
  const AsNobody nobody;
  EXPECT_EQ(read(folder.path("file")), "cannot be read: Permission denied");
}

}  // namespace
}  // namespace agent
