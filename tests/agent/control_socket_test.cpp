// The operators' door: what gets an answer, what gets refused, and what must not harm it.
#include "agent/io/control_socket.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

namespace agent::io {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Protocol = asio::local::stream_protocol;
using namespace std::chrono_literals;

class Door : public testing::Test {
 protected:
  Door() : path_("/tmp/tandem-door-" + std::to_string(::getpid()) + ".sock") { fs::remove(path_); }
  ~Door() override { fs::remove(path_); }

  static void echo(const boost::json::object& request, const ControlSocket::Reply& reply) {
    reply({{"heard", request}});
  }

  // What the door answers to raw bytes; "" when it only closes.
  std::string ask(const std::string& request) {
    Protocol::socket socket(loop_);
    socket.connect(Protocol::endpoint(path_));
    asio::write(socket, asio::buffer(request));
    std::string answer;
    bool ended = false;
    asio::async_read(socket, asio::dynamic_buffer(answer),
                     [&](const boost::system::error_code&, std::size_t) { ended = true; });
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!ended && std::chrono::steady_clock::now() < deadline) loop_.run_one_for(100ms);
    EXPECT_TRUE(ended) << "the door keeps a client waiting";
    return answer;
  }

  asio::io_context loop_;
  std::string path_;
  ControlSocket door_{loop_.get_executor(), echo};
};

TEST_F(Door, AnswersALineOfJson) {
  ASSERT_EQ(door_.listen(path_), std::nullopt);
  EXPECT_EQ(ask("{\"command\":\"status\"}\n"), "{\"heard\":{\"command\":\"status\"}}\n");
}

TEST_F(Door, RefusesWhatIsNoRequest) {
  ASSERT_EQ(door_.listen(path_), std::nullopt);
  const std::string refusal = "{\"error\":\"the request is not a JSON object\"}\n";
  EXPECT_EQ(ask("hello\n"), refusal);
  EXPECT_EQ(ask("[1]\n"), refusal);
  EXPECT_EQ(ask(std::string("\0\xff\n", 3)), refusal);
  EXPECT_EQ(ask(std::string(5000, 'x')), "{\"error\":\"the request is longer than 4096 bytes\"}\n");
}

// More than there are places, and more come while others ask.
TEST_F(Door, GoesOnBesideClientsThatSayNothing) {
  ASSERT_EQ(door_.listen(path_), std::nullopt);
  std::vector<Protocol::socket> idle;
  for (int i = 0; i < 300; ++i) {
    idle.emplace_back(loop_).connect(Protocol::endpoint(path_));
    if (i % 3 == 1) asio::write(idle.back(), asio::buffer(std::string("{\"command\":")));
    if (i % 3 == 2) loop_.poll();
    if (i % 50 != 49) continue;
    EXPECT_EQ(ask("{}\n"), "{\"heard\":{}}\n") << i;
  }
}

// A door whose answers the test gives.
class LateDoor : public testing::Test {
 protected:
  LateDoor() : path_("/tmp/tandem-late-" + std::to_string(::getpid()) + ".sock") {
    fs::remove(path_);
  }
  ~LateDoor() override { fs::remove(path_); }

  void open(std::chrono::milliseconds patience) {
    door_ = std::make_unique<ControlSocket>(
        loop_.get_executor(),
        [this](const boost::json::object&, const ControlSocket::Reply& reply) {
          replies_.push_back(reply);
        },
        patience);
    ASSERT_EQ(door_->listen(path_), std::nullopt);
  }
  // Connected, its request sent and with the handler.
  Protocol::socket asking() {
    Protocol::socket socket(loop_);
    socket.connect(Protocol::endpoint(path_));
    asio::write(socket, asio::buffer(std::string("{}\n")));
    const std::size_t before = replies_.size();
    EXPECT_TRUE(until([&] { return replies_.size() > before; }));
    return socket;
  }
  std::string answer_to(Protocol::socket& socket) {
    std::string answer;
    bool ended = false;
    asio::async_read(socket, asio::dynamic_buffer(answer),
                     [&](const boost::system::error_code&, std::size_t) { ended = true; });
    EXPECT_TRUE(until([&] { return ended; }));
    return answer;
  }
  template <typename Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      loop_.restart();
      loop_.run_one_for(20ms);
    }
    return condition();
  }

  asio::io_context loop_;
  std::string path_;
  std::vector<ControlSocket::Reply> replies_;
  std::unique_ptr<ControlSocket> door_;
};

