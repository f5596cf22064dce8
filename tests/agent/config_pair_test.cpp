// [[pair]] except addresses, and [pair.notify]: each mistake alone in a good file, with the whole
// list of messages.
#include <gtest/gtest.h>

#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

TEST(ConfigPair, NameIsThereGoodAndShownInKeys) {
  EXPECT_EQ(problems_of(without("name")),
            Strings{"tandem.toml:1: pair[1].name: is missing; write a unique one, as in name = "
                    "\"redis\""});
  expect_problems(pair_with,
                  {{"name = \"a b\"",
                    "tandem.toml:2: pair[1].name: \"a b\" is not a name; allowed are 1 to 64 "
                    "letters, digits, '_', '.' and '-'"},
                   {"name = \"\"",
                    "tandem.toml:2: pair[1].name: \"\" is not a name; allowed are 1 to 64 letters, "
                    "digits, '_', '.' and '-'"},
                   {"name = 5", "tandem.toml:2: pair[1].name: is an integer, must be a string"}});
  EXPECT_EQ(problems_of(pair_with("name = \"" + std::string(65, 'x') + "\"")).size(), 1U);
  EXPECT_EQ(load_pair(pair_with("name = \"" + std::string(64, 'x') + "\"")).name.size(), 64U);
}

TEST(ConfigPair, InterfaceIsAKernelName) {
  EXPECT_EQ(problems_of(without("interface")),
            Strings{"tandem.toml:1: pair[redis].interface: is missing; write the interface that "
                    "gets the VIP, as in interface = \"eth0\""});
  const std::string rule =
      " is not the name of a network interface; allowed are 1 to 15 bytes without blank, '/' and "
      "':', as `ip link` shows it";
  expect_problems(
      pair_with,
      {{"interface = \"sixteen-bytes-xx\"",
        "tandem.toml:3: pair[redis].interface: \"sixteen-bytes-xx\"" + rule},
       {"interface = \"\"", "tandem.toml:3: pair[redis].interface: \"\"" + rule},
       {"interface = \"eth0:1\"", "tandem.toml:3: pair[redis].interface: \"eth0:1\"" + rule},
       {"interface = 0", "tandem.toml:3: pair[redis].interface: is an integer, must be a string"}});
  EXPECT_EQ(load_pair(pair_with("interface = \"fifteen-bytes-x\"")).interface, "fifteen-bytes-x");
}

TEST(ConfigPair, VridIs1To255) {
  EXPECT_EQ(problems_of(without("vrid")),
            Strings{"tandem.toml:1: pair[redis].vrid: is missing; write a number from 1 to 255, "
                    "the same on both nodes"});
  expect_problems(
      pair_with,
      {{"vrid = 0", "tandem.toml:4: pair[redis].vrid: 0 is not a VRID; allowed are 1 to 255"},
       {"vrid = 256", "tandem.toml:4: pair[redis].vrid: 256 is not a VRID; allowed are 1 to 255"},
       {"vrid = \"51\"",
        "tandem.toml:4: pair[redis].vrid: is a string, must be an integer from 1 to 255"},
       {"vrid = 5.5",
        "tandem.toml:4: pair[redis].vrid: is a number with a fraction, must be an integer from 1 "
        "to 255"}});
  EXPECT_EQ(load_pair(pair_with("vrid = 255")).vrid, vrrp::Vrid{255});
}

TEST(ConfigPair, PriorityIs1To254WithReasons) {
  expect_problems(
      pair_with,
      {{"priority = 0",
        "tandem.toml:6: pair[redis].priority: 0 is what a leader sends when it resigns; allowed "
        "are 1 to 254"},
       {"priority = 255",
        "tandem.toml:6: pair[redis].priority: 255 means address owner and would seize the role "
        "without asking about the data; allowed are 1 to 254"},
       {"priority = -1",
        "tandem.toml:6: pair[redis].priority: -1 is not a priority; allowed are 1 to 254"},
       {"priority = true",
        "tandem.toml:6: pair[redis].priority: is a boolean, must be an integer from 1 to 254"}});
  EXPECT_EQ(load_pair(pair_with("priority = 254")).priority, vrrp::Priority{254});
}

