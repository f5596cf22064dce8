// The connection against a server that answers from a script, on one loop.
#include "health/io/redis_connection.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/health/fake_server.hpp"
#include "tests/health/loop.hpp"
#include "tests/health/print.hpp"

namespace health::io {
namespace {

using Log = std::vector<std::string>;
using std::chrono::seconds;

std::string words(const Reply* reply) {
  return reply == nullptr ? "nothing" : testing::PrintToString(*reply);
}

class RedisConnectionTest : public testing::Test {
 protected:
  // Everything that happens to the connection goes to the log.
  void use(const ServerAddress& address, ConnectionLimits limits = {}) {
    connection = std::make_unique<RedisConnection>(
        loop.get_executor(), address,
        RedisConnection::Events{
            .connected = [this] { log.emplace_back("connected"); },
            .connect_failed =
                [this](const ConnectFailed& failed) {
                  const bool refused = failed.failure == ConnectFailure::refused;
                  log.push_back((refused ? "refused: " : "unreachable: ") + failed.detail);
                },
            .closed = [this](const Closed& closed) { log.push_back("closed: " + closed.detail); }},
        limits);
  }
  void serve(FakeServer::Script script, ConnectionLimits limits = {}) {
    server = std::make_unique<FakeServer>(loop, std::move(script));
    use(server->address(), limits);
    connection->connect(seconds(20));
    wait_for("connected");
    log.clear();
  }
  // Each command is answered with the same bytes.
  void serve(const std::string& answer) {
    serve([answer](auto& session, const Command&) { session.send(answer); });
  }
  void send(const Command& command) {
    connection->send(command, [this, name = command.front()](const Reply* reply) {
      log.push_back(name + ": " + words(reply));
    });
  }
  void wait_for(const std::string& line) {
    ASSERT_TRUE(run_until(loop, [&] { return !log.empty() && log.back().starts_with(line); }))
        << "no " << line << " after " << testing::PrintToString(log);
  }
  // What is ready to run has run.
  void settle() {
    bool turned = false;
    for (int turn = 0; turn < 10; ++turn) {
      turned = false;
      boost::asio::post(loop, [&] { turned = true; });
      ASSERT_TRUE(run_until(loop, [&] { return turned; }));
    }
  }

