// What recoveries have replaced: the old datasets that they kept beside the new one, under the
// names of placement and recovery_disk ("dump.rdb.before-20261121T120102Z").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hooks::io {

struct ReplacedDataset {
  std::int64_t time = 0;  // seconds since 1970, UTC
  std::string path;       // of a file, or of an AOF's directory
  std::uint64_t bytes = 0;
  bool directory = false;
};

// `notes`: the file in which the agent keeps where the server has its dataset. Newest first; empty
// when that is not known or cannot be read.
std::vector<ReplacedDataset> find_replaced(const std::string& notes);

}  // namespace hooks::io
