// A piece of a replication stream, counted; cut, split and spoiled.
#include "hooks/command_stream.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace hooks {
namespace {

using Verdict = std::variant<StreamFacts, std::string>;

const std::string kPing = "*1\r\n$4\r\nPING\r\n";
const std::string kSelect = "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
const std::string kSet = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$7\r\nva\r\nlue\r\n";
const std::string kEmptyValue = "*3\r\n$3\r\nset\r\n$3\r\nkey\r\n$0\r\n\r\n";
const std::string kGetAck = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

Verdict read(std::string_view bytes, std::size_t piece = std::string::npos) {
  CommandStream stream;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    stream.feed(bytes.substr(0, piece));
  }
  return stream.finish();
}

StreamFacts facts(const std::string& bytes, std::uint64_t commands, bool selects) {
  Crc64 crc;
  crc.feed(bytes);
  return {bytes.size(), crc.value(), commands, selects};
}

TEST(CommandStream, CountsTheCommandsOfClients) {
  const std::string stream = kSelect + kSet + kPing + kEmptyValue + kGetAck;
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_EQ(read(stream, piece), Verdict(facts(stream, 2, true))) << piece;
  }
  EXPECT_EQ(read(kPing), Verdict(facts(kPing, 0, false)));
  EXPECT_EQ(read(""), Verdict(facts("", 0, false)));
  EXPECT_EQ(read(kSet + kSelect), Verdict(facts(kSet + kSelect, 1, false)));
}

TEST(CommandStream, KnowsAPieceThatEndsWithinACommand) {
  for (std::size_t length = 1; length < kSet.size(); ++length) {
    EXPECT_EQ(
        read(kSet.substr(0, length)),
        Verdict("it is cut off after " + std::to_string(length) + " bytes, within a command"));
  }
}

TEST(CommandStream, RefusesWhatIsNoStreamOfCommands) {
  for (const std::string& bytes :
       {std::string("+OK\r\n"), std::string("PING\r\n"), std::string("*0\r\n"),
        std::string("*-1\r\n"), std::string("*x\r\n"), std::string("*1\r\n:1\r\n"),
        std::string("*1\r\n$-1\r\n"), std::string("*1\r\n$2\r\nPING\r\n"), std::string(1000, '*'),
        std::string("*1\r\n$99999999999999999999\r\n")}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(read(bytes))) << bytes;
  }
}

TEST(CommandStream, AGiantLengthIsNotHeld) {
  CommandStream stream;
  stream.feed("*18446744073709551615\r\n$18446744073709551615\r\n");
  for (int i = 0; i < 1000; ++i) stream.feed(std::string(65536, 'x'));
  EXPECT_EQ(stream.problem(), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<std::string>(stream.finish()));
}

}  // namespace
}  // namespace hooks
