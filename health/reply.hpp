// A reply of a Redis server as a value (RESP2), and what kind of answer it is to a PING
// (the table in ARCHITECTURE.md, "What a reply means").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace health {

struct Reply {
  enum class Type : std::uint8_t { status, error, integer, bulk, array, nil };
  Type type = Type::nil;
  std::string text;  // status, error (without the leading '-'), bulk
  std::int64_t integer = 0;
  std::vector<Reply> elements;  // array

  static Reply status(std::string text);
  static Reply error(std::string text);
  static Reply bulk(std::string text);

  bool is_ok() const { return type == Type::status && text == "OK"; }
  bool is_error() const { return type == Type::error; }
  // First word of an error: "LOADING", "NOAUTH", "ERR". Valkey reworded the rest.
  std::string_view error_code() const;
  bool operator==(const Reply&) const = default;
};

enum class ReplyKind : std::uint8_t {
  pong,
  loading,          // -LOADING: reads its data set, INFO works
  busy,             // -BUSY: a script runs longer than busy-reply-threshold
  master_down,      // -MASTERDOWN: replica without link and replica-serve-stale-data no
  misconf,          // -MISCONF: cannot save, refuses writes
  bad_credentials,  // -NOAUTH, -WRONGPASS, -NOPERM, or -ERR of an AUTH: ours to mend
  max_clients,      // -ERR max number of clients reached
  protected_mode,   // -DENIED
  other_error,      // any other error: alive, but strange
  not_redis,        // a reply that no Redis gives to PING
};
std::string_view to_string(ReplyKind kind);

// The kind of a reply to PING, or to the AUTH that precedes it.
ReplyKind classify(const Reply& reply);

}  // namespace health
