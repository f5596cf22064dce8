// Reading and writing bytes, and the Internet checksum.
#include "vrrp/wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace vrrp {
namespace {

using ::testing::ElementsAre;

const std::vector<std::uint8_t> kSeven = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07};

TEST(WireReader, ReadsNetworkOrder) {
  WireReader reader(kSeven);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_TRUE(reader.ok());
}

TEST(WireReader, ReadsHighBytesWithoutASign) {
  const std::vector<std::uint8_t> high = {0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa};
  WireReader reader(high);
  EXPECT_EQ(reader.u32(), 0xfffefdfcU);
  EXPECT_EQ(reader.u16(), 0xfbfaU);
}

TEST(WireReader, TurnsBadAtTheEndAndStaysThere) {
  WireReader reader(kSeven);
  reader.skip(5);
  EXPECT_EQ(reader.u32(), 0U) << "two bytes are left, four were asked for";
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_EQ(reader.u8(), 0U) << "a later read that would have fitted finds nothing either";
  EXPECT_EQ(reader.u16(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(WireReader, CopiesAllOrZeros) {
  std::array<std::uint8_t, 4> out{};
  WireReader reader(kSeven);
  reader.copy(out);
  EXPECT_THAT(out, ElementsAre(1, 2, 3, 4));
  reader.copy(out);
  EXPECT_THAT(out, ElementsAre(0, 0, 0, 0)) << "only three bytes were left";
  EXPECT_FALSE(reader.ok());
}

TEST(WireReader, TakesNothingFromNothing) {
  WireReader reader({});
  reader.skip(0);
  reader.copy({});
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.u8(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(WireReader, SkipsNoFurtherThanTheEnd) {
  WireReader reader(kSeven);
  reader.skip(static_cast<std::size_t>(-1));
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.left(), 0U);
}

TEST(WireWriter, WritesNetworkOrderAndPatches) {
  WireWriter writer;
  writer.u8(0xa1);
  writer.u16(0);
  writer.u32(0xb1b2b3b4);
  writer.copy(std::array<std::uint8_t, 2>{0xc1, 0xc2});
  writer.patch_u16(1, 0xd1d2);
  EXPECT_EQ(writer.size(), 9U);
  EXPECT_THAT(writer.take(), ElementsAre(0xa1, 0xd1, 0xd2, 0xb1, 0xb2, 0xb3, 0xb4, 0xc1, 0xc2));
}

// The worked example of RFC 1071 section 3.
TEST(Checksum, AgreesWithTheRfc) {
  const std::vector<std::uint8_t> bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_add(0, bytes), 0xddf2U);
  EXPECT_EQ(checksum_finish(checksum_add(0, bytes)), 0x220dU);
}

TEST(Checksum, OfBytesThatHoldItIsZero) {
  const std::vector<std::uint8_t> bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4,
                                           0xf5, 0xf6, 0xf7, 0x22, 0x0d};
  EXPECT_EQ(checksum_finish(checksum_add(0, bytes)), 0U);
}

TEST(Checksum, PadsAnOddEndOnTheRight) {
  const std::vector<std::uint8_t> odd = {0x12, 0x34, 0x56};
  const std::vector<std::uint8_t> even = {0x12, 0x34, 0x56, 0x00};
  EXPECT_EQ(checksum_add(0, odd), checksum_add(0, even));
}

TEST(Checksum, IsTheSameInPieces) {
  const std::vector<std::uint8_t> whole = {0xff, 0xff, 0x80, 0x01, 0xff, 0xfe, 0x77};
  const std::span<const std::uint8_t> all(whole);
  EXPECT_EQ(checksum_add(checksum_add(0, all.first(4)), all.subspan(4)), checksum_add(0, all));
}

TEST(Checksum, CarriesAroundTheLargestSeedAndInput) {
  const std::vector<std::uint8_t> ones(65534, 0xff);
  EXPECT_EQ(checksum_add(0xffffffffU, ones), 0xffffU);
  EXPECT_EQ(checksum_finish(0xffffffffU), 0U);
}

}  // namespace
}  // namespace vrrp
