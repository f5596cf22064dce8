// What a host may run out of: files, processes, a disk that can be written. The role stays where it
// belongs, it moves when it has to, and the log says what is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "tests/netns/limits.hpp"
#include "tests/support/pair_scene.hpp"
#include "tests/support/process.hpp"
#include "tests/support/writer.hpp"

namespace support {
namespace {

namespace fs = std::filesystem;

// Without more memory than it has now.
testing::AssertionResult keep_as_large_as_it_is(const Agent& agent) {
  const auto kilobytes = static_cast<rlim_t>(agent.of_process("VmSize"));
  return limit(agent, RLIMIT_AS, kilobytes * 1024);
}

SceneOptions with_all_doors() {
  SceneOptions options = linked();
  for (PairOptions* pair : {&options.pair_a, &options.pair_b}) {
    pair->agent_lines = "metrics = \"0.0.0.0:9112\"\n";
  }
  return options;
}

// Clients of all doors of an agent who say half of what they came to say and stay: its peer's host
// at the peer link, the client's at the status page, and operators.
class Crowd {
 public:
  Crowd(const Lan& lan, const Host& host, const Host& peer)
      : page_(clients("page", host.ip + ":9112"), lan.client().netns, lan.dir() / "crowd.log"),
        link_(clients("link", host.ip + ":7112"), peer.netns, lan.dir() / "crowd.log"),
        operators_(clients("operators", host.dir / "control.sock"), "", lan.dir() / "crowd.log") {}

 private:
  static Argv clients(const std::string& kind, const std::string& where) {
    static const std::string kScript = R"(
import socket, sys, time
kind, where = sys.argv[1:]
words = {'page': b'GET / HTTP/1.1\r\nA: ' + b'x' * 7000, 'link': b'\x16\x03\x01\x02\x00\x01',
         'operators': b'{"command":"status"' + b' ' * 3900}[kind]
kept = []
while True:
    try:
        if kind == 'operators':
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(1)
            client.connect(where)
        else:
            host, port = where.split(':')
            client = socket.create_connection((host, int(port)), timeout=1)
        client.sendall(words)
        kept.append(client)
    except OSError:
        pass
    if len(kept) > 80:
        kept.pop(0).close()
    time.sleep(.01)
)";
    return {"python3", "-c", kScript, kind, where};
  }

  Process page_;
  Process link_;
  Process operators_;
};

class Limits : public testing::Test {
 protected:
  testing::AssertionResult start() {
    if (auto started = scene_.start(); !started) return started;
    writer_.emplace(scene_.lan.client());
    return writer_->goes_on();
  }

