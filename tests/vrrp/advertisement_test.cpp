// Advertisements as bytes: what keepalived sends, what comes back, and what is refused by which
// name.
#include "vrrp/advertisement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <sstream>

#include "captures.hpp"
#include "vrrp/timing.hpp"
#include "vrrp/wire.hpp"

namespace vrrp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

using Result = std::variant<Decoded, DecodeError>;

const IpAddress kSource = IpAddress::v4({10, 51, 0, 1});
const IpAddress kPeer = IpAddress::v4({10, 51, 0, 2});
const IpAddress kSource6 = address("fe80::f45c:ecff:fe43:7f71");
const IpAddress kGroup6 = address("ff02::12");

Result decode(const Capture& capture, const Bytes& message);
Result decode_ipv4(const Bytes& message);
Bytes with_byte(Bytes message, std::size_t at, std::uint8_t value);
Bytes with_message_checksum(Bytes message);
Bytes resized(Bytes message, std::size_t size);
std::string printed(const auto& value);

// What tests change byte by byte. Both have a checksum over the message alone: v2 knows no other,
// and for v3 it is the form of RFC 9568.
const Bytes kV2 = bytes_of("2133 f001 0001 e41e 0a33 0078 0000 0000 0000 0000");
const Bytes kV3 = with_message_checksum(bytes_of("3133 fa01 0064 0000 0a33 0078"));

class CapturedAdvertisement : public ::testing::TestWithParam<Capture> {};

TEST_P(CapturedAdvertisement, IsRead) {
  EXPECT_EQ(decode(GetParam(), GetParam().message()),
            Result(Decoded{GetParam().reading, ChecksumForm::pseudo_header}));
}

TEST_P(CapturedAdvertisement, IsWrittenByteForByte) {
  EXPECT_EQ(encode(GetParam().reading, address(GetParam().source), address(GetParam().destination)),
            GetParam().message());
}

TEST_P(CapturedAdvertisement, IsTooShortAtEveryTruncation) {
  const Bytes whole = GetParam().message();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly that size lets the address sanitizer see a read past the end.
    EXPECT_EQ(decode(GetParam(), resized(whole, size)), Result(DecodeError::too_short))
        << size << " of " << whole.size() << " bytes";
  }
}

// 28 bytes is the trailer of keepalived's auth_hmac, 6 what Ethernet may add to a short frame.
TEST_P(CapturedAdvertisement, IsTooLongWithSurplusBytes) {
  const Bytes whole = GetParam().message();
  for (const std::size_t surplus : {1U, 4U, 6U, 8U, 28U, 1400U}) {
    EXPECT_EQ(decode(GetParam(), resized(whole, whole.size() + surplus)),
              Result(DecodeError::too_long))
        << surplus;
  }
}

TEST_P(CapturedAdvertisement, IsNeverTheSameWithOneByteChanged) {
  const Bytes whole = GetParam().message();
  const Decoded original{GetParam().reading, ChecksumForm::pseudo_header};
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (unsigned flip = 1; flip <= 0xff; ++flip) {
      const auto value = static_cast<std::uint8_t>(whole[at] ^ flip);
      EXPECT_NE(decode(GetParam(), with_byte(whole, at, value)), Result(original))
          << "byte " << at << " as " << int{value};
    }
  }
}

// Only version and type, the address count and the v2 authentication type are judged before it.
TEST_P(CapturedAdvertisement, HasABadChecksumWithAnyOtherByteChanged) {
  const Bytes whole = GetParam().message();
  for (std::size_t at = 1; at < whole.size(); ++at) {
    if (at == 3 || at == 4) continue;
    EXPECT_EQ(decode(GetParam(), with_byte(whole, at, static_cast<std::uint8_t>(~whole[at]))),
              Result(DecodeError::bad_checksum))
        << "byte " << at;
  }
}

TEST_P(CapturedAdvertisement, HasItsAddressesInTheV3Checksum) {
  const Capture& capture = GetParam();
  const bool v6 = capture.ip_header_size == 40;
  const Result result = decode(capture.message(), address(v6 ? "fe80::bad" : "10.51.0.99"),
                               address(capture.destination));
  if (capture.reading.version == Version::v3) {
    EXPECT_EQ(result, Result(DecodeError::bad_checksum));
  } else {
    EXPECT_EQ(result, Result(Decoded{capture.reading}));
  }
}

