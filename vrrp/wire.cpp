// Every access is checked here once, so that no parser has to.
#include "vrrp/wire.hpp"

#include <algorithm>
#include <cassert>

namespace vrrp {
namespace {

std::uint32_t fold(std::uint32_t sum) {
  while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
  return sum;
}

}  // namespace

std::uint8_t WireReader::u8() {
  const auto bytes = take(1);
  return bytes.empty() ? std::uint8_t{0} : bytes[0];
}

std::uint16_t WireReader::u16() {
  const auto bytes = take(2);
  if (bytes.empty()) return 0;
  return static_cast<std::uint16_t>((bytes[0] << 8U) | bytes[1]);
}

std::uint32_t WireReader::u32() {
  const auto bytes = take(4);
  if (bytes.empty()) return 0;
  return (std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) |
         (std::uint32_t{bytes[2]} << 8U) | std::uint32_t{bytes[3]};
}

void WireReader::copy(std::span<std::uint8_t> out) {
  const auto bytes = take(out.size());
  if (bytes.size() == out.size()) {
    std::copy(bytes.begin(), bytes.end(), out.begin());
  } else {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
  }
}

void WireReader::skip(std::size_t count) {
  take(count);
}

// All of `count` or nothing: a bad reader is at its end and stays there.
std::span<const std::uint8_t> WireReader::take(std::size_t count) {
  if (count > left()) {
    ok_ = false;
    at_ = bytes_.size();
    return {};
  }
  const auto taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

void WireWriter::u16(std::uint16_t value) {
  u8(static_cast<std::uint8_t>(value >> 8U));
  u8(static_cast<std::uint8_t>(value & 0xffU));
}

void WireWriter::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value >> 16U));
  u16(static_cast<std::uint16_t>(value & 0xffffU));
}

void WireWriter::copy(std::span<const std::uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void WireWriter::patch_u16(std::size_t at, std::uint16_t value) {
  assert(at + 2 <= bytes_.size());
  bytes_[at] = static_cast<std::uint8_t>(value >> 8U);
  bytes_[at + 1] = static_cast<std::uint8_t>(value & 0xffU);
}

std::uint32_t checksum_add(std::uint32_t seed, std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = seed;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    const std::uint32_t low = at + 1 < bytes.size() ? bytes[at + 1] : 0U;
    sum += (std::uint32_t{bytes[at]} << 8U) | low;
  }
  while (sum > 0xffffffffU) sum = (sum & 0xffffffffU) + (sum >> 32U);
  return fold(static_cast<std::uint32_t>(sum));
}

std::uint16_t checksum_finish(std::uint32_t sum) {
  return static_cast<std::uint16_t>(~fold(sum) & 0xffffU);
}

}  // namespace vrrp
