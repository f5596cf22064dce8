// Bounded reading and writing of foreign bytes: the only place where an offset meets a buffer.
// A read past the end turns the reader bad and yields zeros; the caller asks ok() once at the end.
// Knows no format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace vrrp {

class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t u8();
  std::uint16_t u16();  // network order
  std::uint32_t u32();
  // Fills `out` from the buffer, or zeros it and turns bad.
  void copy(std::span<std::uint8_t> out);
  void skip(std::size_t count);

  // Bytes not read yet; 0 once bad.
  std::size_t left() const { return bytes_.size() - at_; }
  bool ok() const { return ok_; }

 private:
  std::span<const std::uint8_t> take(std::size_t count);

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

class WireWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void copy(std::span<const std::uint8_t> bytes);
  // Overwrites two bytes that were written before; `at` must lie inside.
  void patch_u16(std::size_t at, std::uint16_t value);

  std::size_t size() const { return bytes_.size(); }
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

// RFC 1071: one's complement sum of 16-bit words. `seed` is the sum of what came before, a
// pseudo-header or an earlier piece, or 0. An odd last byte counts as the high half of a word, so
// only the last piece may have an odd length.
std::uint32_t checksum_add(std::uint32_t seed, std::span<const std::uint8_t> bytes);
// What goes into the checksum field. Over bytes that hold a right checksum already: 0.
std::uint16_t checksum_finish(std::uint32_t sum);

}  // namespace vrrp
