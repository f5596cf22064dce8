// [pair.server], [pair.peer] and the passwords they name: each mistake alone in a good file, with
// the whole list of messages.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

// The small file with that password_file in [pair.server], line 9.
Strings problems_of_password(const ConfigFolder& folder, const std::string& name);

TEST(ConfigServer, TablesAndAddressesAreRequired) {
  EXPECT_EQ(problems_of("[[pair]]\nname = \"redis\"\ninterface = \"eth0\"\nvrid = 51\n"
                        "vips = [\"192.168.1.120/24\"]\n"),
            (Strings{"tandem.toml:1: pair[redis].server: is missing; write [pair.server] with the "
                     "local server's address",
                     "tandem.toml:1: pair[redis].peer: is missing; write [pair.peer] with the "
                     "other node's server"}));
  EXPECT_EQ(problems_of(without("address")),
            Strings{"tandem.toml:6: pair[redis].server.address: is missing; write where the local "
                    "server listens, as in address = \"127.0.0.1:6379\""});
  EXPECT_EQ(problems_of(without("replication_address")),
            Strings{"tandem.toml:6: pair[redis].server.replication_address: is missing; write this "
                    "host's own address and the server's port, as in \"192.168.1.112:6379\""});
  EXPECT_EQ(problems_of(without("server")),
            Strings{"tandem.toml:9: pair[redis].peer.server: is missing; write the other host's "
                    "address and its server's port, as in \"192.168.1.113:6379\""});
  EXPECT_EQ(problems_of(pair_with("notify = \"/bin/true\"")),
            Strings{"tandem.toml:6: pair[redis].notify: is a string, must be a table"});
}

TEST(ConfigServer, AddressIsNumericWithPortOrAUnixSocket) {
  const std::string key = "tandem.toml:7: pair[redis].server.address: ";
  expect_problems(
      server_with,
      {{"address = 6379", key + "is an integer, must be \"ADDRESS:PORT\" or \"unix:/PATH\""},
       {"address = \"\"", key + "is empty"},
       {"address = \"localhost:6379\"",
        key + "\"localhost\" is not a numeric address; host names are refused because a resolver "
              "that does not answer would stall a failover"},
       {"address = \"127.0.0.1\"", key + "has no port; write \"127.0.0.1:6379\""},
       {"address = \":6379\"", key + "has no address before the port"},
       {"address = \"127.0.0.1:\"", key + "\"\" is not a port; allowed are 1 to 65535"},
       {"address = \"127.0.0.1:0\"", key + "\"0\" is not a port; allowed are 1 to 65535"},
       {"address = \"127.0.0.1:65536\"", key + "\"65536\" is not a port; allowed are 1 to 65535"},
       {"address = \"127.0.0.1:63x\"", key + "\"63x\" is not a port; allowed are 1 to 65535"},
       {"address = \"127.0.0.256:6379\"", key + "\"127.0.0.256\" is not an IPv4 address"},
       {"address = \"0.0.0.0:6379\"", key + "\"0.0.0.0\" is not the address of one host"},
       {"address = \"[::1]:6379\"",
        key + "is an IPv6 address; this version speaks to servers over IPv4 only"},
       {"address = \"redis://:s3cret@127.0.0.1:6379\"",
        key + "is a URL; write address and port only, as in \"192.168.1.112:6379\""},
       {"address = \"unix:redis.sock\"",
        key + "is not an absolute path; write \"unix:/run/redis/redis.sock\""},
       {"address = \"unix:/" + std::string(107, 'x') + "\"",
        key + "is longer than a Unix socket's path can be (107 bytes)"},
       {"address = \"192.168.1.120:6379\"",
        key + "192.168.1.120 is a VIP of pair[redis]; it moves to the other node; write where the "
              "local server listens"}});
  const PairConfig pair = load_pair(server_with("address = \"unix:/run/redis/redis.sock\""));
  EXPECT_EQ(pair.server.unix_path, "/run/redis/redis.sock");
  EXPECT_EQ(pair.server.host, "");
}

TEST(ConfigServer, ReplicationAddressIsThisHostsOwnInTheNetwork) {
  const std::string key = "tandem.toml:8: pair[redis].server.replication_address: ";
  expect_problems(
      server_with,
      {{"replication_address = \"127.0.0.1:6379\"",
        key + "\"127.0.0.1\" is a loopback address, which means another server on each host; write "
              "this host's own address in the network"},
       {"replication_address = \"unix:/run/redis/redis.sock\"",
        key + "is a Unix socket, which the other node cannot reach; write address and port, as in "
              "\"192.168.1.112:6379\""},
       {"replication_address = true", key + "is a boolean, must be \"ADDRESS:PORT\""},
       {"replication_address = \"192.168.1.120:6379\"",
        key + "192.168.1.120 is a VIP of pair[redis]; REPLICAOF through the VIP makes a replica "
              "follow itself; write this host's own address"}});
}

