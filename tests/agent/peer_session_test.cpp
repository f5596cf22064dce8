// One connection of the peer link without its socket: who may speak to whom, and for how long.
#include "agent/peer_session.hpp"

#include <gtest/gtest.h>

#include "agent/peer_settings.hpp"
#include "config_fixture.hpp"

namespace agent {
namespace {

using namespace std::chrono_literals;
using Side = PeerSession::Side;

constexpr const char* kAgentA = "10.0.0.1:7112";
constexpr const char* kAgentB = "10.0.0.2:7112";

PeerHello hello_of(const std::string& node, const std::string& listen) {
  return {.node = node,
          .run = "run of " + node,
          .software = "0.1.0",
          .versions = {1},
          .listen = listen,
          .pairs = {{"redis", node == "a" ? 250 : 240, {{"vips", "10.0.0.9/24"}}}}};
}

TimePoint at(Duration since_start) {
  return TimePoint{} + 1h + since_start;
}

// What came out, a word for each.
std::string words_of(const SessionEffects& effects) {
  std::string out;
  for (const auto& effect : effects) {
    out += out.empty() ? "" : ", ";
    if (const auto* sends = std::get_if<SessionSends>(&effect)) {
      static constexpr const char* kNames[] = {"hello",   "heartbeat", "state",
                                               "request", "answer",    "refusal"};
      out += std::string("sends ") + kNames[sends->message.index()];
    } else if (const auto* opened = std::get_if<SessionOpened>(&effect)) {
      out += "open with " + opened->hello.node;
    } else if (std::holds_alternative<SessionWantsStates>(effect)) {
      out += "states";
    } else if (std::holds_alternative<SessionHeard>(effect)) {
      out += "heard";
    } else {
      out += "ended: " + std::get<SessionEnded>(effect).why;
    }
  }
  return out;
}

FrameArrived frame(const PeerMessage& message) {
  return {encode_peer_message(message).value().substr(kPeerFrameHeader)};
}

// Node B takes a call of node A.
class Session : public testing::Test {
 protected:
  std::string step(Duration when, const SessionInput& input) {
    return words_of(listener_.step(at(when), input));
  }
  void open() {
    step(0ms, SessionBegins{});
    ASSERT_EQ(step(1ms, frame(hello_of("a", kAgentA))), kOpened);
  }