INSTANTIATE_TEST_SUITE_P(Keepalived227, CapturedAdvertisement, ::testing::ValuesIn(captures()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Advertisement, ComesBackAsItWasSent) {
  const auto pass = make_auth_pass("12345678");
  for (const std::size_t count : {1U, 2U, 20U, 255U}) {
    const std::vector<IpAddress> four(count, address("192.168.1.120"));
    const std::vector<IpAddress> six(count, address("2001:db8::120"));
    for (const std::uint8_t priority : Bytes{0, 1, 100, 254, 255}) {
      const Vrid vrid{static_cast<std::uint8_t>(256U - count)};
      for (const Duration interval : {Duration(seconds(1)), max_interval(Version::v2)}) {
        for (const Advertisement& v2 :
             {Advertisement{Version::v2, vrid, {priority}, interval, four, AuthType::none, {}},
              Advertisement{Version::v2, vrid, {priority}, interval, four, AuthType::pass, pass}}) {
          EXPECT_EQ(decode(encode(v2, kSource, kPeer), kSource, kPeer), Result(Decoded{v2}));
        }
      }
      for (const Duration interval :
           {Duration(milliseconds(10)), Duration(milliseconds(2560)), max_interval(Version::v3)}) {
        const Advertisement v3{Version::v3, vrid, {priority}, interval, four, AuthType::none, {}};
        for (const auto form : {ChecksumForm::pseudo_header, ChecksumForm::message_only}) {
          EXPECT_EQ(decode(encode(v3, kSource, kPeer, form), kSource, kPeer),
                    Result(Decoded{v3, form}));
        }
        const Advertisement v6{Version::v3, vrid, {priority}, interval, six, AuthType::none, {}};
        EXPECT_EQ(decode(encode(v6, kSource6, kGroup6), kSource6, kGroup6), Result(Decoded{v6}));
      }
    }
  }
}

TEST(Advertisement, LeavesReservedBitsZeroAndIgnoresThem) {
  const Advertisement longest{
      Version::v3,    Vrid{51}, Priority{250}, max_interval(Version::v3), {address("10.51.0.120")},
      AuthType::none, {}};
  const Bytes sent = encode(longest, kSource, kPeer, ChecksumForm::message_only);
  EXPECT_EQ(sent[4], 0x0f);
  EXPECT_EQ(sent[5], 0xff);
  EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(sent, 4, 0xff))),
            Result(Decoded{longest, ChecksumForm::message_only}));
}

// Eight zero bytes follow also without a password, and what another router puts there is ignored.
TEST(Advertisement, KeepsNoAuthenticationDataWithoutAPassword) {
  const Advertisement reading{
      Version::v2,    Vrid{51}, Priority{240}, seconds(1), {address("10.51.0.120")},
      AuthType::none, {}};
  EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(kV2, 15, 'x'))), Result(Decoded{reading}));
  Advertisement forgotten = reading;
  forgotten.auth = make_auth_pass("leftover");
  EXPECT_EQ(encode(forgotten, kSource, kPeer), kV2);
}

TEST(Advertisement, MayHaveAChecksumWithoutPseudoHeaderInV3OverIpv4Only) {
  const Advertisement reading{
      Version::v3,    Vrid{51}, Priority{250}, seconds(1), {address("10.51.0.120")},
      AuthType::none, {}};
  EXPECT_EQ(decode_ipv4(kV3), Result(Decoded{reading, ChecksumForm::message_only}));
  EXPECT_EQ(encode(reading, kSource, kPeer, ChecksumForm::message_only), kV3);

  Advertisement over_ipv6 = reading;
  over_ipv6.addresses = {address("fe80::120")};
  const Bytes sent = encode(over_ipv6, kSource6, kGroup6, ChecksumForm::message_only);
  EXPECT_EQ(sent, encode(over_ipv6, kSource6, kGroup6, ChecksumForm::pseudo_header));
  EXPECT_EQ(decode(with_message_checksum(sent), kSource6, kGroup6),
            Result(DecodeError::bad_checksum));
}

TEST(Advertisement, HasNoPseudoHeaderInV2) {
  const auto pseudo = bytes_of("0a33 0001 0a33 0002 0070 0014");
  Bytes message = with_byte(with_byte(kV2, 6, 0), 7, 0);
  const auto checksum = checksum_finish(checksum_add(checksum_add(0, pseudo), message));
  message[6] = static_cast<std::uint8_t>(checksum >> 8U);
  message[7] = static_cast<std::uint8_t>(checksum & 0xffU);
  EXPECT_EQ(decode_ipv4(message), Result(DecodeError::bad_checksum));
}

TEST(Advertisement, IsRefusedByTheNameOfItsFault) {
  const auto refused = [](DecodeError error) { return Result(error); };
  for (const std::uint8_t version : Bytes{0x01, 0x11, 0x41, 0xf1}) {
    EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(kV3, 0, version))),
              refused(DecodeError::bad_version));
  }
  for (const std::uint8_t type : Bytes{0x30, 0x32, 0x3f}) {
    EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(kV3, 0, type))),
              refused(DecodeError::bad_type));
  }
  for (const std::uint8_t auth_type : Bytes{2, 3, 255}) {
    EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(kV2, 4, auth_type))),
              refused(DecodeError::bad_auth_type));
  }
  EXPECT_EQ(decode_ipv4(with_byte(kV3, 7, static_cast<std::uint8_t>(kV3[7] + 1))),
            refused(DecodeError::bad_checksum));
  EXPECT_EQ(decode_ipv4(with_message_checksum(resized(with_byte(kV3, 3, 0), 8))),
            refused(DecodeError::no_address));
  EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(kV3, 5, 0))),
            refused(DecodeError::bad_interval));
  EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(with_byte(kV3, 5, 0), 4, 0xf0))),
            refused(DecodeError::bad_interval))
      << "reserved bits are no interval";
  EXPECT_EQ(decode_ipv4(with_message_checksum(with_byte(kV2, 5, 0))),
            refused(DecodeError::bad_interval));
}