TEST(ConfigServer, PeerServerIsAnotherHost) {
  const std::string key = "tandem.toml:10: pair[redis].peer.server: ";
  expect_problems(
      peer_with,
      {{"server = \"server12:6379\"",
        key + "\"server12\" is not a numeric address; host names are refused because a resolver "
              "that does not answer would stall a failover"},
       {"server = \"127.0.0.1:6380\"",
        key + "\"127.0.0.1\" is a loopback address, which means another server on each host; write "
              "the other host's address in the network"},
       {"server = \"192.168.1.120:6379\"",
        key + "192.168.1.120 is a VIP of pair[redis]; REPLICAOF through the VIP makes a replica "
              "follow itself; write the other host's own address"},
       {"server = \"192.168.1.112:6379\"",
        key + "is the same as pair[redis].server.replication_address, so the server would "
              "replicate from itself; write the other host's address"}});
}

TEST(ConfigServer, ReplicasAreServersOfTheirOwn) {
  const std::string key = "tandem.toml:6: pair[redis].replicas";
  const std::string already = " already; a server replicates from one master only";
  expect_problems(
      pair_with,
      {{"replicas = \"192.168.1.114:6379\"", key + ": is a string, must be an array"},
       {"replicas = [\"192.168.1.114\"]", key + "[1]: has no port; write \"192.168.1.114:6379\""},
       {"replicas = [\"127.0.0.1:6380\"]",
        key + "[1]: \"127.0.0.1\" is a loopback address, which means another server on each host; "
              "write the replica's address in the network"},
       {"replicas = [\"192.168.1.120:6379\"]",
        key + "[1]: 192.168.1.120 is a VIP of pair[redis]; write the replica's own address"},
       {"replicas = [\"192.168.1.112:6379\"]",
        key + "[1]: 192.168.1.112:6379 is the local server of pair[redis]" + already},
       {"replicas = [\"192.168.1.113:6379\"]",
        key + "[1]: 192.168.1.113:6379 is the peer's server of pair[redis]" + already},
       {"replicas = [\"192.168.1.114:6379\", \"192.168.1.114:6379\"]",
        key + "[2]: 192.168.1.114:6379 is a replica of pair[redis]" + already}});
  std::string many = "replicas = [";
  for (int i = 0; i < 17; ++i) many += "\"192.168.1.114:" + std::to_string(7000 + i) + "\",";
  expect_problems(pair_with, {{many + "]", key + ": has more than 16 servers; let some of them "
                                                 "replicate from a replica"}});
  const PairConfig pair =
      load_pair(pair_with("replicas = [\"192.168.1.114:6379\", \"192.168.1.113:6380\"]"));
  EXPECT_EQ(pair.replicas,
            (std::vector<health::Endpoint>{{"192.168.1.114", 6379}, {"192.168.1.113", 6380}}));
}

TEST(ConfigServer, ProbesHaveRanges) {
  const std::string key = "tandem.toml:9: pair[redis].server.";
  expect_problems(
      server_with,
      {{"ping_interval = \"9ms\"",
        key + "ping_interval: 9ms is out of range; allowed are 10ms to 60s"},
       {"ping_interval = \"61s\"",
        key + "ping_interval: 61s is out of range; allowed are 10ms to 60s"},
       {"info_interval = 1",
        key + "info_interval: is 1 without a unit; write \"1ms\", \"1s\", \"1m\" or \"1h\""},
       {"fall = 0", key + "fall: 0 is out of range; allowed are 1 to 100"},
       {"rise = 101", key + "rise: 101 is out of range; allowed are 1 to 100"}});
  const PairConfig pair = load_pair(
      server_with("ping_interval = \"1s\"\ninfo_interval = \"500ms\"\nfall = 10\nrise = 1"));
  EXPECT_EQ(pair.monitor.ping_interval, std::chrono::seconds(1));
  EXPECT_EQ(pair.monitor.info_interval, std::chrono::milliseconds(500));
  EXPECT_EQ(pair.monitor.fall, 10);
  EXPECT_EQ(pair.monitor.rise, 1);
}

