// The HTTP door: what gets an answer, what gets refused, and what must not harm it.
#include "agent/io/http_door.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <new>
#include <vector>

namespace agent::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

class Http : public testing::Test {
 protected:
  void open(const HttpLimits& limits = {}) {
    door_ = std::make_unique<HttpDoor>(
        loop_.get_executor(),
        [this](const std::string& path, const HttpDoor::Reply& reply) {
          if (path == "/later") return late_.push_back(reply);
          if (path == "/much") throw std::bad_alloc();
          reply({200, "you asked for " + path + "\n"});
        },
        limits);
    ASSERT_EQ(door_->listen("127.0.0.1", 0), std::nullopt);
  }
  tcp::socket client(const std::string& from = "127.0.0.1") {
    tcp::socket socket(loop_, tcp::endpoint(asio::ip::make_address(from), 0));
    socket.connect({asio::ip::address_v4::loopback(), door_->port()});
    return socket;
  }
  template <typename Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      loop_.restart();
      loop_.run_one_for(20ms);
    }
    return condition();
  }
  std::string answer_to(tcp::socket& socket) {
    std::string answer;
    bool ended = false;
    asio::async_read(socket, asio::dynamic_buffer(answer),
                     [&](const boost::system::error_code&, std::size_t) { ended = true; });
    EXPECT_TRUE(until([&] { return ended; })) << "the door keeps a client waiting";
    return answer;
  }
  std::string ask(const std::string& request, const std::string& from = "127.0.0.1") {
    auto socket = client(from);
    boost::system::error_code ignored;  // the door may hang up in the middle of garbage
    asio::write(socket, asio::buffer(request), ignored);
    return answer_to(socket);
  }
  // Clients whose requests are with the handler.
  std::vector<tcp::socket> waiting(std::size_t count, const std::string& from = "127.0.0.1") {
    std::vector<tcp::socket> out;
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(client(from));
      asio::write(out.back(), asio::buffer(std::string("GET /later HTTP/1.1\r\n\r\n")));
      EXPECT_TRUE(until([&] { return late_.size() == i + 1; })) << "client " << i;
    }
    return out;
  }
  static std::string first_line(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n"));
  }

  asio::io_context loop_;
  std::unique_ptr<HttpDoor> door_;
  std::vector<HttpDoor::Reply> late_;
};

