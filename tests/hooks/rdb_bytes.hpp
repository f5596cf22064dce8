// RDB files made of bytes, for tests that need no server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hooks/crc64.hpp"

namespace hooks::testing {

// Header, `content` in place of keys, end mark and the right checksum.
inline std::string make_rdb(std::string_view content, std::string_view header = "REDIS0010") {
  std::string rdb = std::string(header) + std::string(content) + '\xff';
  Crc64 crc;
  crc.feed(rdb);
  for (unsigned i = 0; i < 8; ++i) rdb += static_cast<char>((crc.value() >> (8 * i)) & 0xffU);
  return rdb;
}

inline std::string without_checksum(std::string rdb) {
  return rdb.replace(rdb.size() - 8, 8, 8, '\0');
}

}  // namespace hooks::testing
