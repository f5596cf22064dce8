// The checksum at the end of an RDB: CRC-64 with the Jones polynomial, reflected, initial value 0
// (crc64.c of Redis; of "123456789" it is e9c6d914c4b8d9ca). Eight bytes at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hooks {

class Crc64 {
 public:
  void feed(std::string_view bytes);
  std::uint64_t value() const { return value_; }
  bool operator==(const Crc64&) const = default;

 private:
  std::uint64_t value_ = 0;
};

// "e9c6d914c4b8d9ca"
std::string to_hex(std::uint64_t value);

}  // namespace hooks