TEST_F(LateDoor, AnswersLaterAndOnce) {
  open(10s);
  Protocol::socket first = asking();
  Protocol::socket second = asking();
  replies_.at(1)({{"number", 2}});
  replies_.at(0)({{"number", 1}});
  replies_.at(0)({{"number", 3}});
  EXPECT_EQ(answer_to(first), "{\"number\":1}\n");
  EXPECT_EQ(answer_to(second), "{\"number\":2}\n");
}

TEST_F(LateDoor, AnswersWhoHasOnlyEndedItsOwnSending) {
  open(10s);
  Protocol::socket client = asking();
  client.shutdown(Protocol::socket::shutdown_send);
  loop_.run_for(20ms);
  replies_.at(0)({{"number", 1}});
  EXPECT_EQ(answer_to(client), "{\"number\":1}\n");
}

TEST_F(LateDoor, SaysSoWhenNoAnswerComes) {
  open(20ms);
  Protocol::socket client = asking();
  EXPECT_EQ(answer_to(client), "{\"error\":\"no answer came in time; see tandem status\"}\n");
  replies_.at(0)({{"number", 1}});
}

// More clients than there are places, all of whom hang up before their answer.
TEST_F(LateDoor, ClientsThatHangUpLeaveTheirPlaces) {
  open(10s);
  for (int i = 0; i < 100; ++i) {
    asking().close();
    ASSERT_FALSE(HasFailure()) << "the place of a client that hung up is not free: " << i;
  }
  Protocol::socket last = asking();
  for (const auto& reply : replies_) reply({{"number", 1}});
  EXPECT_EQ(answer_to(last), "{\"number\":1}\n");
}

// Who has asked is not sent away for who comes later.
TEST_F(LateDoor, KeepsThoseWhoWaitAndSaysSoToFurtherOnes) {
  open(10s);
  std::vector<Protocol::socket> waiting;
  for (int i = 0; i < 64; ++i) waiting.push_back(asking());
  Protocol::socket late(loop_);
  late.connect(Protocol::endpoint(path_));
  EXPECT_EQ(answer_to(late),
            "{\"error\":\"too many requests wait for an answer; try again later\"}\n");
  for (const auto& reply : replies_) reply({{"number", 1}});
  for (auto& client : waiting) EXPECT_EQ(answer_to(client), "{\"number\":1}\n");
}

TEST_F(LateDoor, MayBeGoneBeforeTheAnswer) {
  open(10s);
  Protocol::socket client = asking();
  door_.reset();
  replies_.at(0)({{"number", 1}});
  replies_.clear();
  EXPECT_EQ(answer_to(client), "");
}

TEST_F(Door, IsOpenToRootAndItsGroupOnly) {
  ASSERT_EQ(door_.listen(path_), std::nullopt);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  const struct group* operators = ::getgrnam("tandem");
  const bool shared = operators != nullptr && ::geteuid() == 0;
  EXPECT_EQ(status.st_mode & 07777U, shared ? 0660U : 0600U);
  EXPECT_EQ(status.st_gid, shared ? operators->gr_gid : ::getegid());
}

TEST_F(Door, LeavesTheMaskOfNewFilesAsItWas) {
  const mode_t before = ::umask(022);
  ASSERT_EQ(door_.listen(path_), std::nullopt);
  EXPECT_EQ(::umask(before), 022U);
}

TEST_F(Door, ReplacesTheSocketOfADeadAgent) {
  {
    asio::io_context other;
    Protocol::acceptor dead(other, Protocol::endpoint(path_));
  }
  EXPECT_EQ(door_.listen(path_), std::nullopt);
  EXPECT_EQ(ask("{}\n"), "{\"heard\":{}}\n");
}

TEST_F(Door, LeavesTheSocketOfALivingAgentAndOtherFilesAlone) {
  asio::io_context other;
  {
    const Protocol::acceptor alive(other, Protocol::endpoint(path_));
    EXPECT_EQ(door_.listen(path_),
              "the control socket " + path_ + " cannot be opened: another agent answers on it");
  }
  fs::remove(path_);
  std::ofstream(path_) << "precious";
  EXPECT_EQ(door_.listen(path_),
            "the control socket " + path_ +
                " cannot be opened: a file that is not a socket is in its place");
  EXPECT_EQ(fs::file_size(path_), 8U);
}

TEST_F(Door, IsGoneWithItsAgent) {
  {
    asio::io_context loop;
    ControlSocket door(loop.get_executor(), echo);
    ASSERT_EQ(door.listen(path_), std::nullopt);
  }
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace agent::io