  const std::string kOpened = "sends hello, open with a, sends heartbeat, states";
  PeerSession listener_{
      Side::listener,
      {{"10.0.0.3:7112", hello_of("b", kAgentB)}, {kAgentA, hello_of("b", kAgentB)}},
      {.heartbeat = 100ms, .messages_per_second = 20}};
};

TEST_F(Session, TheCallerSpeaksFirstAndBothAreOpen) {
  PeerSession caller(Side::caller, {{kAgentB, hello_of("a", kAgentA)}}, {});
  EXPECT_EQ(words_of(caller.step(at(0ms), SessionBegins{})), "sends hello");
  EXPECT_EQ(step(0ms, SessionBegins{}), "");
  EXPECT_EQ(step(1ms, frame(hello_of("a", kAgentA))), kOpened);
  EXPECT_EQ(words_of(caller.step(at(2ms), frame(hello_of("b", kAgentB)))),
            "open with b, sends heartbeat, states");
  EXPECT_TRUE(caller.is_open() && listener_.is_open());
}

// A heartbeat vouches for the states, which come again only now and then.
TEST_F(Session, SpeaksWithEachHeartbeatAndGivesASilentOneUp) {
  open();
  EXPECT_EQ(listener_.next_deadline(), at(101ms));
  EXPECT_EQ(step(101ms, SessionTime{}), "sends heartbeat");
  EXPECT_EQ(step(500ms, SessionTime{}), "sends heartbeat");
  EXPECT_EQ(step(600ms, SessionTime{}), "sends heartbeat, states");
  EXPECT_EQ(step(1400ms, frame(PeerHeartbeat{})), "heard");
  EXPECT_EQ(step(1600ms, SessionTime{}), "sends heartbeat, states");
  EXPECT_EQ(step(2900ms, SessionTime{}), "ended: nothing was heard for 1500 ms");
  EXPECT_EQ(listener_.next_deadline(), std::nullopt);
  EXPECT_EQ(step(3s, frame(PeerHeartbeat{})), "");
}

TEST_F(Session, MeasuresTheRoundTripWithoutTheTimeThatTheEchoWasHeld) {
  open();
  EXPECT_EQ(listener_.round_trip(), std::nullopt);
  const auto sent = std::chrono::microseconds(1h + 1ms).count();
  step(101ms, frame(PeerHeartbeat{5, sent, 98000}));
  EXPECT_EQ(listener_.round_trip(), 2ms);
  // What cannot be is not believed.
  step(102ms, frame(PeerHeartbeat{6, sent, 5000000}));
  step(103ms, frame(PeerHeartbeat{7, -5, 0}));
  EXPECT_EQ(listener_.round_trip(), 2ms);
}

TEST_F(Session, HandsOnWordsRequestsAndAnswers) {
  open();
  EXPECT_EQ(step(2ms, frame(PeerState{1, PeerWord{}})), "heard");
  EXPECT_EQ(step(3ms, frame(PeerRequest{1, "redis", "switchover", {}})), "heard");
  EXPECT_EQ(step(4ms, frame(PeerAnswer{1, true, "done", {}})), "heard");
}

TEST_F(Session, WhoSaysNothingOrSpeaksOutOfTurnIsLeft) {
  step(0ms, SessionBegins{});
  EXPECT_EQ(step(1ms, frame(PeerHeartbeat{})),
            "sends refusal, ended: its message came out of turn");
  PeerSession silent(Side::listener, {{kAgentA, hello_of("b", kAgentB)}}, {});
  silent.step(at(0ms), SessionBegins{});
  EXPECT_EQ(silent.next_deadline(), at(1s));
  EXPECT_EQ(words_of(silent.step(at(1s), SessionTime{})),
            "ended: it did not introduce itself in time");
}

TEST_F(Session, ASecondHelloEndsIt) {
  open();
  EXPECT_EQ(step(2ms, frame(hello_of("a", kAgentA))),
            "sends refusal, ended: its message came out of turn");
}

TEST_F(Session, AFloodEndsIt) {
  open();
  std::string last;
  for (int i = 0; i < 20; ++i) last = step(3ms, frame(PeerHeartbeat{}));
  EXPECT_EQ(last, "sends refusal, ended: it sent more than 20 messages in a second");
}

TEST_F(Session, AnAgentOfNoPairHereIsRefused) {
  step(0ms, SessionBegins{});
  EXPECT_EQ(step(1ms, frame(hello_of("x", "10.0.0.7:7112"))),
            "sends refusal, ended: no pair here has the agent 10.0.0.7:7112 ([pair.peer] agent)");
}

TEST_F(Session, ARefusalIsHeardInAnyState) {
  step(0ms, SessionBegins{});
  EXPECT_EQ(step(1ms, frame(PeerRefusal{"the agents share no pair"})),
            "ended: the other side refuses: the agents share no pair");
}

std::string judged(const PeerHello& theirs) {
  const auto verdict = judge_hello(hello_of("a", kAgentA), theirs);
  const auto* version = std::get_if<int>(&verdict);
  return version ? "version " + std::to_string(*version) : std::get<std::string>(verdict);
}

TEST(PeerHelloTest, TheHighestCommonVersionIsSpoken) {
  PeerHello theirs = hello_of("b", kAgentB);
  theirs.versions = {3, 1, 2};
  EXPECT_EQ(judged(theirs), "version 1");
  theirs.versions = {2, 3};
  EXPECT_EQ(judged(theirs),
            "the agents speak different versions of the peer protocol: a 1, b 2, 3; install the "
            "same version of Tandem on both");
}

TEST(PeerHelloTest, ItselfAndStrangersAreRefused) {
  EXPECT_EQ(judged(hello_of("a", kAgentB)),
            "both agents are node a; give each its own name (agent.node)");
  PeerHello other = hello_of("b", kAgentB);
  other.pairs.front().name = "cache";
  EXPECT_EQ(judged(other), "the agents share no pair: a has redis, b has cache");
}

TEST(PeerSettings, NameWhatDiffersInWords) {
  const PeerPair here = peer_pair(load_pair(small_config()));
  PairConfig config = load_pair(small_config());
  EXPECT_EQ(disagreements(here, peer_pair(config)),
            std::vector<std::string>{"priority 100 on both; make them distinct"});
  config = load_pair(pair_with("vips = [\"192.168.1.121/24\", \"192.168.1.120/24\"]"));
  config.priority = vrrp::Priority{90};
  config.vrid = vrrp::Vrid{52};
  config.unicast_peers = {vrrp::IpAddress::v4({192, 168, 1, 113})};
  config.auth_key_file = "/etc/tandem/vrrp.keys";
  config.advert_interval = 1s;
  config.replicas = {{"192.168.1.114", 6379}};
  EXPECT_EQ(disagreements(here, peer_pair(config)),
            (std::vector<std::string>{"advert_interval here 100 ms, there 1000 ms",
                                      "authentication here none, there auth_key_file",
                                      "replicas here none, there 192.168.1.114:6379",
                                      "transport here multicast, there unicast",
                                      "vips here 192.168.1.120/24, there 192.168.1.120/24 "
                                      "192.168.1.121/24",
                                      "vrid here 51, there 52"}));
}

TEST(PeerSettings, OfAnotherVersionAreNoDisagreement) {
  PeerPair here{"redis", 250, {{"vips", "x"}, {"older", "1"}}};
  PeerPair there{"redis", 240, {{"vips", "x"}, {"newer", "2"}}};
  EXPECT_EQ(disagreements(here, there), std::vector<std::string>{});
}

}  // namespace
}  // namespace agent