TEST_F(Http, AnswersGetAndSaysWhatABrowserMayDo) {
  open();
  const std::string answer = ask("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(first_line(answer), "HTTP/1.1 200 OK");
  EXPECT_TRUE(answer.ends_with("\r\n\r\nyou asked for /metrics\n")) << answer;
  EXPECT_NE(answer.find("Content-Security-Policy: default-src 'none'\r\n"), std::string::npos);
  EXPECT_NE(answer.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
  EXPECT_NE(answer.find("Content-Length: 23\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(Http, AnswersHeadWithoutABodyAndOldClients) {
  open();
  const std::string head = ask("HEAD / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 16\r\n"), std::string::npos) << head;
  EXPECT_TRUE(ask("GET / HTTP/1.0\r\n\r\n").ends_with("you asked for /\n"));
}

TEST_F(Http, RefusesOtherMethodsAndDoesNotReadTheirBodies) {
  open();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::string answer =
        ask(std::string(method) + " / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(first_line(answer), "HTTP/1.1 405 Method Not Allowed") << method;
    EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos);
  }
}

TEST_F(Http, RefusesWhatIsNoRequest) {
  open();
  const std::string bad = "HTTP/1.1 400 Bad Request";
  EXPECT_EQ(first_line(ask("hello\r\n\r\n")), bad);
  EXPECT_EQ(first_line(ask("GET / HTTP/9.9\r\n\r\n")), bad);
  EXPECT_EQ(first_line(ask("GET nowhere HTTP/1.1\r\n\r\n")), bad);
  EXPECT_EQ(first_line(ask(std::string("\0\xff\x16\x03\x01\r\n\r\n", 9))), bad);
  EXPECT_EQ(first_line(ask("GET / HTTP/1.1\r\nno colon\r\n\r\n")), bad);
  const std::string too_large = "HTTP/1.1 431 Request Header Fields Too Large";
  EXPECT_EQ(first_line(ask("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\n\r\n")), too_large);
  EXPECT_EQ(first_line(ask("GET / HTTP/1.1\r\nA: " + std::string(100000, 'x') + "\r\n\r\n")),
            too_large);
}

TEST_F(Http, HangsUpOnWhoIsSlow) {
  open({.patience = 100ms});
  auto silent = client();
  auto slow = client();
  asio::write(slow, asio::buffer(std::string("GET / HT")));
  EXPECT_EQ(answer_to(silent), "");
  EXPECT_EQ(answer_to(slow), "");
}

TEST_F(Http, HangsUpOnWhoDoesNotTakeItsAnswer) {
  constexpr std::size_t kMuch = 64UL << 20U;
  open({.taking = 100ms});
  auto socket = std::move(waiting(1).front());
  late_.front()({200, std::string(kMuch, 'x')});
  late_.clear();
  // Due later than the door's patience, by the same loop.
  asio::steady_timer timer(loop_, 400ms);
  bool over = false;
  timer.async_wait([&](const boost::system::error_code&) { over = true; });
  ASSERT_TRUE(until([&] { return over; }));
  EXPECT_LT(answer_to(socket).size(), kMuch) << "it was served all the same";
}

// The files that this process and the door together need are more than the usual limit.
TEST_F(Http, GoesOnBesideAThousandClientsThatSayNothing) {
  struct rlimit limit {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  open({.patience = 60s});
  std::vector<tcp::socket> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(client());
    loop_.restart();
    loop_.poll();
  }
  EXPECT_EQ(first_line(ask("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(Http, ThoseWhoWaitForTheirAnswerKeepTheirPlaces) {
  open({.clients = 3});
  auto clients = waiting(3);
  EXPECT_EQ(ask("GET / HTTP/1.1\r\n\r\n"), "") << "there is no place";
  for (const auto& reply : late_) reply({200, "done\n"});
  for (auto& socket : clients) EXPECT_TRUE(answer_to(socket).ends_with("done\n"));
  clients.clear();
  EXPECT_EQ(first_line(ask("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(Http, ThoseWhoHaveTheirAnswerAndStayMakeRoom) {
  open({.clients = 3});
  std::vector<tcp::socket> staying;
  for (int i = 0; i < 9; ++i) {
    staying.push_back(client());
    asio::write(staying.back(), asio::buffer(std::string("GET / HTTP/1.1\r\n\r\n")));
    ASSERT_TRUE(until([&] { return staying.back().available() > 0; })) << "client " << i;
  }
}

TEST_F(Http, ThoseWhoDoNotTakeTheirAnswerMakeRoom) {
  open({.clients = 3});
  const auto slow = waiting(3);
  for (const auto& reply : late_) reply({200, std::string(64UL << 20U, 'x')});
  late_.clear();
  EXPECT_EQ(first_line(ask("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(Http, OneAddressCannotTakeAllPlaces) {
  open({.clients = 6, .of_one_address = 2});
  auto clients = waiting(2, "127.0.0.2");
  EXPECT_EQ(ask("GET / HTTP/1.1\r\n\r\n", "127.0.0.2"), "") << "it has all that it may have";
  EXPECT_EQ(first_line(ask("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 200 OK");
  for (const auto& reply : late_) reply({200, "done\n"});
  for (auto& socket : clients) EXPECT_TRUE(answer_to(socket).ends_with("done\n"));
}

TEST_F(Http, AnAnswerForNobodyGoesNowhere) {
  open();
  auto socket = std::move(waiting(1).front());
  door_.reset();
  late_.front()({200, "too late\n"});
  late_.front()({200, "twice\n"});
  late_.clear();
  EXPECT_EQ(answer_to(socket), "");
}

TEST_F(Http, AnAnswerForWhichThereIsNoMemoryCostsOnlyItsClient) {
  open();
  EXPECT_EQ(ask("GET /much HTTP/1.1\r\n\r\n"), "");
  EXPECT_EQ(first_line(ask("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(Http, SaysWhyItCannotListen) {
  open();
  HttpDoor second(loop_.get_executor(), [](const auto&, const auto&) {});
  EXPECT_EQ(second.listen("127.0.0.1", door_->port()), "Address already in use");
  EXPECT_NE(second.listen("203.0.113.7", 9112), std::nullopt);
  const auto port = door_->port();
  door_.reset();
  EXPECT_EQ(second.listen("127.0.0.1", port), std::nullopt) << "it may be tried again";
}

}  // namespace
}  // namespace agent::io