TEST(ConfigPair, VersionIs2Or3) {
  expect_problems(
      pair_with,
      {{"version = 4",
        "tandem.toml:6: pair[redis].version: 4 is not a VRRP version; allowed are 2 and 3"},
       {"version = \"3\"",
        "tandem.toml:6: pair[redis].version: is a string, must be the integer 2 or 3"}});
}

TEST(ConfigPair, IntervalFitsTheVersionsField) {
  const std::string v3 = "; allowed are 10ms to 40.95s in steps of 10ms (VRRP version 3)";
  const std::string v2 = "; allowed are 1s to 255s in whole seconds (VRRP version 2)";
  const std::string key = "pair[redis].advert_interval: ";
  expect_problems(
      pair_with,
      {{"advert_interval = \"5ms\"", "tandem.toml:6: " + key + "5ms is out of range" + v3},
       {"advert_interval = \"40.96s\"", "tandem.toml:6: " + key + "40.96s is out of range" + v3},
       {"advert_interval = \"15ms\"",
        "tandem.toml:6: " + key + "15ms is not a multiple of 10ms" + v3},
       {"version = 2\nadvert_interval = \"100ms\"",
        "tandem.toml:7: " + key + "100ms is out of range" + v2},
       {"version = 2\nadvert_interval = \"1.5s\"",
        "tandem.toml:7: " + key + "1.5s is not a multiple of 1s" + v2},
       {"version = 2\nadvert_interval = \"256s\"",
        "tandem.toml:7: " + key + "256s is out of range" + v2}});
  EXPECT_EQ(load_pair(pair_with("advert_interval = \"40.95s\"")).advert_interval,
            std::chrono::milliseconds(40950));
  EXPECT_EQ(load_pair(pair_with("version = 2")).advert_interval, std::chrono::seconds(1));
  EXPECT_EQ(load_pair(pair_with("version = 2\nadvert_interval = \"255s\"")).advert_interval,
            std::chrono::seconds(255));
}

TEST(ConfigPair, DurationsHaveAUnit) {
  const std::string key = "tandem.toml:6: pair[redis].max_replica_age: ";
  const std::string form =
      " is not a duration; write a number and ms, s, m or h without a blank, as in \"100ms\" or "
      "\"1.5s\"";
  expect_problems(
      pair_with,
      {{"max_replica_age = 30",
        key + "is 30 without a unit; write \"30ms\", \"30s\", \"30m\" or \"30h\""},
       {"max_replica_age = \"30\"",
        key + "is 30 without a unit; write \"30ms\", \"30s\", \"30m\" or \"30h\""},
       {"max_replica_age = -1", key + "is negative; write a duration such as \"100ms\" or \"2s\""},
       {"max_replica_age = 1.5",
        key + "is a number without a unit; write for instance \"1.5s\" or \"100ms\""},
       {"max_replica_age = true",
        key + "is a boolean, must be a duration such as \"100ms\" or \"2s\""},
       {"max_replica_age = \"\"", key + "\"\"" + form},
       {"max_replica_age = \"30 s\"", key + "\"30 s\"" + form},
       {"max_replica_age = \"-30s\"", key + "\"-30s\"" + form},
       {"max_replica_age = \"30S\"", key + "\"30S\"" + form},
       {"max_replica_age = \"1.s\"", key + "\"1.s\"" + form},
       {"max_replica_age = \"1.1234567s\"", key + "\"1.1234567s\"" + form},
       {"max_replica_age = \"169h\"", key + "169h is out of range; allowed are 0s to 168h"},
       {"max_replica_age = \"999999999999h\"",
        key + "999999999999h is out of range; allowed are 0s to 168h"}});
  const auto age = [](const std::string& text) {
    return load_pair(pair_with("max_replica_age = \"" + text + "\"")).max_replica_age;
  };
  EXPECT_EQ(age("100ms"), std::chrono::milliseconds(100));
  EXPECT_EQ(age("1.5s"), std::chrono::milliseconds(1500));
  EXPECT_EQ(age("5m"), std::chrono::minutes(5));
  EXPECT_EQ(age("1.5h"), std::chrono::minutes(90));
  EXPECT_EQ(age("0s"), Duration{0});
}