TEST(ConfigServer, DetectionLaterThan10sIsAWarning) {
  EXPECT_EQ(warnings_of(server_with("ping_interval = \"4s\"")),
            Strings{"tandem.toml:9: pair[redis].server.ping_interval: ping_interval times fall is "
                    "12s: that long a hung server keeps the VIP; 10s or less is usual"});
  EXPECT_EQ(warnings_of(server_with("ping_interval = \"1s\"\nfall = 10")), Strings{});
}

TEST(ConfigServer, PasswordFileIsReadWithoutItsLineEnd) {
  const ConfigFolder folder;
  folder.write("unix", "red1s\n");
  folder.write("dos", "red1s\r\n");
  folder.write("bare", "red1s", 0400);
  for (const std::string name : {"unix", "dos", "bare"}) {
    const PairConfig pair = load_pair(
        server_with(folder.in_text("password_file = \"DIR/" + name + "\"\nuser = \"tandem\"")));
    EXPECT_EQ(pair.server.password, "red1s");
    // The peer's login is the same unless it is given.
    EXPECT_EQ(pair.peer_server.password, "red1s");
    EXPECT_EQ(pair.peer_server.user, "tandem");
    EXPECT_EQ(pair.peer_server.password_file, folder.path(name));
  }
}

TEST(ConfigServer, PeerMayHaveItsOwnLogin) {
  const ConfigFolder folder;
  folder.write("peer", "other\n");
  const PairConfig pair =
      load_pair(peer_with(folder.in_text("password_file = \"DIR/peer\"\nuser = \"replicator\"")));
  EXPECT_EQ(pair.server.password, "");
  EXPECT_EQ(pair.server.user, "");
  EXPECT_EQ(pair.peer_server.password, "other");
  EXPECT_EQ(pair.peer_server.user, "replicator");
}

TEST(ConfigServer, PasswordFileThatIsNoneIsRefused) {
  const ConfigFolder folder;
  folder.write("empty", "");
  folder.write("blank", "\n");
  folder.write("two", "red1s\nsecond\n");
  folder.write("zero", std::string("red1s\0x\n", 8));
  folder.write("large", std::string(5000, 'x'));
  std::filesystem::create_directory(folder.path("directory"));
  std::filesystem::create_symlink("loop", folder.path("loop"));
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);

  const std::vector<Mistake> cases = {
      {"missing", "does not exist"},
      {"directory", "is a directory, must be a file"},
      {"fifo", "is not a regular file"},
      {"loop", "cannot be read: Too many levels of symbolic links"},
      {"empty", "is empty; write the password as its only line"},
      {"blank", "is empty; write the password as its only line"},
      {"two", "has more than one line; write the password as its only line"},
      {"zero", "contains a zero byte; write the password as its only line"},
      {"large", "is larger than 4096 bytes"}};
  for (const auto& [name, problem] : cases) {
    EXPECT_EQ(problems_of_password(folder, name),
              Strings{folder.in_text("tandem.toml:9: pair[redis].server.password_file: \"DIR/" +
                                     name + "\" " + problem)});
  }
}

TEST(ConfigServer, PasswordFileForOthersToReadIsRefused) {
  const ConfigFolder folder;
  folder.write("group", "red1s\n", 0640);
  folder.write("world", "red1s\n", 0604);
  for (const auto& [name, mode] : {std::pair{"group", "0640"}, std::pair{"world", "0604"}}) {
    EXPECT_EQ(problems_of_password(folder, name),
              Strings{folder.in_text(
                  std::string("tandem.toml:9: pair[redis].server.password_file: \"DIR/") + name +
                  "\" has mode " + mode +
                  ", which lets group or others at the password; run: chmod 0600 DIR/" + name)});
  }
}

// Whoever can put another file in its place says what the secret is.
TEST(ConfigServer, PasswordFileThatOthersCouldReplaceIsRefused) {
  ASSERT_EQ(geteuid(), 0U) << "this test needs root";
  const ConfigFolder folder;
  folder.write("theirs", "red1s\n");
  ASSERT_EQ(chown(folder.path("theirs").c_str(), 65534, 65534), 0);
  std::filesystem::create_directory(folder.path("open"));
  std::filesystem::permissions(folder.path("open"), std::filesystem::perms(0777));
  folder.write("open/file", "red1s\n");
  EXPECT_EQ(
      problems_of_password(folder, "theirs"),
      Strings{folder.in_text(
          "tandem.toml:9: pair[redis].server.password_file: DIR/theirs (owner uid 65534, mode "
          "0600) belongs to neither root nor this agent's user, so its owner could change the "
          "password; mend it with: chown root DIR/theirs")});
  EXPECT_EQ(
      problems_of_password(folder, "open/file"),
      Strings{folder.in_text(
          "tandem.toml:9: pair[redis].server.password_file: DIR/open (owner uid 0, mode 0777) "
          "is writable by everybody, who could change the password; mend it with: chmod go-w "
          "DIR/open")});
}

