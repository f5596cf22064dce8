// The shipped units, as their text says it.
#pragma once

#include <set>
#include <string>

namespace support {

// The words behind the first KEY= at the margin of systemd/FILE.
std::set<std::string> words_of_unit(const std::string& file, const std::string& key);

}  // namespace support