TEST(ConfigPair, OtherDurationsHaveRanges) {
  expect_problems(
      pair_with,
      {{"wait_for_peer = \"25h\"",
        "tandem.toml:6: pair[redis].wait_for_peer: 25h is out of range; allowed are 0s to 24h"},
       {"promote_timeout = \"99ms\"",
        "tandem.toml:6: pair[redis].promote_timeout: 99ms is out of range; allowed are 100ms to "
        "5m"},
       {"max_takeovers_per_hour = -1",
        "tandem.toml:6: pair[redis].max_takeovers_per_hour: -1 is out of range; allowed are 0 to "
        "1000"},
       {"mode = \"fast\"",
        "tandem.toml:6: pair[redis].mode: \"fast\" is not allowed here; write \"available\" or "
        "\"safe\""},
       {"mode = \"safe\"\nfence = [\"/usr/local/sbin/fence\"]",
        "tandem.toml:7: pair[redis].fence: needs the peer link, without which a server that hangs "
        "looks like a host that is down: write agent in [pair.peer]"},
       {"fence_timeout = \"0s\"",
        "tandem.toml:6: pair[redis].fence_timeout: 0s is out of range; allowed are 100ms to 1h"},
       {"rejoin = \"never\"",
        "tandem.toml:6: pair[redis].rejoin: \"never\" is not allowed here; write \"auto\" or "
        "\"manual\""},
       {"keep_diverged = 0",
        "tandem.toml:6: pair[redis].keep_diverged: 0 is out of range; allowed are 1 to 1000"},
       {"handover_timeout = \"6m\"",
        "tandem.toml:6: pair[redis].handover_timeout: 6m is out of range; allowed are 100ms to "
        "5m"}});
}

TEST(ConfigPair, SizesArePowersOf1024) {
  const std::string key = "tandem.toml:6: pair[redis].max_lag: ";
  const std::string form =
      " is not a size; write a whole number and B, KB, MB or GB (powers of 1024) without a blank, "
      "as in \"16MB\"";
  expect_problems(
      pair_with,
      {{"max_lag = \"16 MB\"", key + "\"16 MB\"" + form},
       {"max_lag = \"1.5MB\"", key + "\"1.5MB\"" + form},
       {"max_lag = \"16mb\"", key + "\"16mb\"" + form},
       {"max_lag = -1", key + "is out of range; allowed are 0 to 1024GB"},
       {"max_lag = \"1025GB\"", key + "is out of range; allowed are 0 to 1024GB"},
       {"max_lag = \"999999999999GB\"", key + "is out of range; allowed are 0 to 1024GB"},
       {"max_lag = []",
        key + "is an array, must be a size in bytes or one such as \"512KB\" or \"16MB\""}});
  const auto lag = [](const std::string& value) {
    return load_pair(pair_with("max_lag = " + value)).max_lag_bytes;
  };
  EXPECT_EQ(lag("1024"), 1024U);
  EXPECT_EQ(lag("\"1024\""), 1024U);
  EXPECT_EQ(lag("\"512KB\""), 512U * 1024);
  EXPECT_EQ(lag("\"1GB\""), 1024U * 1024 * 1024);
}

