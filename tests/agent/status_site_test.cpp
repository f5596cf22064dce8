// What the status page answers when its text cannot be made. What it says otherwise is tried with
// whole agents.
#include "agent/io/status_site.hpp"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "tests/hooks/script_directory.hpp"

namespace agent::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

class Site : public testing::Test {
 protected:
  void SetUp() override {
    site_ = std::make_unique<StatusSite>(
        loop_.get_executor(),
        SiteSources{.names =
                        [] {
                          return std::vector<std::string>{"redis", "sessions"};
                        },
                    .status = [this](std::string_view) -> std::optional<PairStatus> {
                      if (memory_ == 0) throw std::bad_alloc();
                      --memory_;
                      return std::optional<PairStatus>(std::in_place);
                    },
                    .glance = [](std::string_view) { return std::nullopt; },
                    .about = [] { return AgentStatus{}; },
                    .events = &journal_},
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_mt>()));
    {
      tcp::acceptor chosen(loop_, {asio::ip::address_v4::loopback(), 0});
      port_ = chosen.local_endpoint().port();
    }
    site_->open({"127.0.0.1", port_});
  }
  std::string status_line(const std::string& path) {
    tcp::socket socket(loop_);
    socket.connect({asio::ip::address_v4::loopback(), port_});
    asio::write(socket, asio::buffer("GET " + path + " HTTP/1.0\r\n\r\n"));
    std::string answer;
    bool ended = false;
    asio::async_read(socket, asio::dynamic_buffer(answer),
                     [&](const boost::system::error_code&, std::size_t) { ended = true; });
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!ended && std::chrono::steady_clock::now() < deadline) {
      loop_.restart();
      loop_.run_one_for(20ms);
    }
    EXPECT_TRUE(ended) << "the site keeps a client waiting";
    return answer.substr(0, answer.find("\r\n"));
  }

  hooks::testing::ScriptDirectory directory_;
  EventJournal journal_{directory_.path(""), [](const std::string&) {}};
  asio::io_context loop_;
  std::unique_ptr<StatusSite> site_;
  std::uint16_t port_ = 0;
  int memory_ = 0;  // for so many pairs
};

TEST_F(Site, AsksToComeAgainWhenThereIsNoMemoryForItsText) {
  const std::string later = "HTTP/1.1 503 Service Unavailable";
  EXPECT_EQ(status_line("/status.json"), later);
  memory_ = 1;
  EXPECT_EQ(status_line("/metrics"), later);
  memory_ = 4;
  EXPECT_EQ(status_line("/status.json"), "HTTP/1.1 200 OK");
  EXPECT_EQ(status_line("/metrics"), "HTTP/1.1 200 OK");
}

}  // namespace
}  // namespace agent::io
