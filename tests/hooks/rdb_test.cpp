// RDB files as bytes: whole ones, cut at every place, with any bit turned, of other versions.
#include "hooks/rdb.hpp"

#include <gtest/gtest.h>

#include <ostream>

#include "tests/hooks/rdb_bytes.hpp"

namespace hooks {

void PrintTo(const RdbFacts& facts, std::ostream* out) {
  *out << facts.header.to_string() << ", " << facts.bytes << " bytes, " << to_hex(facts.checksum)
       << (facts.checksummed ? "" : ", no checksum");
}

namespace {

using testing::make_rdb;
using testing::without_checksum;
using Verdict = std::variant<RdbFacts, std::string>;

Verdict verify(std::string_view bytes, std::size_t piece = std::string::npos) {
  RdbVerifier verifier;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    verifier.feed(bytes.substr(0, piece));
  }
  return verifier.finish();
}

bool is_refused(const Verdict& verdict) {
  return std::holds_alternative<std::string>(verdict);
}

TEST(Crc64, IsThatOfRedis) {
  Crc64 crc;
  crc.feed("123456789");
  EXPECT_EQ(to_hex(crc.value()), "e9c6d914c4b8d9ca");
  Crc64 pieces;
  for (const std::string_view piece : {"1234567", "", "8", "9"}) pieces.feed(piece);
  EXPECT_EQ(pieces, crc);
}

TEST(RdbVerifier, AcceptsAWholeFileInPiecesOfAnySize) {
  const std::string rdb = make_rdb("a dataset of some length, with\xff inside");
  Crc64 crc;
  crc.feed(std::string_view(rdb).substr(0, rdb.size() - 8));
  const Verdict whole = RdbFacts{{RdbHeader::Format::redis, 10}, rdb.size(), crc.value(), true};
  for (std::size_t piece = 1; piece <= rdb.size(); ++piece) {
    EXPECT_EQ(verify(rdb, piece), whole) << piece;
  }
}

TEST(RdbVerifier, RefusesAFileThatIsCutAnywhere) {
  const std::string rdb = make_rdb("dataset");
  for (std::size_t length = 0; length < rdb.size(); ++length) {
    EXPECT_TRUE(is_refused(verify(rdb.substr(0, length)))) << length;
  }
}

TEST(RdbVerifier, RefusesAFileWithAnyBitTurned) {
  const std::string rdb = make_rdb("dataset");
  for (std::size_t bit = 0; bit < rdb.size() * 8; ++bit) {
    std::string damaged = rdb;
    const auto byte = static_cast<unsigned char>(damaged[bit / 8]);
    damaged[bit / 8] = static_cast<char>(byte ^ (1U << (bit % 8)));
    EXPECT_TRUE(is_refused(verify(damaged))) << bit;
  }
}

TEST(RdbVerifier, RefusesWhatFollowsTheEnd) {
  EXPECT_TRUE(is_refused(verify(make_rdb("dataset") + "garbage")));
  EXPECT_TRUE(is_refused(verify(make_rdb("dataset") + '\0')));
}

TEST(RdbVerifier, AcceptsAFileWithoutChecksumAndSaysSo) {
  const Verdict verdict = verify(without_checksum(make_rdb("dataset")));
  ASSERT_FALSE(is_refused(verdict));
  EXPECT_FALSE(std::get<RdbFacts>(verdict).checksummed);
}

TEST(RdbVerifier, SaysWhatIsWrong) {
  std::string wrong = make_rdb("dataset");
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  const std::string at_end = "18 bytes it does not end with the RDB's end mark and checksum";
  EXPECT_EQ(verify(""), Verdict("it is empty: no RDB was written"));
  EXPECT_EQ(verify("REDIS0010\xff"),
            Verdict("it is cut off after 10 bytes, within its header or end"));
  EXPECT_EQ(verify("REDIS0010.12345678"), Verdict("it is damaged or cut off: after " + at_end));
  EXPECT_EQ(verify("-ERR no\r\n"),
            Verdict("it is not an RDB file: it begins with \"-ERR no\?\?\""));
  EXPECT_EQ(verify("REDIS0004\xff"),
            Verdict("it is of RDB version 4, which has no checksum; the oldest accepted is 5"));
  EXPECT_TRUE(std::get<std::string>(verify(wrong)).starts_with("it is damaged: its checksum is "));
}

TEST(RdbVerifier, KnowsTheHeaderAndARefusalWithTheNinthByte) {
  RdbVerifier good;
  good.feed("REDIS001");
  EXPECT_EQ(good.header(), std::nullopt);
  good.feed("1");
  EXPECT_EQ(good.header(), (RdbHeader{RdbHeader::Format::redis, 11}));
  RdbVerifier bad;
  bad.feed("HTTP/1.1 ");
  EXPECT_NE(bad.problem(), std::nullopt);
}

TEST(RdbHeader, ReadsTheFormatsOfRedisAndValkey) {
  using Header = std::variant<RdbHeader, std::string>;
  EXPECT_EQ(read_rdb_header("VALKEY080..."), Header(RdbHeader{RdbHeader::Format::valkey, 80}));
  EXPECT_EQ(read_rdb_header("REDIS0012"), Header(RdbHeader{RdbHeader::Format::redis, 12}));
  for (const std::string_view bytes :
       {"", "REDIS", "REDIS00x1", "REDIS-001", "REDIS0000", "redis0010", "VALKEY08x"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(read_rdb_header(bytes))) << bytes;
  }
}

struct Pairing {
  ServerVersion server;
  int newest;  // of the Redis format
};

TEST(RefuseToLoad, KnowsTheNewestVersionOfEachRelease) {
  using Kind = ServerVersion::Kind;
  const std::vector<Pairing> pairings = {
      {{Kind::redis, "5.0.14"}, 9},  {{Kind::redis, "6.2.7"}, 9},   {{Kind::redis, "6.3.4"}, 9},
      {{Kind::redis, "7.0.15"}, 10}, {{Kind::redis, "7.2.0"}, 11},  {{Kind::redis, "7.4-rc1"}, 12},
      {{Kind::redis, "8.0.2"}, 12},  {{Kind::redis, "8.6.0"}, 13},  {{Kind::redis, "12.0.0"}, 13},
      {{Kind::valkey, "7.2.5"}, 11}, {{Kind::valkey, "8.1.0"}, 11}, {{Kind::valkey, "9.0.0"}, 11}};
  for (const auto& [server, newest] : pairings) {
    const RdbHeader known{RdbHeader::Format::redis, newest};
    const RdbHeader newer{RdbHeader::Format::redis, newest + 1};
    EXPECT_EQ(refuse_to_load(known, server), std::nullopt) << server.to_string();
    EXPECT_EQ(refuse_to_load(newer, server), server.to_string() + " cannot load " +
                                                 newer.to_string() + ", only up to version " +
                                                 std::to_string(newest));
  }
}

TEST(RefuseToLoad, OnlyValkeyNineLoadsItsOwnFormat) {
  using Kind = ServerVersion::Kind;
  const RdbHeader own{RdbHeader::Format::valkey, 80};
  EXPECT_EQ(refuse_to_load(own, {Kind::valkey, "9.0.1"}), std::nullopt);
  EXPECT_EQ(refuse_to_load(own, {Kind::valkey, "8.1.0"}),
            "Valkey 8.1.0 cannot load Valkey RDB version 80");
  EXPECT_EQ(refuse_to_load(own, {Kind::redis, "8.0.0"}),
            "Redis 8.0.0 cannot load Valkey RDB version 80");
}

TEST(RefuseToLoad, RefusesWhatItCannotJudge) {
  for (const char* version : {"", "seven", "7", "7.", ".2", "255"}) {
    EXPECT_NE(refuse_to_load({}, {ServerVersion::Kind::redis, version}), std::nullopt) << version;
  }
}

TEST(ServerVersion, IsReadFromInfo) {
  using Kind = ServerVersion::Kind;
  EXPECT_EQ(parse_server_version("# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:0\r\n"),
            (ServerVersion{Kind::redis, "7.0.15"}));
  EXPECT_EQ(parse_server_version("redis_version:7.2.4\r\nserver_name:valkey\r\n"
                                 "valkey_version:8.0.1\r\n"),
            (ServerVersion{Kind::valkey, "8.0.1"}));
  EXPECT_EQ(parse_server_version("# Server\r\nnot_redis_version:1\r\n"), std::nullopt);
}

}  // namespace
}  // namespace hooks