  boost::asio::io_context loop;
  Log log;
  std::unique_ptr<FakeServer> server;
  std::unique_ptr<RedisConnection> connection;
};

TEST_F(RedisConnectionTest, AnswersComeInTheOrderOfTheCommands) {
  serve([](auto& session, const Command& command) {
    session.send("$" + std::to_string(command.back().size()) + "\r\n" + command.back() + "\r\n");
  });
  for (int number = 0; number < 500; ++number) send({"ECHO", std::to_string(number)});
  wait_for("ECHO: \"499\"");
  ASSERT_EQ(log.size(), 500U);
  for (std::size_t number = 0; number < 500; ++number) {
    EXPECT_EQ(log[number], "ECHO: \"" + std::to_string(number) + "\"");
  }
}

TEST_F(RedisConnectionTest, CommandsMayHoldAnyByte) {
  serve(&FakeServer::behave);
  const Command command{"AUTH", "", std::string("a\0\r\n\"b", 6)};
  send(command);
  wait_for("AUTH: +OK");
  EXPECT_EQ(server->commands(), std::vector<Command>{command});
}

TEST_F(RedisConnectionTest, AReplyThatComesByteByByteIsOneReply) {
  serve([](auto& session, const Command&) {
    session.send_in_pieces("*2\r\n$6\r\nmaster\r\n:187\r\n");
  });
  send({"ROLE"});
  wait_for("ROLE");
  EXPECT_EQ(log, Log{"ROLE: [\"master\" :187 ]"});
}

TEST_F(RedisConnectionTest, ErrorsAreReplies) {
  for (const std::string error :
       {"LOADING Redis is loading", "BUSY Redis is busy", "MISCONF no disk", "MASTERDOWN Link",
        "NOAUTH Authentication required.", "NOPERM no", "ERR max number of clients reached"}) {
    serve("-" + error + "\r\n");
    send({"PING"});
    wait_for("PING");
    EXPECT_EQ(log, Log{"PING: -" + error});
    EXPECT_TRUE(connection->is_connected());
  }
}

TEST_F(RedisConnectionTest, TheLastWordsOfAServerThatClosesAreHeard) {
  serve([](auto& session, const Command&) {
    session.send("-ERR max number of clients reached\r\n");
    session.close();
  });
  send({"PING"});
  send({"INFO"});
  wait_for("closed");
  EXPECT_EQ(log, (Log{"PING: -ERR max number of clients reached", "INFO: nothing",
                      "closed: closed by the server"}));
}

TEST_F(RedisConnectionTest, AServerThatTurnsUsAwayBeforeWeAskIsHeard) {
  server = std::make_unique<FakeServer>(loop, &FakeServer::behave);
  server->on_accept([](auto& session) { session.send("-DENIED protected mode\r\n"); });
  std::unique_ptr<RedisConnection> eager;
  eager = std::make_unique<RedisConnection>(
      loop.get_executor(), server->address(),
      RedisConnection::Events{.connected =
                                  [&] {
                                    eager->send({"PING"}, [this](const Reply* reply) {
                                      log.push_back(words(reply));
                                    });
                                  },
                              .connect_failed = {},
                              .closed = {}});
  eager->connect(seconds(20));
  wait_for("-DENIED protected mode");
}

TEST_F(RedisConnectionTest, AClosedConnectionIsReportedAfterItsWaitingCommands) {
  serve([](auto& session, const Command& command) {
    if (command.front() == "QUIT") session.close();
  });
  send({"PING"});
  send({"QUIT"});
  wait_for("closed");
  EXPECT_EQ(log, (Log{"PING: nothing", "QUIT: nothing", "closed: closed by the server"}));
  EXPECT_FALSE(connection->is_connected());
}

TEST_F(RedisConnectionTest, AResetIsNotMistakenForAnEnd) {
  serve([](auto& session, const Command&) { session.reset(); });
  send({"PING"});
  wait_for("closed");
  EXPECT_EQ(log, (Log{"PING: nothing", "closed: reset by the server"}));
}

TEST_F(RedisConnectionTest, GarbageEndsTheConnection) {
  serve("HTTP/1.1 400 Bad Request\r\n\r\n");
  send({"PING"});
  wait_for("closed");
  EXPECT_EQ(log, (Log{"PING: nothing", "closed: protocol error: got \"H\" as reply type byte"}));
}

TEST_F(RedisConnectionTest, AReplyThatAnswersNoCommandEndsTheConnection) {
  serve("+PONG\r\n+PONG\r\n");
  send({"PING"});
  wait_for("closed");
  EXPECT_EQ(log, (Log{"PING: +PONG", "closed: protocol error: a reply that answers no command"}));
}

TEST_F(RedisConnectionTest, FourGigabytesAreRefusedWhenAnnounced) {
  serve("$4294967296\r\n");
  send({"INFO"});
  wait_for("closed");
  EXPECT_EQ(log, (Log{"INFO: nothing", "closed: reply larger than 16777216 bytes"}));
}

TEST_F(RedisConnectionTest, AnEndlessLineIsCutOff) {
  serve([](auto& session, const Command&) {
    session.send("+");
    session.send_without_end(std::string(10000, 'x'));
  });
  send({"PING"});
  wait_for("closed");
  EXPECT_EQ(log, (Log{"PING: nothing", "closed: reply larger than 65536 bytes"}));
}

TEST_F(RedisConnectionTest, TooManyWaitingCommandsEndTheConnection) {
  serve([](auto&, const Command&) {}, {.max_reply_bytes = 1024, .max_queued_commands = 2});
  send({"ONE"});
  send({"TWO"});
  EXPECT_TRUE(connection->is_connected());
  send({"THREE"});
  EXPECT_EQ(log, Log{}) << "nothing is told from inside send()";
  EXPECT_FALSE(connection->is_connected());
  wait_for("closed");
  EXPECT_EQ(log, (Log{"ONE: nothing", "TWO: nothing", "THREE: nothing",
                      "closed: more than 2 commands wait for their reply"}));
}

TEST_F(RedisConnectionTest, AClosedPortIsRefused) {
  use(FakeServer(loop, &FakeServer::behave).address());
  connection->connect(seconds(20));
  EXPECT_EQ(log, Log{}) << "nothing is told from inside connect()";
  wait_for("refused");
  EXPECT_EQ(log, Log{"refused: Connection refused"});
  EXPECT_FALSE(connection->is_connected());
}

TEST_F(RedisConnectionTest, APortWhoseQueueIsFullIsUnreachableAfterTheTimeout) {
  // A listener that nobody accepts from: the kernel lets SYNs of a full queue go unanswered.
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(loop, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
  ASSERT_EQ(::listen(acceptor.native_handle(), 0), 0);
  tcp::socket first(loop);
  first.connect(acceptor.local_endpoint());
  use({.host = "127.0.0.1", .port = acceptor.local_endpoint().port(), .unix_path = {}});
  connection->connect(std::chrono::milliseconds(250));
  wait_for("unreachable");
  EXPECT_EQ(log, Log{"unreachable: no answer within 250 ms"});
}

TEST_F(RedisConnectionTest, AddressesThatCannotBeConnectedToAreUnreachable) {
  for (const ServerAddress& address :
       {ServerAddress{.host = "redis.example", .port = 1, .unix_path = {}},
        ServerAddress{.host = {}, .port = 0, .unix_path = "/" + std::string(200, 'x')}}) {
    use(address);
    connection->connect(seconds(20));
    wait_for("unreachable");
    log.clear();
  }
}

TEST_F(RedisConnectionTest, AUnixSocketServesLikeAPort) {
  const std::string path = testing::TempDir() + "tandem_fake." + std::to_string(getpid());
  unlink(path.c_str());
  server = std::make_unique<FakeServer>(loop, path, &FakeServer::behave);
  use(server->address());
  EXPECT_EQ(connection->address().to_string(), "unix:" + path);
  connection->connect(seconds(20));
  wait_for("connected");
  send({"PING"});
  wait_for("PING: +PONG");
  server.reset();
  wait_for("closed");
  log.clear();

  connection->connect(seconds(20));
  wait_for("refused");
  unlink(path.c_str());
  connection->connect(seconds(20));
  wait_for("refused: No such file or directory");
}

TEST_F(RedisConnectionTest, WithoutAConnectionACommandGetsNothing) {
  use({.host = "127.0.0.1", .port = 1, .unix_path = {}});
  send({"PING"});
  EXPECT_EQ(log, Log{}) << "nothing is told from inside send()";
  wait_for("PING: nothing");
}

TEST_F(RedisConnectionTest, DisconnectGivesNothingToWhoWaitsAndNoEvent) {
  serve([](auto&, const Command&) {});
  send({"PING"});
  send({"INFO"});
  connection->disconnect();
  send({"LATE"});
  EXPECT_EQ(log, Log{});
  EXPECT_FALSE(connection->is_connected());
  wait_for("LATE");
  settle();
  EXPECT_EQ(log, (Log{"PING: nothing", "INFO: nothing", "LATE: nothing"}));
}

TEST_F(RedisConnectionTest, ADroppedAttemptTellsNothing) {
  server = std::make_unique<FakeServer>(loop, &FakeServer::behave);
  use(server->address());
  connection->connect(seconds(20));
  connection->disconnect();
  settle();
  EXPECT_EQ(log, Log{});
}

TEST_F(RedisConnectionTest, ANewAttemptReplacesTheConnection) {
  serve([](auto& session, const Command& command) {
    if (command.front() != "SILENT") FakeServer::behave(session, command);
  });
  send({"SILENT"});
  connection->connect(seconds(20));
  wait_for("connected");
  EXPECT_EQ(log, (Log{"SILENT: nothing", "connected"}));
  send({"PING"});
  wait_for("PING: +PONG");
}

TEST_F(RedisConnectionTest, DestroyedInsideAHandlerItIsSilent) {
  serve("+PONG\r\n");
  connection->send({"PING"}, [this](const Reply* reply) {
    log.push_back("last " + words(reply));
    connection.reset();
  });
  send({"INFO"});
  wait_for("last");
  settle();
  EXPECT_EQ(log, Log{"last +PONG"});
}

TEST_F(RedisConnectionTest, DestroyedInsideTheLastHandlerOfAnEndItIsSilent) {
  serve([](auto& session, const Command&) { session.close(); });
  connection->send({"PING"}, [this](const Reply* reply) {
    log.push_back("last " + words(reply));
    connection.reset();
  });
  send({"INFO"});
  wait_for("last");
  settle();
  EXPECT_EQ(log, Log{"last nothing"});
}

TEST_F(RedisConnectionTest, DestroyedInsideItsEventsItIsSilent) {
  server =
      std::make_unique<FakeServer>(loop, [](auto& session, const Command&) { session.close(); });
  const auto vanish = [this](const std::string& where) {
    log.push_back(where);
    connection.reset();
  };
  for (const bool at_connect : {true, false}) {
    log.clear();
    connection = std::make_unique<RedisConnection>(
        loop.get_executor(), server->address(),
        RedisConnection::Events{
            .connected = [&] { at_connect ? vanish("connected") : connection->send({"QUIT"}, {}); },
            .connect_failed = {},
            .closed = [&](const Closed&) { vanish("closed"); }});
    connection->connect(seconds(20));
    wait_for(at_connect ? "connected" : "closed");
    settle();
    EXPECT_EQ(log.size(), 1U);
  }
}

TEST_F(RedisConnectionTest, DestroyedWithMuchUnsentItLeavesNothingBehind) {
  serve([](auto& session, const Command&) { session.close(); });
  const std::string large(1024UL * 1024, 'x');
  for (int command = 0; command < 20; ++command) send({"SET", large});
  loop.restart();
  loop.run_one();
  connection->connect(seconds(20));
  connection.reset();
  settle();
  EXPECT_EQ(log, Log{});
}

TEST_F(RedisConnectionTest, AHandlerMayConnectAgainWhileTheEndIsTold) {
  serve([](auto& session, const Command& command) {
    if (command.front() == "PING") return FakeServer::behave(session, command);
    session.close();
  });
  connection->send({"DIE"}, [this](const Reply*) { connection->connect(seconds(20)); });
  wait_for("connected");
  send({"PING"});
  wait_for("PING: +PONG");
  EXPECT_EQ(log, (Log{"connected", "PING: +PONG"})) << "the new connection has not closed";
}

}  // namespace
}  // namespace health::io