TEST(ConfigPair, AuthPassNeedsVersion2AndAPrivateFile) {
  const ConfigFolder folder;
  const std::string v3 = pair_with("auth_pass = \"s3cret\"");
  const std::string v2 = pair_with("version = 2\nvip_lease = \"4s\"\nauth_pass = \"s3cret\"");
  const std::string open = folder.write("open.toml", v2, 0644);
  const std::string group = folder.write("group.toml", v2, 0640);
  const std::string closed = folder.write("closed.toml", v2, 0600);

  EXPECT_EQ(problems_of(v3),
            Strings{"tandem.toml:6: pair[redis].auth_pass: is not possible with version 3, which "
                    "has no passwords; remove it, or write version = 2 on both nodes"});
  EXPECT_EQ(problems_of(v2, open),
            Strings{folder.in_text("DIR/open.toml:8: pair[redis].auth_pass: is a password in a "
                                   "file that group or others can read (mode 0644); run: chmod "
                                   "0600 DIR/open.toml")});
  EXPECT_EQ(problems_of(v2, group),
            Strings{folder.in_text("DIR/group.toml:8: pair[redis].auth_pass: is a password in a "
                                   "file that group or others can read (mode 0640); run: chmod "
                                   "0600 DIR/group.toml")});
  EXPECT_EQ(warnings_of(v2, closed), Strings{});
  EXPECT_EQ(load_pair(v2).auth_type, vrrp::AuthType::pass);
  EXPECT_EQ(load_pair(v2).auth_pass, vrrp::make_auth_pass("s3cret"));
}

TEST(ConfigPair, AuthPassIsCutTo8BytesWithAWarning) {
  const std::string text = pair_with("version = 2\nvip_lease = \"4s\"\nauth_pass = \"123456789\"");
  EXPECT_EQ(warnings_of(text),
            Strings{"tandem.toml:8: pair[redis].auth_pass: is longer than 8 bytes; only the first "
                    "8 are used, as keepalived does"});
  EXPECT_EQ(load_pair(text).auth_pass, vrrp::make_auth_pass("12345678"));
  expect_problems(
      pair_with,
      {{"version = 2\nauth_pass = \"\"", "tandem.toml:7: pair[redis].auth_pass: is empty"},
       {"version = 2\nauth_pass = 12345678",
        "tandem.toml:7: pair[redis].auth_pass: is an integer, must be a string"}});
}

TEST(ConfigPair, LeaseIs2To60WholeSeconds) {
  const std::string key = "tandem.toml:6: pair[redis].vip_lease: ";
  const std::string allowed = "; allowed are 2s to 60s in whole seconds";
  expect_problems(
      pair_with,
      {{"vip_lease = \"1s\"", key + "1s is out of range" + allowed},
       {"vip_lease = \"61s\"", key + "61s is out of range" + allowed},
       {"vip_lease = \"2.5s\"", key + "2.5s is not a multiple of 1s" + allowed},
       {"vip_lease = 2", key + "is 2 without a unit; write \"2ms\", \"2s\", \"2m\" or \"2h\""}});
  EXPECT_EQ(load_pair(pair_with("vip_lease = \"1m\"")).vip_lease, std::chrono::seconds(60));
}

TEST(ConfigPair, LeaseShorterThanTheStandbysPatienceIsAWarning) {
  const std::string reason =
      " is shorter than three advert intervals and a second (4s): an agent that stalls loses its "
      "VIP before the standby can take it; raise it or shorten advert_interval";
  expect_warnings(pair_with, {{"advert_interval = \"1s\"\nvip_lease = \"3s\"",
                               "tandem.toml:7: pair[redis].vip_lease: 3s" + reason},
                              {"version = 2",
                               "tandem.toml:1: pair[redis].vip_lease: 2s (the default)" + reason}});
  EXPECT_EQ(warnings_of(pair_with("version = 2\nvip_lease = \"4s\"")), Strings{});
}

