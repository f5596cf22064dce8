// See unit_file.hpp.
#include "tests/support/unit_file.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "tests/support/temp_dir.hpp"

namespace support {

std::set<std::string> words_of_unit(const std::string& file, const std::string& key) {
  const std::string unit = read_file(std::string(TANDEM_SOURCE_DIR) + "/systemd/" + file);
  std::smatch match;
  EXPECT_TRUE(std::regex_search(unit, match, std::regex("\n" + key + "=([^\n]*)"))) << file;
  std::istringstream words(match[1]);
  std::set<std::string> out;
  for (std::string word; words >> word;) out.insert(word);
  return out;
}

}  // namespace support
