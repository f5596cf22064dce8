// What an RDB file says about itself, and whether it is whole: its header, its end and its
// checksum, checked while the bytes pass by. Never looks at a key and never holds the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "hooks/crc64.hpp"

namespace hooks {

// "REDIS0010", or "VALKEY080" of Valkey 9 and later.
struct RdbHeader {
  enum class Format : std::uint8_t { redis, valkey };
  Format format = Format::redis;
  int version = 0;
  std::string to_string() const;  // "RDB version 10", "Valkey RDB version 80"
  bool operator==(const RdbHeader&) const = default;
};
inline constexpr std::size_t kRdbHeaderBytes = 9;

// The header in the first kRdbHeaderBytes of `bytes`, or the sentence that says what they are.
std::variant<RdbHeader, std::string> read_rdb_header(std::string_view bytes);

// A whole RDB.
struct RdbFacts {
  RdbHeader header;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  // CRC-64 of all but the last eight bytes, computed
  bool checksummed = false;    // false: the server writes none (rdbchecksum no), only the end told
  bool operator==(const RdbFacts&) const = default;
};

// Takes an RDB in pieces of any size.
class RdbVerifier {
 public:
  void feed(std::string_view bytes);
  // As soon as it is known that this is no RDB: the sentence.
  const std::optional<std::string>& problem() const { return problem_; }
  // As soon as it has passed.
  const std::optional<RdbHeader>& header() const { return header_; }
  // After the last byte.
  std::variant<RdbFacts, std::string> finish() const;

 private:
  void judge_header(std::string_view bytes);

  std::string head_;  // until the header is whole
  std::string tail_;  // the last eight bytes
  Crc64 checksum_;    // of all before the tail
  char last_ = 0;     // the byte before the tail
  std::uint64_t bytes_ = 0;
  std::optional<RdbHeader> header_;
  std::optional<std::string> problem_;
};

// Whose files a server loads. `version` as in INFO server: redis_version, or valkey_version where
// there is one.
struct ServerVersion {
  enum class Kind : std::uint8_t { redis, valkey };
  Kind kind = Kind::redis;        // KeyDB counts as the Redis that it says it is
  std::string version;            // "7.0.15"
  std::string to_string() const;  // "Redis 7.0.15"
  bool operator==(const ServerVersion&) const = default;
};
// From the text of INFO server; nullopt when it names no version.
std::optional<ServerVersion> parse_server_version(std::string_view info);

// Why `server` cannot load such a file: a server that meets a newer version than it knows exits
// at its start. nullopt when it can. A release newer than this table is judged as the newest one
// in it: what it surely loads.
std::optional<std::string> refuse_to_load(const RdbHeader& header, const ServerVersion& server);

}  // namespace hooks