TEST(ConfigPair, AnnounceHasACountAndTwoIntervals) {
  const std::string key = "tandem.toml:6: pair[redis].announce";
  expect_problems(
      pair_with,
      {{"announce = 5", key + ": is an integer, must be a table"},
       {"announce = { count = 0 }", key + ".count: 0 is out of range; allowed are 1 to 100"},
       {"announce = { count = \"5\" }",
        key + ".count: is a string, must be an integer from 1 to 100"},
       {"announce = { repeat = \"99ms\" }",
        key + ".repeat: 99ms is too often; allowed are 100ms to 24h, and \"0s\" for never"},
       {"announce = { refresh = \"25h\" }",
        key + ".refresh: 25h is out of range; allowed are 0s to 24h"},
       {"announce = { cuont = 5 }", key + ".cuont: unknown key; did you mean \"count\"?"}});
  const PairConfig pair =
      load_pair(pair_with("announce = { count = 1, repeat = \"0s\", refresh = \"0s\" }"));
  EXPECT_EQ(pair.announce_count, 1);
  EXPECT_EQ(pair.announce_repeat, Duration{0});
  EXPECT_EQ(pair.announce_refresh, Duration{0});
}

TEST(ConfigNotify, CommandsAreAbsoluteAndWhole) {
  const std::string key = "tandem.toml:12: pair[redis].notify.";
  expect_problems(
      notify_with,
      {{"master = \"notify.d/master.sh\"",
        key + "master: \"notify.d/master.sh\" is not an absolute path; write the whole path of the "
              "script"},
       {"master = [\"master.sh\", \"--token\", \"s3cret\"]",
        key + "master: \"master.sh\" is not an absolute path; write the whole path of the script"},
       {"backup = []", key + "backup: is empty; write the path of a script or leave the key out"},
       {"fault = [\"/bin/true\", 1]",
        key + "fault: contains an integer, must be a command line or an array of words"},
       {"stop = 1", key + "stop: is an integer, must be a command line or an array of words"},
       {"any = [\"/bin/true\", \"a\\u0000b\"]", key + "any: contains a zero byte"},
       {"pre_promote = \"may_lead.sh\"",
        key + "pre_promote: \"may_lead.sh\" is not an absolute path; write the whole path of the "
              "script"},
       {"pre_timeout = \"11s\"", key + "pre_timeout: 11s is out of range; allowed are 50ms to 10s"},
       {"pre_overrun = \"go\"",
        key + "pre_overrun: \"go\" is not allowed here; write \"proceed\" or \"veto\""},
       {"fifo = \"notify.fifo\"", key + "fifo: is not an absolute path; begin it with '/'"},
       {"user = \"\"", key + "user: is empty"},
       {"group = 0", key + "group: is an integer, must be a string"},
       {"timeout = \"0s\"", key + "timeout: 0s is out of range; allowed are 100ms to 1h"},
       {"mastr = \"/bin/true\"", key + "mastr: unknown key; did you mean \"master\"?"}});
  const PairConfig pair = load_pair(
      notify_with("master = \"/bin/echo 'two words' last\"\nbackup = [\"/bin/echo\", \"a  b\"]"));
  EXPECT_EQ(pair.notify.master, (Strings{"/bin/echo", "two words", "last"}));
  EXPECT_EQ(pair.notify.backup, (Strings{"/bin/echo", "a  b"}));
}

// The sentence is hooks::split_words' own.
TEST(ConfigNotify, CommandLineThatCannotBeSplitIsRefused) {
  for (const std::string line : {"/bin/echo 'open", ""}) {
    const auto split = hooks::split_words(line);
    ASSERT_TRUE(std::holds_alternative<hooks::SplitError>(split)) << line;
    EXPECT_EQ(problems_of(notify_with("any = \"" + line + "\"")),
              Strings{"tandem.toml:12: pair[redis].notify.any: " +
                      std::get<hooks::SplitError>(split).what});
  }
}

}  // namespace
}  // namespace agent
