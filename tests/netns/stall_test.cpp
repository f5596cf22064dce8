// What may be slow on a bad day is slow: the disk, a directory of users, who reads the log, a
// server's reply. The leader's adverts go on, nobody takes over, and what is asked for is done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

class Stalls : public testing::Test {
 protected:
  testing::AssertionResult start() {
    for (const Host* host : {&scene_.a.host, &scene_.b.host}) {
      write_file(host->dir / "master.sh", "#!/bin/sh\n", std::filesystem::perms(0755));
    }
    return scene_.start({"env", "LD_PRELOAD=" TANDEM_BINARY_DIR "/tests/libtests_stalls.so",
                         "TANDEM_STALLS=" + file_.string()});
  }
  void begin() const { write_file(file_, ""); }
  void end() const { std::filesystem::remove(file_); }
  [[nodiscard]] std::string hits() const { return read_file(file_.string() + ".hits"); }

  PairScene scene_{[] {
    SceneOptions options = linked();
    for (PairOptions* const pair : {&options.pair_a, &options.pair_b}) {
      pair->notify_lines = "master = \"HOST_DIR/master.sh\"\n";
    }
    return options;
  }()};
  const std::filesystem::path file_ = scene_.a.host.dir / "stalls";
};

TEST_F(Stalls, OfDiskAndUsersHoldNoAdvert) {
  ASSERT_TRUE(start());
  Writer writer(scene_.lan.client());
  ASSERT_TRUE(writer.goes_on());
  begin();
  Agent& leader = scene_.a.agent;
  EXPECT_EQ(leader.command({"maintenance", "on", "--why", "stalls"}).exit_code, 0);
  EXPECT_EQ(leader.command({"maintenance", "off"}).exit_code, 0);
  EXPECT_EQ(leader.command({"reload"}).exit_code, 0);
  EXPECT_TRUE(scene_.keeps(kALeads, Millis(5000)));
  EXPECT_THAT(hits(), HasSubstr("fsync"));
  EXPECT_THAT(hits(), HasSubstr("getpwnam_r"));
  EXPECT_EQ(scene_.told(), "A BACKUP MASTER | B BACKUP");
}

TEST_F(Stalls, OfTheDiskHoldNoMove) {
  ASSERT_TRUE(start());
  Writer writer(scene_.lan.client());
  ASSERT_TRUE(writer.goes_on());
  begin();
  const Outcome moved = scene_.a.agent.command({"switchover"});
  EXPECT_EQ(moved.exit_code, 0) << moved.output;
  EXPECT_TRUE(scene_.led_by("B"));
  EXPECT_TRUE(writer.goes_on());
  EXPECT_THAT(hits(), HasSubstr("fsync"));
  end();
  EXPECT_TRUE(scene_.reaches(kBLeads));
  EXPECT_TRUE(writer.finds_all_on(scene_.b.redis));
}

// Nobody reads what the agent says: a full pipe, a terminal that was stopped by Ctrl-S.
TEST(LogStall, OfAFullPipeHoldsNothing) {
  PairScene scene(linked());
  const auto pipe = scene.a.host.dir / "log.pipe";
  must_run({"mkfifo", pipe.string()});
  const int reader = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ::fcntl(reader, F_SETFL, O_NONBLOCK);
  while (::write(reader, "full", 4) == 4) {
  }
  scene.start_servers();
  scene.a.agent.start({"sh", "-c", "exec \"$@\" 2> " + pipe.string(), "sh"});
  scene.b.agent.start();
  EXPECT_TRUE(scene.reaches(kALeads));
  Agent& agent = scene.a.agent;
  EXPECT_TRUE(scene.keeps(kALeads, Millis(3000)));
  EXPECT_EQ(agent.command({"switchover"}).exit_code, 0);
  EXPECT_TRUE(scene.led_by("B"));
  agent.signal(SIGTERM);
  EXPECT_EQ(agent.wait(kSoon), 0) << "an agent whose log nobody reads must end all the same";
  ::close(reader);
}

// The peer's server answers each command with the beginning of a gigabyte, which never ends.
TEST(ReplyStall, OfAGigabyteHoldsNothing) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  const Host& host = scene.a.host;
  write_file(host.dir / "gigabyte.py", R"(import socket, threading
def serve(client):
    client.recv(65536)
    client.sendall(b"$1073741824\r\n")
    while True:
        client.sendall(b"x" * 1048576)
listener = socket.create_server(("127.0.0.1", 7003))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
)");
  const Process fake({"python3", (host.dir / "gigabyte.py").string()}, host.netns,
                     host.dir / "gigabyte.log");
  must_run(
      {"nft",
       "add table ip fake; add chain ip fake out { type nat hook output priority 0; }; add rule "
       "ip fake out ip daddr 10.77.0.2 tcp dport 6379 redirect to :7003"},
      host.netns);
  scene.b.redis.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  EXPECT_TRUE(scene.keeps(
      "A leading, VIP, master | B standby, no VIP, replica of 10.77.0.1, in sync", Millis(4000)));
  EXPECT_NE(scene.a.agent.field("/peer/health"), "up");
}

}  // namespace
}  // namespace support
