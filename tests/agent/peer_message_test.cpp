// The messages of the peer link: what is sent arrives as it was, and nothing else is believed.
#include "agent/peer_message.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>

namespace agent {
namespace {

PeerWord word() {
  PeerWord word;
  word.pair = "redis";
  word.state = "leading";
  word.epoch = 7;
  word.record = Record{7, RecordRole::leader, true, true, "run1", "aaa", 1234567890123};
  word.health = "up";
  word.role = "master";
  word.replid = "aaa";
  word.offset = 1234567890124;
  word.priority = 250;
  word.configured = 240;
  word.may_lead = true;
  word.why = "the local server is the master";
  word.alarms = 2;
  word.by_operator = true;
  word.claims = word.drained = true;
  word.unfit = "the local server is being synchronised";
  return word;
}

std::vector<PeerMessage> one_of_each() {
  const PeerHello hello{.node = "server11",
                        .run = "0123456789abcdef",
                        .software = "0.1.0",
                        .versions = {1, 2},
                        .listen = "192.168.1.112:7112",
                        .pairs = {{"redis", 250, {{"vips", "192.168.1.120/24"}, {"vrid", "51"}}}}};
  PeerWord without_record = word();
  without_record.record.reset();
  return {hello,
          PeerHeartbeat{1000, 2000, 30},
          PeerState{1, word()},
          PeerState{2, without_record},
          PeerRequest{3, "redis", "switchover", {{"dry_run", true}}},
          PeerAnswer{3, true, "done", {{"epoch", 8}}},
          PeerRefusal{"the agents share no pair"}};
}

std::string text_of(const PeerMessage& message) {
  return encode_peer_message(message).value().substr(kPeerFrameHeader);
}

// The clause about a text that is no message.
std::string problem_of(const std::string& text) {
  const auto parsed = parse_peer_message(text);
  const auto* problem = std::get_if<std::string>(&parsed);
  return problem == nullptr ? "none" : *problem;
}

// `message` with one field replaced.
std::string with(const PeerMessage& message, const std::string& key,
                 const boost::json::value& value) {
  auto object = boost::json::parse(text_of(message)).as_object();
  object[key] = value;
  return boost::json::serialize(object);
}

TEST(PeerMessage, ArrivesAsItWasSent) {
  for (const PeerMessage& message : one_of_each()) {
    const std::string frame = encode_peer_message(message).value();
    ASSERT_EQ(peer_frame_length(frame.substr(0, kPeerFrameHeader)),
              frame.size() - kPeerFrameHeader);
    const auto parsed = parse_peer_message(frame.substr(kPeerFrameHeader));
    ASSERT_TRUE(std::holds_alternative<PeerMessage>(parsed)) << std::get<std::string>(parsed);
    EXPECT_TRUE(std::get<PeerMessage>(parsed) == message) << frame.substr(kPeerFrameHeader);
  }
}

TEST(PeerMessage, CutAnywhereIsNoMessage) {
  for (const PeerMessage& message : one_of_each()) {
    const std::string text = text_of(message);
    for (std::size_t size = 0; size < text.size(); ++size) {
      EXPECT_EQ(problem_of(text.substr(0, size)), "it is no JSON object") << size;
    }
  }
}

TEST(PeerMessage, WithoutAnyOfItsFieldsIsNoMessage) {
  for (const PeerMessage& message : one_of_each()) {
    const auto whole = boost::json::parse(text_of(message)).as_object();
    const bool any_version =
        std::holds_alternative<PeerHello>(message) || std::holds_alternative<PeerRefusal>(message);
    for (const auto& field : whole) {
      if (field.key() == "v" && any_version) continue;
      auto cut = whole;
      cut.erase(field.key());
      EXPECT_EQ(problem_of(boost::json::serialize(cut)),
                "its field " + std::string(field.key()) + " is missing or not usable");
      auto odd = whole;
      odd[field.key()] = boost::json::array{nullptr};
      EXPECT_NE(problem_of(boost::json::serialize(odd)), "none") << field.key();
    }
  }
}

TEST(PeerMessage, GarbageIsAnsweredWithAClause) {
  EXPECT_EQ(problem_of("[1]"), "it is no JSON object");
  EXPECT_EQ(problem_of(std::string("\0\xff\x16\x03\x01", 5)), "it is no JSON object");
  EXPECT_EQ(problem_of(std::string(60000, '[')), "it is no JSON object");
  EXPECT_EQ(problem_of(R"({"v":1,"type":"sing"})"), "its type is not known");
  EXPECT_EQ(problem_of(with(PeerState{1, word()}, "epoch", -1)),
            "its field epoch is missing or not usable");
  EXPECT_EQ(problem_of(with(PeerState{1, word()}, "priority", 1e300)),
            "its field priority is missing or not usable");
  EXPECT_EQ(problem_of(with(PeerState{1, word()}, "state", boost::json::string(5000, 'x'))),
            "its field state is missing or not usable");
}

// Whatever arrives is a message that can be sent again, or a clause of one line.
TEST(PeerMessage, SpoiledAtRandomIsAnsweredAndNeverCrashes) {
  const std::string bytes = "\"'[]{}:,.\\ \t\n019-eE\x80\xff";
  std::mt19937 random(7112);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    const auto messages = one_of_each();
    std::string text = text_of(messages[below(messages.size())]);
    for (std::size_t i = 1 + below(3); i > 0; --i) {
      const std::size_t at = below(text.size());
      if (below(2) == 0) text[at] = bytes[below(bytes.size())];
      if (below(3) == 0) text.erase(at, 1 + below(20));
      if (text.empty()) text = "{";
    }
    const auto parsed = parse_peer_message(text);
    if (const auto* problem = std::get_if<std::string>(&parsed)) {
      ++refused;
      ASSERT_EQ(problem->find('\n'), std::string::npos) << *problem;
    } else {
      ASSERT_TRUE(encode_peer_message(std::get<PeerMessage>(parsed))) << text;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(PeerMessage, OfAnotherVersionIsRefusedExceptWhatExplainsIt) {
  EXPECT_EQ(problem_of(with(PeerHeartbeat{1, 2, 3}, "v", 2)), "it is of version 2 of the protocol");
  EXPECT_EQ(problem_of(with(one_of_each().front(), "v", 2)), "none");
  EXPECT_EQ(problem_of(with(PeerRefusal{"no"}, "v", 2)), "none");
}

TEST(PeerMessage, FieldsOfLaterVersionsAreLeftAlone) {
  EXPECT_EQ(problem_of(with(PeerState{1, word()}, "witness", "third")), "none");
}

TEST(PeerMessage, TextsOfTheOtherSideCannotMoveACursor) {
  const auto parsed = parse_peer_message(with(PeerRefusal{""}, "why", "a\x1b[2Jb\nc"));
  EXPECT_EQ(std::get<PeerRefusal>(std::get<PeerMessage>(parsed)).why, "a?[2Jb?c");
}

// A server's own words are in `why`, and they need not be UTF-8.
TEST(PeerMessage, CarriesAnyBytesOfAServersWords) {
  PeerState state{1, word()};
  state.word.why = "\xff\xfe" + std::string(400, 'x');
  const auto parsed = parse_peer_message(text_of(state));
  ASSERT_TRUE(std::holds_alternative<PeerMessage>(parsed)) << std::get<std::string>(parsed);
  EXPECT_EQ(std::get<PeerState>(std::get<PeerMessage>(parsed)).word.why,
            state.word.why.substr(0, 300));
}

// As many virtual routers as one interface has, on four of them.
TEST(PeerMessage, AHostMayHaveAThousandPairs) {
  PeerHello hello{
      .node = "server11", .run = "1", .software = "1", .versions = {1}, .listen = "x", .pairs = {}};
  for (int i = 0; i < 1000; ++i) {
    std::string name = "pair";
    name += std::to_string(i);
    hello.pairs.push_back({name,
                           100,
                           {{"vips", "10.81.100.100/24"},
                            {"advert_interval", "100 ms"},
                            {"transport", "multicast"},
                            {"authentication", "none"},
                            {"mode", "available"},
                            {"failback", "manual"}}});
  }
  const auto parsed = parse_peer_message(text_of(hello));
  ASSERT_TRUE(std::holds_alternative<PeerMessage>(parsed)) << std::get<std::string>(parsed);
  EXPECT_EQ(std::get<PeerHello>(std::get<PeerMessage>(parsed)), hello);
}

TEST(PeerMessage, LargerThanAMessageMayBeIsNeitherSentNorRead) {
  boost::json::object large{{"text", std::string(kLargestPeerMessage, 'x')}};
  EXPECT_EQ(encode_peer_message(PeerRequest{1, "redis", "show", large}), std::nullopt);
  EXPECT_EQ(peer_frame_length(std::string("\0\x08\0\0", 4)), kLargestPeerMessage);
  EXPECT_EQ(peer_frame_length(std::string("\0\x08\0\1", 4)), std::nullopt);
  EXPECT_EQ(peer_frame_length(std::string("\xff\xff\xff\xff", 4)), std::nullopt);
  EXPECT_EQ(peer_frame_length(std::string("\0\0\0\0", 4)), std::nullopt);
  EXPECT_EQ(peer_frame_length("GET"), std::nullopt);
}

TEST(PeerMessage, TextsOfTheOtherSideFitIntoALineOfTheLog) {
  const auto parsed = parse_peer_message(R"({"type":"refusal","why":"a\tb\nc\u001b[31m"})");
  EXPECT_EQ(std::get<PeerRefusal>(std::get<PeerMessage>(parsed)).why, "a b?c?[31m");
}

TEST(PeerWordTest, SaysTheSameWhileOnlyOffsetsMove) {
  PeerWord moved = word();
  moved.offset += 100;
  moved.record->offset += 100;
  EXPECT_TRUE(says_the_same(word(), moved));
  moved.state = "leaving";
  EXPECT_FALSE(says_the_same(word(), moved));
}

}  // namespace
}  // namespace agent