TEST(Advertisement, OfV2IsNotSpokenOverIpv6) {
  EXPECT_EQ(decode(kV2, kSource6, kGroup6), Result(DecodeError::bad_version));
}

// A message with every fault, mended one by one in the order of the checks.
TEST(Advertisement, IsRefusedByItsFirstFault) {
  Bytes message = bytes_of("7f33 f000 0200 0000 0000");
  const auto refusal = [&message] { return std::get<DecodeError>(decode_ipv4(message)); };
  EXPECT_EQ(refusal(), DecodeError::bad_version);
  message[0] = 0x2f;
  EXPECT_EQ(refusal(), DecodeError::bad_type);
  message[0] = 0x21;
  EXPECT_EQ(refusal(), DecodeError::too_short);
  message.resize(17);
  EXPECT_EQ(refusal(), DecodeError::too_long);
  message.resize(16);
  EXPECT_EQ(refusal(), DecodeError::bad_auth_type);
  message[4] = 1;
  EXPECT_EQ(refusal(), DecodeError::bad_checksum);
  message = with_message_checksum(message);
  EXPECT_EQ(refusal(), DecodeError::no_address);
  message[3] = 1;
  message.resize(20);
  message = with_message_checksum(message);
  EXPECT_EQ(refusal(), DecodeError::bad_interval);
  message[5] = 1;
  message = with_message_checksum(message);
  EXPECT_TRUE(std::holds_alternative<Decoded>(decode_ipv4(message)));
}

// Arbitrary bytes, most with a header that leads deep into the parser: whatever is read can be sent
// and is then read as the same.
TEST(Advertisement, ReadFromArbitraryBytesCanBeSentAgain) {
  std::mt19937 random(9568);
  const auto byte = [&random] { return static_cast<std::uint8_t>(random() & 0xffU); };
  std::size_t read = 0;
  for (int round = 0; round < 50000; ++round) {
    Bytes message(random() % 40U);
    for (auto& value : message) value = byte();
    if (message.size() >= 8 && round % 8 != 0) {
      message[0] = round % 2 == 0 ? 0x21 : 0x31;
      message[3] = static_cast<std::uint8_t>((message.size() - (round % 2 == 0 ? 16 : 8)) / 4);
      if (round % 2 == 0) message[4] &= 1U;
      message = with_message_checksum(message);
    }
    const Result result = decode_ipv4(message);
    if (const auto* decoded = std::get_if<Decoded>(&result)) {
      ++read;
      const auto form = decoded->checksum_form;
      ASSERT_EQ(decode_ipv4(encode(decoded->advertisement, kSource, kPeer, form)), result);
    }
  }
  EXPECT_GT(read, 1000U);
}

TEST(AuthPass, IsCutAndPaddedToEightBytes) {
  EXPECT_EQ(make_auth_pass(""), AuthPass{});
  EXPECT_EQ(make_auth_pass("abc"), (AuthPass{'a', 'b', 'c', 0, 0, 0, 0, 0}));
  EXPECT_EQ(make_auth_pass("12345678"), (AuthPass{'1', '2', '3', '4', '5', '6', '7', '8'}));
  EXPECT_EQ(make_auth_pass("123456789"), make_auth_pass("12345678"));
}

TEST(AuthPass, IsNotPrinted) {
  const Advertisement advertisement = captures().front().reading;
  EXPECT_EQ(printed(advertisement),
            "v2 vrid 51 priority 250 interval 1000 ms addresses 10.51.0.120 10.51.0.121 with "
            "password");
  EXPECT_THAT(printed(Decoded{advertisement}), Not(HasSubstr("s3cret")));
}

TEST(DecodeError, HasAShortWordForEach) {
  std::set<std::string> words;
  for (int error = 0; error <= static_cast<int>(DecodeError::bad_interval); ++error) {
    words.insert(printed(static_cast<DecodeError>(error)));
  }
  EXPECT_EQ(words,
            (std::set<std::string>{"too_short", "bad_version", "bad_type", "too_long",
                                   "bad_auth_type", "bad_checksum", "no_address", "bad_interval"}));
}

Result decode(const Capture& capture, const Bytes& message) {
  return decode(message, address(capture.source), address(capture.destination));
}

Result decode_ipv4(const Bytes& message) {
  return decode(message, kSource, kPeer);
}

Bytes with_byte(Bytes message, std::size_t at, std::uint8_t value) {
  message.at(at) = value;
  return message;
}

Bytes with_message_checksum(Bytes message) {
  message.at(6) = message.at(7) = 0;
  const auto checksum = checksum_finish(checksum_add(0, message));
  message[6] = static_cast<std::uint8_t>(checksum >> 8U);
  message[7] = static_cast<std::uint8_t>(checksum & 0xffU);
  return message;
}

Bytes resized(Bytes message, std::size_t size) {
  message.resize(size);
  message.shrink_to_fit();
  return message;
}

std::string printed(const auto& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

}  // namespace
}  // namespace vrrp
