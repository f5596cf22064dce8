// Somebody else where a Redis server should be: garbage, replies without an end, lies. Neither the
// leader nor its standby moves, memory is bounded, and the operator is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

// What the longest reply that is read takes as values, when it is an array of the smallest ones.
constexpr long kMoreMemory = 48L * 1024;  // KiB

// What answers on 127.0.0.1:7003 of a host, one kind of it each time.
constexpr const char* kLiar = R"(import itertools, os, socket, sys, threading
kind = sys.argv[1]
info = ("redis_version:7.0.15\r\nrun_id:%040d\r\nrole:master\r\nmaster_replid:%040d\r\n"
        "master_repl_offset:999999999999999999\r\nconnected_slaves:0\r\nloading:0\r\n"
        "db0:keys=999999,expires=0,avg_ttl=0\r\n" % (7, 8)).encode()

def commands(client):
    stream = client.makefile("rb")
    while True:
        count = int(stream.readline()[1:])
        words = []
        for _ in range(count):
            words.append(stream.read(int(stream.readline()[1:]) + 2)[:-2])
        yield [word.upper() for word in words]

def an_emperor(client):
    for words in commands(client):
        if words[0] == b"PING":
            client.sendall(b"+PONG\r\n")
        elif words[0] == b"INFO":
            client.sendall(b"$%d\r\n%s\r\n" % (len(info), info))
        elif words[0] == b"ROLE":
            client.sendall(b"*3\r\n$6\r\nmaster\r\n:999999999999999999\r\n*0\r\n")
        else:
            client.sendall(b"+OK\r\n")

def forever(client, first, more):
    client.recv(65536)
    client.sendall(first)
    for piece in more:
        client.sendall(piece)

def lie(client):
    try:
        if kind == "garbage":
            forever(client, b"", (os.urandom(4096) for _ in itertools.count()))
        elif kind == "line":
            forever(client, b"+", itertools.repeat(b"x" * 65536))
        elif kind == "bulk":
            forever(client, b"$4294967296\r\n", itertools.repeat(b"x" * 65536))
        elif kind == "array":
            forever(client, b"*2147483647\r\n", itertools.repeat(b":1\r\n" * 16384))
        elif kind == "nest":
            forever(client, b"", itertools.repeat(b"*1\r\n" * 16384))
        elif kind == "answers":
            forever(client, b"", itertools.repeat(b"+PONG\r\n" * 8192))
        elif kind == "emperor":
            an_emperor(client)
    except (OSError, ValueError):
        pass
    client.close()

listener = socket.create_server(("127.0.0.1", 7003), backlog=128)
while True:
    threading.Thread(target=lie, args=(listener.accept()[0],), daemon=True).start()
)";

class Liar : public testing::TestWithParam<const char*> {
 protected:
  testing::AssertionResult start() {
    if (auto started = scene_.start(); !started) return started;
    writer_.emplace(scene_.lan.client());
    return writer_->goes_on();
  }

  // Whom the agent of `side` meets at `server_ip` from now on; its status knows that server as
  // `health`.
  void replace(PairScene::Side& side, const std::string& server_ip, const std::string& health) {
    const Host& host = side.host;
    deceived_ = &side.agent;
    before_ = deceived_->of_process("VmRSS");
    write_file(host.dir / "liar.py", kLiar);
    liar_.emplace(Argv{"python3", (host.dir / "liar.py").string(), GetParam()}, host.netns,
                  host.dir / "liar.log");
    must_run({"nft",
              "add table ip liar; add chain ip liar out { type nat hook output priority 0; "
              "}; add rule ip liar out ip daddr " +
                  server_ip + " tcp dport 6379 redirect to :7003"},
             host.netns);
    EXPECT_TRUE(eventually("the agent meets the liar", kSoon, [&] {
      scene_.b.redis.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
      const std::string met =
          run({"ss", "-Htn", "state", "established", "dport = :7003"}, host.netns).output;
      return Seen{!met.empty() || deceived_->field(health) != "up", met};
    }));
  }

  void expect_that_nothing_was_harmed() {
    EXPECT_TRUE(deceived_->running());
    EXPECT_LE(deceived_->of_process("VmHWM"), before_ + kMoreMemory);  // at any moment
    EXPECT_TRUE(writer_->goes_on());
  }

  PairScene scene_{linked()};

 private:
  std::optional<Writer> writer_;
  Agent* deceived_ = nullptr;
  long before_ = 0;
  std::optional<Process> liar_;
};

TEST_P(Liar, AtThePeersAddressMovesNothing) {
  ASSERT_TRUE(start());
  replace(scene_.a, "10.77.0.2", "/peer/health");
  EXPECT_TRUE(scene_.keeps(kALeads, Millis(3000)));
  expect_that_nothing_was_harmed();
}

TEST_P(Liar, InPlaceOfTheStandbysServerMovesNothing) {
  ASSERT_TRUE(start());
  replace(scene_.b, "127.0.0.1", "/server/health");
  EXPECT_TRUE(stays("A leads alone", Millis(3000), [&] {
    const std::string seen = scene_.a.agent.state() + ", VIP on " + scene_.vip_holders();
    return Seen{seen == "leading, VIP on A", seen};
  }));
  expect_that_nothing_was_harmed();
}

INSTANTIATE_TEST_SUITE_P(Says, Liar,
                         testing::Values("garbage", "line", "bulk", "array", "nest", "answers",
                                         "emperor"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace support
