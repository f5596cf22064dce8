// Slicing by eight: table k advances a byte over k further bytes.
#include "hooks/crc64.hpp"

#include <array>

namespace hooks {
namespace {

constexpr std::uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // ad93d23594c935a9 reflected
constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint64_t, 256>, kSlices>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1U) ^ ((rest & 1U) * kPolynomial);
    tables[0][byte] = rest;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8U) ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

// Little endian, whatever the host is; compilers make one load of it.
std::uint64_t load(const char* bytes) {
  std::uint64_t word = 0;
  for (unsigned i = 0; i < 8; ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return word;
}

}  // namespace

void Crc64::feed(std::string_view bytes) {
  std::uint64_t crc = value_;
  for (; bytes.size() >= kSlices; bytes.remove_prefix(kSlices)) {
    crc ^= load(bytes.data());
    std::uint64_t next = 0;
    for (unsigned i = 0; i < kSlices; ++i) {
      next ^= kTables[kSlices - 1 - i][(crc >> (8 * i)) & 0xffU];
    }
    crc = next;
  }
  for (const char c : bytes) {
    crc = (crc >> 8U) ^ kTables[0][(crc ^ static_cast<unsigned char>(c)) & 0xffU];
  }
  value_ = crc;
}

std::string to_hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4U) {
    *digit = kDigits[value & 0xfU];
  }
  return text;
}

}  // namespace hooks
