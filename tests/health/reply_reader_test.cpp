// RESP from friendly and hostile servers, without a socket.
#include "health/io/reply_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/health/print.hpp"

namespace health::io {
namespace {

struct Outcome {
  std::vector<Reply> replies;
  std::string failure;
  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << testing::PrintToString(outcome.replies) << " failure \"" << outcome.failure << '"';
}

void drain(ReplyReader& reader, Outcome& outcome) {
  while (std::optional<Reply> reply = reader.next()) outcome.replies.push_back(std::move(*reply));
  outcome.failure = reader.failure();
}

Outcome read_whole(const std::string& bytes, std::size_t limit = 4096) {
  ReplyReader reader(limit);
  Outcome outcome;
  reader.feed(bytes);
  drain(reader, outcome);
  return outcome;
}

Outcome read_by_byte(const std::string& bytes, std::size_t limit = 4096) {
  ReplyReader reader(limit);
  Outcome outcome;
  for (const char byte : bytes) {
    reader.feed({&byte, 1});
    drain(reader, outcome);
  }
  return outcome;
}

Reply integer(std::int64_t value) {
  Reply reply;
  reply.type = Reply::Type::integer;
  reply.integer = value;
  return reply;
}

Reply array(std::vector<Reply> elements) {
  Reply reply;
  reply.type = Reply::Type::array;
  reply.elements = std::move(elements);
  return reply;
}

const std::string kEveryType =
    "+OK\r\n-ERR no\r\n:-7\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
    "*3\r\n$6\r\nmaster\r\n:187\r\n*2\r\n*1\r\n+a\r\n$-1\r\n+PONG\r\n";

Outcome every_type() {
  return {
      {Reply::status("OK"), Reply::error("ERR no"), integer(-7), Reply::bulk("a\r\nbc"),
       Reply::bulk(""), Reply{}, Reply{}, array({}),
       array({Reply::bulk("master"), integer(187), array({array({Reply::status("a")}), Reply{}})}),
       Reply::status("PONG")},
      ""};
}

TEST(ReplyReaderTest, EveryTypeInOnePiece) {
  EXPECT_EQ(read_whole(kEveryType), every_type());
}

TEST(ReplyReaderTest, EveryTypeByteByByte) {
  EXPECT_EQ(read_by_byte(kEveryType), every_type());
}

TEST(ReplyReaderTest, AReplyThatIsNotAllHereIsNoReply) {
  for (std::size_t size = 0; size < 12; ++size) {
    EXPECT_EQ(read_whole(std::string("$6\r\nmaster\r\n").substr(0, size)), Outcome{}) << size;
  }
}

TEST(ReplyReaderTest, GarbageIsAProtocolErrorAfterTheGoodReplies) {
  const Outcome http{{Reply::status("PONG")}, "protocol error: got \"H\" as reply type byte"};
  EXPECT_EQ(read_whole("+PONG\r\nHTTP/1.1 400 Bad Request\r\n"), http);
  EXPECT_EQ(read_by_byte("+PONG\r\nHTTP/1.1 400 Bad Request\r\n"), http);
  for (const char* bytes : {":12x\r\n", "$-2\r\n", "$abc\r\n", "*-2\r\n", "*4294967296\r\n", "\r\n",
                            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+deep\r\n"}) {
    const Outcome outcome = read_whole(bytes);
    EXPECT_TRUE(outcome.replies.empty()) << bytes;
    EXPECT_NE(outcome.failure, "") << bytes;
  }
}

TEST(ReplyReaderTest, AnAnnouncedSizeOverTheLimitNeedsNoFurtherByte) {
  const Outcome too_large{{}, "reply larger than 4096 bytes"};
  EXPECT_EQ(read_whole("$4294967296\r\n"), too_large);
  EXPECT_EQ(read_by_byte("$4294967296\r\n"), too_large);
  EXPECT_EQ(read_whole("$4097\r\n"), too_large);
  EXPECT_EQ(read_whole("$99999999999999999999\r\n").failure.empty(), false);
  EXPECT_EQ(read_whole("$" + std::string(100, '1')), too_large);
  EXPECT_EQ(read_whole("$4096\r\n"), Outcome{});
  EXPECT_EQ(read_whole("$4096\r\n" + std::string(4096, 'x') + "\r\n").replies.size(), 1U);
}

TEST(ReplyReaderTest, TheLimitIsForAReplyNotForTheConnection) {
  ReplyReader reader(1024);
  Outcome outcome;
  for (int reply = 0; reply < 100; ++reply) {
    reader.feed("$1000\r\n" + std::string(1000, 'x') + "\r\n");
    drain(reader, outcome);
  }
  EXPECT_EQ(outcome.replies.size(), 100U);
  EXPECT_EQ(outcome.failure, "");
}

TEST(ReplyReaderTest, ALineWithoutEndIsTooLarge) {
  const Outcome too_large{{}, "reply larger than 4096 bytes"};
  EXPECT_EQ(read_by_byte("+" + std::string(5000, 'x')), too_large);
  EXPECT_EQ(read_by_byte("*" + std::string(5000, '1')), too_large);
  EXPECT_EQ(read_whole("-" + std::string(100000, 'x'), 16UL * 1024 * 1024).failure,
            "reply larger than 65536 bytes");
}

TEST(ReplyReaderTest, ManyElementsAreBoundedByWhatTheyCostUs) {
  const Outcome too_large{{}, "reply larger than 4096 bytes"};
  std::string many = "*2000000000\r\n";
  EXPECT_EQ(read_whole(many), Outcome{}) << "announced elements cost nothing";
  for (int element = 0; element < 1000; ++element) many += ":1\r\n";
  EXPECT_EQ(read_whole(many), too_large);
  EXPECT_EQ(read_by_byte(many), too_large);
}

TEST(ReplyReaderTest, AfterAFailureNothingIsRead) {
  ReplyReader reader(4096);
  reader.feed("?\r\n");
  EXPECT_EQ(reader.next(), std::nullopt);
  const std::string failure = reader.failure();
  reader.feed("+PONG\r\n");
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.failure(), failure);
  EXPECT_NE(failure, "");
}

}  // namespace
}  // namespace health::io