TEST(ConfigServer, PasswordFileThatTheAgentCannotReadIsRefused) {
  const ConfigFolder folder;
  folder.write("secret", "red1s\n", 0000);
  const AsNobody as_nobody;
  EXPECT_EQ(problems_of_password(folder, "secret"),
            Strings{folder.in_text("tandem.toml:9: pair[redis].server.password_file: "
                                   "\"DIR/secret\" cannot be read: Permission denied")});
}

TEST(ConfigServer, PasswordInPlaceOfItsFileIsNotRepeated) {
  expect_problems(
      server_with,
      {{"password_file = \"hunter2\"",
        "tandem.toml:9: pair[redis].server.password_file: is not an absolute path; begin it with "
        "'/'"},
       {"password = \"hunter2\"",
        "tandem.toml:9: pair[redis].server.password: unknown key; did you mean "
        "\"password_file\"?"}});
}

TEST(ConfigServer, UserNeedsAPassword) {
  expect_problems(
      server_with,
      {{"user = \"tandem\"",
        "tandem.toml:9: pair[redis].server.user: needs password_file; write the path of a file "
        "with the user's password"},
       {"user = \"two words\"",
        "tandem.toml:9: pair[redis].server.user: contains a blank, which no ACL user's name can"},
       {"user = 1", "tandem.toml:9: pair[redis].server.user: is an integer, must be a string"}});
  expect_problems(peer_with,
                  {{"user = \"tandem\"",
                    "tandem.toml:11: pair[redis].peer.user: needs password_file; write the path of "
                    "a file with the user's password"}});
}

TEST(ConfigServer, RecoveryNeedsItsCommands) {
  const std::string at = "tandem.toml:9: pair[redis].server.";
  expect_problems(
      server_with,
      {{"recovery = \"rdb\"",
        at + "recovery: \"rdb\" needs start, the command that starts the server with the copied "
             "dataset, as in start = [\"systemctl\", \"start\", \"redis-server\"]"},
       {"recovery = \"scp\"",
        at + "recovery: \"scp\" is not allowed here; write \"rdb\" or \"resync\""},
       {"stop = \"/bin/true\"",
        at + "stop: needs start: a server that is stopped must be started again"},
       {"auto_recover = true",
        at + "auto_recover: needs start, the command that starts the server"},
       {"rdb_file = \"/var/lib/redis/dump.rdb\"",
        at + "rdb_file: has no use without recovery = \"rdb\"; write that, or take this out"},
       {"recovery_command = \"/bin/true\"",
        at + "recovery_command: has no use without recovery = \"rdb\"; write that, or take this "
             "out"},
       {"recovery_keep = 0", at + "recovery_keep: 0 is out of range; allowed are 1 to 100"},
       {"start = \"bin/start\"",
        at + "start: \"bin/start\" is not an absolute path; write the whole path of the script"}});
  const std::string start = "start = [\"systemctl\", \"start\", \"redis-server\"]\n";
  EXPECT_EQ(problems_of(server_with(start + "recovery = \"rdb\"")),
            Strings{"tandem.toml:10: pair[redis].server.recovery: \"rdb\" needs stop, the command "
                    "that keeps the supervisor from starting the server while its files are "
                    "replaced, as in stop = [\"systemctl\", \"stop\", \"redis-server\"]"});
}

TEST(ConfigServer, RecoveryIsAutomaticWithACopyOnly) {
  const std::string commands = "start = \"systemctl start redis\"\nstop = \"/bin/stop it\"\n";
  const auto recovery = [&](const std::string& lines) {
    return load_pair(server_with(commands + lines)).recovery;
  };
  EXPECT_EQ(recovery("").start, (Strings{"systemctl", "start", "redis"}));
  EXPECT_EQ(recovery("").stop, (Strings{"/bin/stop", "it"}));
  EXPECT_FALSE(recovery("").automatic);
  EXPECT_TRUE(recovery("auto_recover = true").automatic);
  EXPECT_TRUE(recovery("recovery = \"rdb\"").automatic);
  EXPECT_FALSE(recovery("recovery = \"rdb\"\nauto_recover = false").automatic);
}

// ---- helpers -----------------------------------------------------------------------------------

Strings problems_of_password(const ConfigFolder& folder, const std::string& name) {
  return problems_of(server_with(folder.in_text("password_file = \"DIR/" + name + "\"")));
}

}  // namespace
}  // namespace agent
