// A piece of the replication stream: RESP arrays of bulk strings, one after another. Counts the
// commands while their bytes pass by and tells whether the piece is whole. Holds no argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "hooks/crc64.hpp"

namespace hooks {

struct StreamFacts {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  // CRC-64 of all
  std::uint64_t commands = 0;  // of clients: not PING, SELECT and REPLCONF, which servers add
  // The stream begins with SELECT; otherwise the database of its first commands is not in it.
  bool selects = false;
  bool operator==(const StreamFacts&) const = default;
};

class CommandStream {
 public:
  void feed(std::string_view bytes);
  // As soon as it is known that this is no stream of commands.
  const std::optional<std::string>& problem() const { return problem_; }
  // After the last byte.
  std::variant<StreamFacts, std::string> finish() const;

 private:
  enum class Awaited : std::uint8_t { array, length, argument, line_end };

  void take_line(std::string_view& bytes);
  void take_argument(std::string_view& bytes);
  void end_of_line();
  void end_of_argument();
  void fail();

  Awaited awaited_ = Awaited::array;
  std::string line_;
  std::string name_;  // of the command, as far as it decides
  bool naming_ = false;
  std::uint64_t arguments_left_ = 0;
  std::uint64_t bytes_left_ = 0;
  StreamFacts facts_;
  std::uint64_t entries_ = 0;
  Crc64 checksum_;
  std::optional<std::string> problem_;
};

}  // namespace hooks
