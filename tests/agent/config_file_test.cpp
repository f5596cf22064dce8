// The file as a whole: that it can be read, its syntax, [agent], unknown keys, the order of the
// messages, and that no secret is in any of them.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>

#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

Strings problems_of_file(const std::string& path);

TEST(ConfigFile, ThatCannotBeReadSaysWhy) {
  const ConfigFolder folder;
  std::filesystem::create_directory(folder.path("directory"));
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  folder.write("large.toml", std::string(1024UL * 1024 + 1, '\n'));
  EXPECT_EQ(problems_of_file(folder.path("missing.toml")),
            Strings{folder.in_text("DIR/missing.toml does not exist")});
  EXPECT_EQ(problems_of_file(folder.path("directory")),
            Strings{folder.in_text("DIR/directory is a directory, must be a file")});
  EXPECT_EQ(problems_of_file(folder.path("fifo")),
            Strings{folder.in_text("DIR/fifo is not a regular file")});
  EXPECT_EQ(problems_of_file(folder.path("large.toml")),
            Strings{folder.in_text("DIR/large.toml is larger than 1048576 bytes")});

  const std::string secret = folder.write("secret.toml", small_config(), 0000);
  const AsNobody as_nobody;
  EXPECT_EQ(problems_of_file(secret),
            Strings{folder.in_text("DIR/secret.toml cannot be read: Permission denied")});
}

TEST(ConfigFile, IsLoadedFromDisk) {
  const ConfigFolder folder;
  const LoadResult result = load_config(folder.write("tandem.toml", small_config(), 0644));
  const auto* loaded = std::get_if<LoadedConfig>(&result);
  ASSERT_NE(loaded, nullptr);
  EXPECT_EQ(loaded->config.file, folder.path("tandem.toml"));
  EXPECT_EQ(describe(loaded->config), load_and_describe(small_config()));
}

TEST(ConfigFile, WithoutAPairIsRefused) {
  EXPECT_EQ(problems_of(""), Strings{"tandem.toml has no [[pair]]; write at least one"});
  EXPECT_EQ(problems_of("pair = []\n"), Strings{"tandem.toml has no [[pair]]; write at least one"});
  EXPECT_EQ(problems_of("pair = 1\n"),
            Strings{"tandem.toml:1: pair: is an integer, must be a table that begins with "
                    "[[pair]]"});
  EXPECT_EQ(problems_of("pair = [1]\n"),
            Strings{"tandem.toml:1: pair[1]: is an integer, must be a table"});
  EXPECT_EQ(problems_of(small_config().substr(1).replace(0, 6, "[pair")).size(), 1U);
  EXPECT_EQ(problems_of("[pair]" + small_config().substr(8)),
            Strings{"tandem.toml:1: pair: is written as [pair]; write [[pair]], because there can "
                    "be several"});
}

