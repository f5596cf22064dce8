// Two ends of the peer link in one loop, over loopback addresses: who gets in, what passes, and
// what a broken or hostile other end does to it.
#include "agent/io/peer_links.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <sstream>

namespace agent::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

// Loopback addresses of this process alone: tests run side by side.
std::string address(int number) {
  const int own = getpid() % 60000;
  return "127." + std::to_string(1 + own / 250) + '.' + std::to_string(1 + own % 250) + '.' +
         std::to_string(number);
}

// The node at address `number`, whose pair's other node is at address `other`.
struct Node {
  Node(asio::io_context& loop, const std::string& name, int number, int other,
       std::uint8_t secret) {
    config.node = name;
    config.peer_link.host = address(number);
    config.peer_link.port = 17112;
    config.peer_link.key.fill(secret);
    PairConfig& pair = config.pairs.emplace_back();
    pair.name = "redis";
    pair.priority = vrrp::Priority{static_cast<std::uint8_t>(number)};
    pair.peer_agent_host = address(other);
    pair.peer_agent_port = 17112;
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(text, true);
    const auto log = std::make_shared<spdlog::logger>(name, sink);
    log->set_pattern("%v");
    links = std::make_unique<PeerLinks>(loop.get_executor(), config, "0.1.0", log);
    word.pair = "redis";
    word.state = name;
    links->subscribe("redis",
                     {.word = [this] { return word; },
                      .said = [this](const PeerWord& said) { heard = said.state; },
                      .vouched = [] {},
                      .link_changed = [this](bool is, const std::string&, bool) { up = is; },
                      .compared = [](const auto&) {}});
  }

  std::ostringstream text;
  Config config;
  PeerWord word;
  std::string heard;
  bool up = false;
  std::unique_ptr<PeerLinks> links;
};

class Links : public testing::Test {
 protected:
  template <typename Condition>
  bool until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop_.restart();
      loop_.run_one_for(20ms);
    }
    return true;
  }
  void start(std::uint8_t secret_of_b = 1) {
    a_ = std::make_unique<Node>(loop_, "a", 21, 22, 1);
    b_ = std::make_unique<Node>(loop_, "b", 22, 21, secret_of_b);
    a_->links->start();
    b_->links->start();
  }
  bool linked() {
    return until([&] { return a_->heard == "b" && b_->heard == "a"; });
  }
  // From the address that B's agent calls from.
  tcp::socket call() {
    tcp::socket socket(loop_, tcp::v4());
    socket.bind({asio::ip::make_address(address(22)), 0});
    socket.connect({asio::ip::make_address(address(21)), 17112});
    return socket;
  }

  asio::io_context loop_{1};
  std::unique_ptr<Node> a_;
  std::unique_ptr<Node> b_;
};

TEST_F(Links, CarryWordsAtOnceAndRequestsBothWays) {
  start();
  ASSERT_TRUE(linked());
  b_->word.state = "leaving";
  b_->links->say("redis");
  EXPECT_TRUE(until([&] { return a_->heard == "leaving"; }));

  b_->links->serve([](const PeerRequest& request, const PeerLinks::Answer& answer) {
    answer({.ok = true, .text = request.command, .result = request.arguments});
  });
  std::optional<PeerAnswer> got;
  a_->links->ask("redis", "switchover", {{"dry_run", true}}, 5s,
                 [&](const PeerAnswer& answer) { got = answer; });
  ASSERT_TRUE(until([&] { return got.has_value(); }));
  EXPECT_TRUE(got->ok);
  EXPECT_EQ(got->text, "switchover");
  EXPECT_EQ(got->result, (boost::json::object{{"dry_run", true}}));

  got.reset();
  b_->links->ask("redis", "switchover", {}, 5s, [&](const PeerAnswer& answer) { got = answer; });
  ASSERT_TRUE(until([&] { return got.has_value(); }));
  EXPECT_EQ(got->text, "this agent takes no requests");
}

TEST_F(Links, ARequestIsAnsweredOnceWhateverHappens) {
  start();
  ASSERT_TRUE(linked());
  b_->links->serve([](const PeerRequest&, const PeerLinks::Answer&) {});
  std::vector<std::string> answers;
  const auto keep = [&](const PeerAnswer& answer) { answers.push_back(answer.text); };
  a_->links->ask("redis", "switchover", {}, 50ms, keep);
  ASSERT_TRUE(until([&] { return answers.size() == 1; }));
  EXPECT_EQ(answers.back(), "the other node's agent did not answer in time");
  a_->links->ask("redis", "switchover", {}, 20s, keep);
  b_.reset();
  ASSERT_TRUE(until([&] { return answers.size() == 2 && !a_->up; }));
  EXPECT_TRUE(answers.back().starts_with("the peer link went down before the answer came: "));
  a_->links->ask("redis", "switchover", {}, 20s, keep);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(answers.back().starts_with("the peer link is down: "));
  a_->links->ask("cache", "switchover", {}, 20s, keep);
  EXPECT_EQ(answers.back(), "there is no peer link for pair cache");
}

TEST_F(Links, AnotherSecretIsNamedOnBothSides) {
  start(2);
  const std::string why = ":17112: the other side has another secret (secret_file)\n";
  EXPECT_TRUE(until([&] {
    return a_->text.str().find("peer link to " + address(22) + why) != std::string::npos &&
           b_->text.str().find("peer link to " + address(21) + why) != std::string::npos;
  }));
  EXPECT_FALSE(a_->up || b_->up);
  EXPECT_EQ(a_->links->status("redis").why, "the other side has another secret (secret_file)");
  EXPECT_EQ((a_->text.str() + b_->text.str()).find("TLS handshake"), std::string::npos);
}

// A TLS client without the secret: the handshake finds neither a key nor a certificate.
TEST_F(Links, NobodyGetsInWithoutTheSecret) {
  start();
  ASSERT_TRUE(linked());
  asio::ssl::context context(asio::ssl::context::tls_client);
  asio::ssl::stream<tcp::socket> stream(call(), context);
  std::optional<boost::system::error_code> result;
  stream.async_handshake(asio::ssl::stream_base::client,
                         [&](const boost::system::error_code& error) { result = error; });
  ASSERT_TRUE(until([&] { return result.has_value(); }));
  EXPECT_TRUE(*result);
  EXPECT_TRUE(a_->up);
}

TEST_F(Links, HalfHandshakesAreEndedAndTheOldestMakesRoom) {
  start();
  std::vector<tcp::socket> callers;
  for (int i = 0; i < 12; ++i) callers.push_back(call());
  EXPECT_TRUE(linked()) << "the other agent gets in beside callers that say nothing";
  for (tcp::socket& caller : callers) {
    char byte = 0;
    std::optional<boost::system::error_code> result;
    caller.async_read_some(asio::buffer(&byte, 1),
                           [&](const boost::system::error_code& error, auto) { result = error; });
    EXPECT_TRUE(until([&] { return result.has_value(); }));
    EXPECT_TRUE(result && *result);
  }
}

TEST_F(Links, MayEndInAnyState) {
  for (const auto time : {0ms, 1ms, 3ms, 10ms, 30ms}) {
    start();
    loop_.restart();
    loop_.run_for(time);
    a_.reset();
    loop_.restart();
    loop_.run_for(20ms);
    b_.reset();
    loop_.restart();
    loop_.run_for(1ms);
  }
}

}  // namespace
}  // namespace agent::io