  PairScene scene_{with_all_doors()};
  std::optional<Writer> writer_;
};

TEST_F(Limits, AgentsWithoutASpareDescriptorMoveTheRoleAllTheSame) {
  ASSERT_TRUE(start());
  for (const Agent* agent : {&scene_.a.agent, &scene_.b.agent}) {
    ASSERT_TRUE(limit(*agent, RLIMIT_NOFILE, open_files(*agent)));
  }

  scene_.a.redis.kill();

  // `tandem status` needs a descriptor of the agent, too.
  EXPECT_TRUE(
      eventually("the VIP is on B", kSoon, equals([&] { return scene_.vip_holders(); }, "B")));
  EXPECT_TRUE(writer_->goes_on());
  EXPECT_TRUE(logs(scene_.a.agent, "Too many open files"));
  for (const Agent* agent : {&scene_.a.agent, &scene_.b.agent}) {
    ASSERT_TRUE(limit(*agent, RLIMIT_NOFILE, 0));
  }
  EXPECT_TRUE(scene_.led_by("B"));
  scene_.a.redis.start();
  EXPECT_TRUE(scene_.reaches(kBLeads));
}

TEST_F(Limits, AnAgentThatCannotForkLeadsWithoutItsScripts) {
  ASSERT_EQ(run({"strace", "--version"}).exit_code, 0) << "strace is missing: ./dev setup";
  scene_.start_servers();
  // fork() is clone(); threads are clone3().
  const Argv refusing = {"strace",    "-D", "-f",          "-qq", "-o",
                         "/dev/null", "-e", "trace=clone", "-e",  "inject=clone:error=EAGAIN"};
  scene_.a.agent.start(refusing);
  scene_.b.agent.start(refusing);
  ASSERT_TRUE(scene_.reaches(kALeads));
  ASSERT_TRUE(PairScene::protects(scene_.a.agent));

  scene_.a.redis.kill();

  EXPECT_TRUE(scene_.led_by("B"));
  EXPECT_TRUE(logs(scene_.b.agent, "Resource temporarily unavailable"));
  EXPECT_EQ(scene_.told(), "A  | B ");
  scene_.a.redis.start();
  EXPECT_TRUE(scene_.reaches(kBLeads));
  for (Agent* agent : {&scene_.a.agent, &scene_.b.agent}) agent->signal(SIGTERM);
}

TEST_F(Limits, AgentsThatGetNoMoreMemoryMoveTheRoleAllTheSame) {
  ASSERT_TRUE(start());
  for (const Agent* agent : {&scene_.a.agent, &scene_.b.agent}) {
    ASSERT_TRUE(keep_as_large_as_it_is(*agent));
  }

  scene_.a.redis.kill();

  EXPECT_TRUE(scene_.led_by("B"));
  EXPECT_TRUE(writer_->goes_on());
  scene_.a.redis.start();
  EXPECT_TRUE(scene_.reaches(kBLeads));
}

TEST_F(Limits, AgentsThatGetNoMoreMemoryOutliveTheirClients) {
  ASSERT_TRUE(start());
  for (const Agent* agent : {&scene_.a.agent, &scene_.b.agent}) {
    ASSERT_TRUE(keep_as_large_as_it_is(*agent));
  }
  {
    const Crowd at_a(scene_.lan, scene_.a.host, scene_.b.host);
    const Crowd at_b(scene_.lan, scene_.b.host, scene_.a.host);
    EXPECT_TRUE(logs(scene_.a.agent, "memory is short: "));
    wait_a_moment(Millis(3000));  // so long, nothing has a reason to move
    EXPECT_EQ(scene_.vip_holders(), "A");
    EXPECT_TRUE(writer_->goes_on());

    scene_.a.redis.kill();

    EXPECT_TRUE(
        eventually("the VIP is on B", kSoon, equals([&] { return scene_.vip_holders(); }, "B")));
    EXPECT_TRUE(writer_->goes_on());
    EXPECT_TRUE(scene_.a.agent.running() && scene_.b.agent.running());
  }

  EXPECT_TRUE(scene_.led_by("B"));
  scene_.a.redis.start();
  EXPECT_TRUE(scene_.reaches(kBLeads));
}

// A directory that can be read only, until it is left.
class ReadOnly {
 public:
  explicit ReadOnly(std::string directory) : directory_(std::move(directory)) {
    bound_ = ::mount(directory_.c_str(), directory_.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
             ::mount(nullptr, directory_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY,
                     nullptr) == 0;
  }
  ~ReadOnly() { leave(); }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;
  [[nodiscard]] bool bound() const { return bound_; }
  void leave() {
    if (bound_) ::umount2(directory_.c_str(), MNT_DETACH);
    bound_ = false;
  }

 private:
  std::string directory_;
  bool bound_ = false;
};

TEST_F(Limits, AStateDirectoryThatCannotBeWrittenIsAnAlarmAndNoEnd) {
  ASSERT_TRUE(start());
  {
    ReadOnly state_a(scene_.a.agent.state_dir());
    ReadOnly state_b(scene_.b.agent.state_dir());
    ASSERT_TRUE(state_a.bound() && state_b.bound());

    scene_.a.redis.kill();

    EXPECT_TRUE(scene_.led_by("B"));
    EXPECT_TRUE(writer_->goes_on());
    EXPECT_TRUE(logs(scene_.b.agent, "Read-only file system"));
    scene_.a.redis.start();
    EXPECT_TRUE(scene_.reaches(kBLeads));
  }
  EXPECT_TRUE(eventually("the record is on disk again", kSoon, [&] {
    const std::string alarms = scene_.b.agent.field("/alarms");
    return Seen{alarms.find("record") == std::string::npos, alarms};
  }));
}

}  // namespace
}  // namespace support