// toml++ stops at the first error; its line is right and the rest of its words are its own.
TEST(ConfigFile, ThatIsNotTomlNamesTheLine) {
  const Strings problems = problems_of(pair_with("priority = 12x") + "again = = 1\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_TRUE(problems[0].starts_with("tandem.toml:6: is not valid TOML: ")) << problems[0];
  EXPECT_NE(problems[0].find("integer"), std::string::npos) << problems[0];

  const Strings twice = problems_of(pair_with("priority = 1\npriority = 2"));
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_TRUE(twice[0].starts_with("tandem.toml:7: is not valid TOML: ")) << twice[0];

  EXPECT_EQ(problems_of("# " + std::string(5000, 'x')),
            Strings{"tandem.toml:1: is longer than 4096 bytes; break the line"});
}

TEST(ConfigFile, HeadersThatAreNoneAreAnswered) {
  for (const std::string header :
       {"[", "[[", "[]", "[#]", "[[#]]", "[.a]", "[[[a]]]", "[=", "[\n]", "\u023c = 1"}) {
    const Strings problems = problems_of(small_config() + header + "\n");
    ASSERT_EQ(problems.size(), 1U) << header;
    EXPECT_TRUE(problems[0].starts_with("tandem.toml:11: is not valid TOML: ")) << problems[0];
  }
}

TEST(ConfigFile, UnknownKeysNameTheNearestKnownOne) {
  EXPECT_EQ(problems_of(pair_with("prioritty = 100")),
            Strings{"tandem.toml:6: pair[redis].prioritty: unknown key; did you mean "
                    "\"priority\"?"});
  EXPECT_EQ(problems_of(server_with("adress = \"127.0.0.1:6379\"")),
            Strings{"tandem.toml:9: pair[redis].server.adress: unknown key; did you mean "
                    "\"address\"?"});
  EXPECT_EQ(problems_of(peer_with("colour = true")),
            Strings{"tandem.toml:11: pair[redis].peer.colour: unknown key; known here are server, "
                    "user, password_file, tls, agent"});
  EXPECT_EQ(problems_of(small_config() + "[agnet]\n"),
            Strings{"tandem.toml:11: agnet: unknown key; did you mean \"agent\"?"});
  EXPECT_EQ(problems_of(agent_with("\"a\\nb\" = 1")),
            Strings{"tandem.toml:12: agent.a?b: unknown key; known here are node, state_dir, "
                    "control_socket, realtime, log, metrics, peer_link"});
}

TEST(ConfigFile, AgentsKeysAreJudged) {
  const std::string key = "tandem.toml:12: agent.";
  const std::vector<Mistake> cases = {
      {"node = 11", key + "node: is an integer, must be a string"},
      {"node = \"\"", key + "node: is empty"},
      {"node = \"a\\tb\"",
       key + "node: contains a control character; write it on one line without tabs"},
      {"node = \"" + std::string(65, 'x') + "\"", key + "node: is longer than 64 bytes"},
      {"state_dir = \"state\"", key + "state_dir: is not an absolute path; begin it with '/'"},
      {"control_socket = \"/" + std::string(107, 'x') + "\"",
       key + "control_socket: is longer than 107 bytes"},
      {"realtime = \"no\"", key + "realtime: is a string, must be true or false without quotes"},
      {"realtime = 1", key + "realtime: is an integer, must be true or false without quotes"},
      {"log = \"debug\"", key + "log: is a string, must be a table"},
      {"log = { level = \"verbose\" }",
       key + "log.level: \"verbose\" is not allowed here; write \"trace\", \"debug\", \"info\", "
             "\"warn\" or \"error\""},
      {"log = { level = 3 }",
       key + "log.level: is an integer, must be \"trace\", \"debug\", \"info\", \"warn\" or "
             "\"error\""},
      {"log = { target = \"syslog\" }",
       key + "log.target: \"syslog\" is not allowed here; write \"journal\", \"stderr\" or "
             "\"file\""},
      {"log = { format = \"xml\" }",
       key + "log.format: \"xml\" is not allowed here; write \"text\" or \"json\""},
      {"log = { target = \"file\" }",
       key + "log.file: is missing; target = \"file\" needs it, as in file = "
             "\"/var/log/tandem.log\""},
      {"log = { target = \"file\", file = \"tandem.log\" }",
       key + "log.file: is not an absolute path; begin it with '/'"}};
  for (const auto& [line, problem] : cases) {
    EXPECT_EQ(problems_of(agent_with(line)), Strings{problem});
  }
  EXPECT_EQ(problems_of("agent = 1\n" + small_config()),
            Strings{"tandem.toml:1: agent: is an integer, must be a table"});
  EXPECT_EQ(warnings_of(agent_with("log = { file = \"/var/log/tandem.log\" }")),
            Strings{"tandem.toml:12: agent.log.file: is not used, because target is not \"file\""});
  EXPECT_EQ(
      warnings_of(agent_with("log = { format = \"json\" }")),
      Strings{"tandem.toml:12: agent.log.format: has no effect on the journal, whose lines have "
              "fields of their own: journalctl -o json; name target = \"stderr\" or \"file\""});
}

TEST(ConfigFile, AgentsKeysArrive) {
  const LoadResult result = parse_config(
      agent_with(
          "node = \"server11\"\nstate_dir = \"/srv/tandem\"\ncontrol_socket = \"/run/t.sock\"\n"
          "realtime = false\nlog = { level = \"trace\", target = \"file\", format = \"json\", file "
          "= "
          "\"/var/log/t.log\" }"),
      "tandem.toml");
  const auto* loaded = std::get_if<LoadedConfig>(&result);
  ASSERT_NE(loaded, nullptr);
  EXPECT_EQ(describe(loaded->config).substr(0, describe(loaded->config).find("pair")),
            "node=server11 state_dir=/srv/tandem control_socket=/run/t.sock "
            "realtime=0\n"
            "log level=trace target=2 file=/var/log/t.log format=json\n");
}

TEST(ConfigFile, TenMistakesAreToldInTheOrderOfTheFile) {
  const ConfigFolder folder;
  const std::string text = folder.in_text(R"([agent]
node = 11
log = { level = "loud", target = "stderr" }
colour = "127.0.0.1:9112"

[[pair]]
name = "redis"
vrid = 256
priority = 255
advert_interval = 100
vips = ["192.168.1.120", "192.168.1.121/24"]
interface = "eth0"

[pair.peer]
server = "192.168.1.121:6379"

[pair.server]
address = "localhost:6379"
password_file = "DIR/missing"
replication_address = "127.0.0.1:6379"
)");
  EXPECT_EQ(
      problems_of(text),
      (Strings{
          "tandem.toml:2: agent.node: is an integer, must be a string",
          "tandem.toml:3: agent.log.level: \"loud\" is not allowed here; write \"trace\", "
          "\"debug\", \"info\", \"warn\" or \"error\"",
          "tandem.toml:4: agent.colour: unknown key; known here are node, state_dir, "
          "control_socket, realtime, log, metrics, peer_link",
          "tandem.toml:8: pair[redis].vrid: 256 is not a VRID; allowed are 1 to 255",
          "tandem.toml:9: pair[redis].priority: 255 means address owner and would seize the role "
          "without asking about the data; allowed are 1 to 254",
          "tandem.toml:10: pair[redis].advert_interval: is 100 without a unit; write \"100ms\", "
          "\"100s\", \"100m\" or \"100h\"",
          "tandem.toml:11: pair[redis].vips[1]: has no prefix length; write that of the "
          "interface's network, as in \"192.168.1.120/24\"",
          "tandem.toml:15: pair[redis].peer.server: 192.168.1.121 is a VIP of pair[redis]; "
          "REPLICAOF through the VIP makes a replica follow itself; write the other host's own "
          "address",
          "tandem.toml:18: pair[redis].server.address: \"localhost\" is not a numeric address; "
          "host names are refused because a resolver that does not answer would stall a failover",
          folder.in_text("tandem.toml:19: pair[redis].server.password_file: \"DIR/missing\" does "
                         "not exist"),
          "tandem.toml:20: pair[redis].server.replication_address: \"127.0.0.1\" is a loopback "
          "address, which means another server on each host; write this host's own address in the "
          "network"}));
}

TEST(ConfigFile, MessagesHoldNoSecret) {
  const std::string secret = "987654321098765432109876543210";
  const Strings spoiled = {"auth_pass = " + secret,
                           "auth_pass = " + secret + "x",
                           "auth_pass = " + secret + ".5.5",
                           "auth_pass = '" + secret,
                           "auth_pass = \"" + secret,
                           "auth_pass = \"" + secret + "\\q\"",
                           "auth_pass = \"\"\"\n" + secret + "\n",
                           "auth_pass = \"\"\"" + secret + "\"\"\"",
                           "auth_pass = \"" + secret + "\"",
                           "auth_pass = [\"" + secret + "\"]",
                           "auth_pas = \"" + secret + "\"",
                           "auth_pass \"" + secret + "\"",
                           "auth_pass = \"a\"\nauth_pass = " + secret,
                           "announce = { auth_pass = " + secret + " }",
                           "password = " + secret,
                           "password_file = " + secret,
                           "password_file = \"" + secret + "\"",
                           "address = \"redis://default:" + secret + "@192.168.1.1:6379\""};
  for (const std::string& line : spoiled) {
    for (const std::string& text : {pair_with(line), server_with(line), peer_with(line)}) {
      const Strings problems = problems_of(text);
      EXPECT_FALSE(problems.empty()) << line;
      for (const std::string& problem : problems) {
        EXPECT_EQ(problem.find("98765"), std::string::npos) << line << "\n" << problem;
      }
    }
  }
}

// ---- helpers -----------------------------------------------------------------------------------

Strings problems_of_file(const std::string& path) {
  const LoadResult result = load_config(path);
  Strings strings;
  if (const auto* problems = std::get_if<std::vector<ConfigProblem>>(&result)) {
    for (const ConfigProblem& problem : *problems) strings.push_back(problem.to_string(path));
  }
  return strings;
}

}  // namespace
}  // namespace agent
