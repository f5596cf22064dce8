// etc/tandem.toml is what users copy: it loads, its documented defaults are the agent's, it names
// every key, and the file of the other host follows from its comments.
#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <fstream>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <sstream>

#include "config_fixture.hpp"

namespace agent {
namespace {

std::string read_example();
std::string with_secrets_in(const ConfigFolder& folder, std::string text);
std::vector<std::string> lines_of(const std::string& text);
std::string host_name();

// One key of the example as a reader sees it.
struct Entry {
  std::string table;  // "agent", "pair", "pair.server", ...
  std::string key;
  bool active = false;            // not behind '#'
  bool whole_table = true;        // the table's header is not behind '#'
  std::string documented;         // behind "Default: ", without the final stop; or "required"
  std::string on_the_other_host;  // the whole line there
};
std::vector<Entry> entries_of(const std::string& text);

TEST(ConfigExample, LoadsAsItIsCopied) {
  const ConfigFolder folder;
  const std::string text = with_secrets_in(folder, read_example());
  EXPECT_EQ(warnings_of(text), std::vector<std::string>{});
  EXPECT_EQ(
      load_and_describe(text),
      folder.in_text(
          "node=server11 state_dir=/var/lib/tandem control_socket=/run/tandem/control.sock "
          "realtime=1\n"
          "log level=info target=0 file=\n"
          "peer_link host=192.168.1.112 port=7112 secret_file=DIR/peer.secret\n"
          "pair redis interface=eth0 vrid=51 version=3 priority=250 advert_interval=100ms\n"
          "auth 0  keys mode=0 window=5s checksum=0\n"
          "timing down_adverts=3 preempt=0 preempt_delay=0ms startup_hold=0ms "
          "link_up_delay=1000ms failback=0 failback_delay=30000ms\n"
          "unicast_peers ttl_min=255 sources\n"
          "vips 192.168.1.120/24@eth0 excluded strict=0 lease=2s\n"
          "announce count=5 repeat=5000ms refresh=60000ms\n"
          "max_replica_age=30000ms max_lag=16777216 wait_for_peer=60000ms promote_timeout=3000ms "
          "handover_timeout=2000ms takeovers=10 hold_down=0ms mode=available max_lag_time=2000ms "
          "fence=,nobody,30000ms rejoin=auto keep_diverged=5\n"
          "server host=127.0.0.1 port=6379 unix_path= user= password_file=DIR/redis.password "
          "password=red1s-password\n"
          "replication host=192.168.1.112 port=6379\n"
          "monitor ping_interval=100ms info_interval=1000ms fall=3 rise=2\n"
          "recovery start= stop= copy=0 automatic=0 delay=5000ms timeouts=30000,60000,3600000ms "
          "command= rdb_file= keep=3 user=root\n"
          "peer host=192.168.1.113 port=6379 unix_path= user= password_file=DIR/redis.password "
          "password=red1s-password\n"
          "peer agent host=192.168.1.113 port=7112\n"
          "notify master=</etc/tandem/notify.d/master.sh> backup=</etc/tandem/notify.d/backup.sh> "
          "fault=</etc/tandem/notify.d/fault.sh> stop=</etc/tandem/notify.d/stop.sh> "
          "any=</etc/tandem/notify.d/any.sh> fifo= user=nobody group= timeout=30000ms "
          "pre_promote= pre_demote= pre_timeout=1000ms silence_is_veto=0\n"));
}

TEST(ConfigExample, ActiveKeysAreThoseWithoutADefaultAndThoseToAdapt) {
  std::set<std::string> adapted;
  for (const Entry& entry : entries_of(read_example())) {
    EXPECT_FALSE(entry.documented.empty()) << entry.key << " says nothing about its default";
    if (entry.documented == "required") {
      EXPECT_EQ(entry.active, entry.whole_table) << entry.key;
    } else if (entry.active) {
      adapted.insert(entry.key);
    }
  }
  EXPECT_EQ(adapted, (std::set<std::string>{"agent", "any", "backup", "fault", "master", "node",
                                            "password_file", "priority", "stop"}));
}

// A documented default, written out, changes nothing. That it is read at all is seen by the next
// test: the key is known.
TEST(ConfigExample, DocumentedDefaultsAreTheAgents) {
  const std::map<std::string, std::string (*)(const std::string&)> place = {
      {"agent", agent_with},         {"pair", pair_with},
      {"pair.server", server_with},  {"pair.peer", peer_with},
      {"pair.notify", notify_with},  {"pair.track_script", script_with},
      {"pair.track_file", file_with}};
  int compared = 0;
  for (const Entry& entry : entries_of(read_example())) {
    const std::string& value = entry.documented;
    if (value == "required" || value == "none" || value.starts_with("the ")) continue;
    SCOPED_TRACE(entry.table + "." + entry.key + " = " + value);
    const auto with = place.at(entry.table);
    const bool optional_table = entry.table.starts_with("pair.track_");
    EXPECT_EQ(load_and_describe(with(entry.key + " = " + value)),
              load_and_describe(optional_table ? with("") : small_config()));
    ++compared;
  }
  EXPECT_EQ(compared, 59);
}

TEST(ConfigExample, DefaultsOfTheFileAreThoseOfTheStructs) {
  Config expected;
  expected.node = host_name();
  PairConfig pair;
  pair.name = "redis";
  pair.interface = "eth0";
  pair.vrid = vrrp::Vrid{51};
  pair.vips = {{*vrrp::Prefix::parse("192.168.1.120/24"), "eth0", {}, {}}};
  pair.server.host = "127.0.0.1";
  pair.server.port = 6379;
  pair.replication_host = "192.168.1.112";
  pair.replication_port = 6379;
  pair.peer_server.host = "192.168.1.113";
  pair.peer_server.port = 6379;
  expected.pairs = {pair};
  EXPECT_EQ(load_and_describe(small_config()), describe(expected));
}

// The loader's own list of its keys is in the message for a key that is like none of them.
TEST(ConfigExample, NamesEveryKeyThatTheLoaderKnows) {
  const ConfigFolder folder;
  std::map<std::string, std::set<std::string>> documented;
  for (const Entry& entry : entries_of(read_example())) documented[entry.table].insert(entry.key);
  documented["agent"].insert("peer_link");
  documented["pair"].insert({"server", "peer", "notify", "track_script", "track_file"});
  const std::map<std::string, std::string> spoiled = {
      {"agent", agent_with("zzzzzzzz = 1")},
      {"agent.peer_link", link_with(folder, "zzzzzzzz = 1")},
      {"pair", pair_with("zzzzzzzz = 1")},
      {"pair.server", server_with("zzzzzzzz = 1")},
      {"pair.peer", peer_with("zzzzzzzz = 1")},
      {"pair.notify", notify_with("zzzzzzzz = 1")},
      {"pair.track_script", script_with("zzzzzzzz = 1")},
      {"pair.track_file", file_with("zzzzzzzz = 1")}};
  std::map<std::string, std::set<std::string>> known;
  for (const auto& [table, text] : spoiled) {
    const std::vector<std::string> problems = problems_of(text);
    ASSERT_EQ(problems.size(), 1U);
    const std::string list = std::regex_replace(problems[0], std::regex(".*known here are "), "");
    const std::regex word("[a-z_]+");
    known[table] = {std::sregex_token_iterator(list.begin(), list.end(), word), {}};
  }
  EXPECT_EQ(documented, known);
}

TEST(ConfigExample, BecomesTheFileOfTheOtherHostByItsComments) {
  const ConfigFolder folder;
  std::map<std::string, std::string> other;
  for (const Entry& entry : entries_of(read_example())) {
    if (entry.active && !entry.on_the_other_host.empty()) {
      other[entry.table + "." + entry.key] = entry.on_the_other_host;
    }
  }
  std::string text;
  std::string table;
  for (const std::string& line : lines_of(read_example())) {
    if (line.starts_with("[")) table = std::regex_replace(line, std::regex("[\\[\\]]"), "");
    const auto found = other.find(table + "." + line.substr(0, line.find(" =")));
    text += (found == other.end() ? line : found->second) + "\n";
  }
  const LoadResult result = parse_config(with_secrets_in(folder, text), "tandem.toml");
  const auto* loaded = std::get_if<LoadedConfig>(&result);
  ASSERT_NE(loaded, nullptr);
  const PairConfig& pair = loaded->config.pairs.at(0);
  EXPECT_EQ(loaded->config.node, "server12");
  EXPECT_EQ(pair.priority, vrrp::Priority{240});
  EXPECT_EQ(pair.replication_host, "192.168.1.113");
  EXPECT_EQ(pair.peer_server.host, "192.168.1.112");
  EXPECT_EQ(loaded->config.peer_link.host, "192.168.1.113");
  EXPECT_EQ(pair.peer_agent_host, "192.168.1.112");
}

TEST(ConfigExample, NamesScriptsThatExistAndMayBeRun) {
  for (const Entry& entry : entries_of(read_example())) {
    if (entry.table != "pair.notify" || !entry.active) continue;
    const std::string script =
        std::string(TANDEM_SOURCE_DIR) + "/etc/notify.d/" + entry.key + ".sh";
    EXPECT_EQ(::access(script.c_str(), X_OK), 0) << script;
  }
}

// Whatever happens to a file on its way, the answer is a configuration or sentences of one line.
TEST(ConfigExample, SpoiledAtRandomIsAnsweredAndNeverCrashes) {
  const ConfigFolder folder;
  // Without most of the prose, so that keys and values are hit.
  const std::string text =
      std::regex_replace(with_secrets_in(folder, read_example()), std::regex("# [^\n]*\n"), "");
  const std::string bytes = "\"'[]{}=.,#\\\n \t019-ax\x80\xff";
  std::mt19937 random(20240611);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  int refused = 0;
  for (std::size_t round = 0; round < 2000; ++round) {
    std::string spoiled = text;
    if (round % 4 == 0) spoiled.resize(below(text.size()));
    for (std::size_t i = round % 4; i > 0 && !spoiled.empty(); --i) {
      const std::size_t at = below(spoiled.size());
      switch (below(3)) {
        case 0: spoiled[at] = bytes[below(bytes.size())]; break;
        case 1: spoiled.insert(at, 1, bytes[below(bytes.size())]); break;
        default: spoiled.erase(at, 1 + below(20)); break;
      }
    }
    const std::vector<std::string> problems = problems_of(spoiled);
    refused += problems.empty() ? 0 : 1;
    for (const std::string& problem : problems) {
      ASSERT_TRUE(problem.starts_with("tandem.toml")) << problem;
      ASSERT_EQ(problem.find('\n'), std::string::npos) << problem;
      ASSERT_EQ(problem.find("red1s-password"), std::string::npos) << problem;
    }
  }
  EXPECT_GT(refused, 1000);
}

// ---- helpers -----------------------------------------------------------------------------------

std::string read_example() {
  std::ifstream file(std::string(TANDEM_SOURCE_DIR) + "/etc/tandem.toml");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string with_secrets_in(const ConfigFolder& folder, std::string text) {
  folder.write("redis.password", "red1s-password\n");
  std::string secret(64, '5');
  folder.write("peer.secret", secret += '\n');
  return std::regex_replace(text, std::regex("/etc/tandem/((redis|peer).(password|secret))"),
                            folder.path("$1"));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::vector<Entry> entries_of(const std::string& text) {
  const std::regex header("(#?)\\[+([a-z_.]+)\\]+");
  const std::regex key("(#?)([a-z_]+) = .*");
  const std::regex documented(".*(Default: (.*?)\\.?|Required\\.)");
  const std::regex other("# On the other host: (([a-z_]+) = .*)");
  std::vector<Entry> entries;
  std::string table;
  bool whole_table = true;
  Entry entry;
  std::smatch match;
  for (const std::string& line : lines_of(text)) {
    if (std::regex_match(line, match, header)) {
      table = match[2];
      whole_table = match[1].length() == 0;
      entry = {};
    } else if (std::regex_match(line, match, key)) {
      entry.table = table;
      entry.key = match[2];
      entry.active = match[1].length() == 0;
      entry.whole_table = whole_table;
      entries.push_back(entry);
      entry = {};
    } else if (std::regex_match(line, match, other)) {
      entry.on_the_other_host = match[1];
    } else if (std::regex_match(line, match, documented)) {
      entry.documented = match[2].matched ? match[2].str() : "required";
    } else if (line.empty()) {
      entry = {};
    }
  }
  return entries;
}

}  // namespace
}  // namespace agent
