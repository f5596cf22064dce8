// The keys of [[pair]] that shape its virtual router beside version, priority and interval
// (config_pair_test.cpp): patience, preemption, and the key file of authenticated adverts.
#include <gtest/gtest.h>

#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

const std::string kDigits(64, 'a');
const std::string kForm =
    "write an id from 0 to 255 and 64 to 128 hexadecimal digits, as in: echo \"1 $(openssl rand "
    "-hex 32)\"";

// The message about auth_key_file when it names a file of that content.
Strings problems_of_keys(const std::string& content, mode_t mode = 0600) {
  const ConfigFolder folder;
  const std::string path = folder.write("vrrp.keys", content, mode);
  Strings out;
  for (std::string problem : problems_of(pair_with("auth_key_file = \"" + path + "\""))) {
    for (auto at = problem.find(path); at != std::string::npos; at = problem.find(path)) {
      problem.replace(at, path.size(), "FILE");
    }
    out.push_back(problem);
  }
  return out;
}

TEST(ConfigVrrp, PatienceAndPreemptionHaveTheirRanges) {
  const std::string pair = "tandem.toml:6: pair[redis].";
  expect_problems(
      pair_with,
      {{"down_adverts = 0", pair + "down_adverts: 0 is out of range; allowed are 1 to 100"},
       {"down_adverts = 101", pair + "down_adverts: 101 is out of range; allowed are 1 to 100"},
       {"preempt = 1", pair + "preempt: is an integer, must be true or false without quotes"},
       {"startup_hold = \"2h\"", pair + "startup_hold: 2h is out of range; allowed are 0s to 1h"},
       {"link_up_delay = \"6m\"",
        pair + "link_up_delay: 6m is out of range; allowed are 0s to 5m"}});
  const PairConfig loaded =
      load_pair(pair_with("down_adverts = 5\npreempt = true\npreempt_delay = \"10s\"\n"
                          "startup_hold = \"30s\"\nlink_up_delay = \"0s\""));
  EXPECT_EQ(loaded.down_adverts, 5);
  EXPECT_TRUE(loaded.preempt);
  EXPECT_EQ(loaded.preempt_delay, std::chrono::seconds(10));
  EXPECT_EQ(loaded.startup_hold, std::chrono::seconds(30));
  EXPECT_EQ(loaded.link_up_delay, Duration{});
}

TEST(ConfigVrrp, PreemptionIsWarnedOf) {
  expect_warnings(
      pair_with,
      {{"preempt = true",
        "tandem.toml:6: pair[redis].preempt: lets the higher priority take the role from a live "
        "leader, with a pause for its writers; leave it out unless the other host runs keepalived"},
       {"preempt_delay = \"10s\"",
        "tandem.toml:6: pair[redis].preempt_delay: has no effect without preempt = true"}});
}

TEST(ConfigVrrp, FailbackIsReadAndGoesNotTogetherWithPreempt) {
  const std::string pair = "tandem.toml:6: pair[redis].";
  expect_problems(
      pair_with, {{"failback = \"always\"",
                   pair + "failback: \"always\" is not allowed here; write \"auto\" or \"manual\""},
                  {"failback_delay = \"25h\"",
                   pair + "failback_delay: 25h is out of range; allowed are 0s to 24h"}});
  for (const std::string mode : {"auto", "manual"}) {
    expect_problems(pair_with, {{"failback = \"" + mode + "\"\npreempt = true",
                                 pair + "failback: and preempt = true contradict each other: "
                                        "preempt takes the role back at once, without looking "
                                        "whether the standby could; remove one of them"}});
  }
  expect_warnings(pair_with,
                  {{"failback_delay = \"10s\"",
                    pair + "failback_delay: has no effect without failback = \"auto\""},
                   {"failback = \"auto\"",
                    pair + "failback: \"auto\" has no effect without the peer link, over "
                           "which the role is asked back: write agent in [pair.peer]"}});
  const PairConfig loaded = load_pair(pair_with("failback = \"auto\"\nfailback_delay = \"0s\""));
  EXPECT_TRUE(loaded.failback);
  EXPECT_EQ(loaded.failback_delay, Duration{});
}

TEST(ConfigVrrp, KeysAreReadInTheirOrder) {
  const ConfigFolder folder;
  const std::string path = folder.write(
      "vrrp.keys", "# comment\n\n 7 " + kDigits + "\r\n0\t" + std::string(128, 'B') + "\n");
  const PairConfig pair = load_pair(pair_with("auth_key_file = \"" + path +
                                              "\"\nauth_mode = \"permissive\"\n"
                                              "auth_window = \"10s\""));
  EXPECT_EQ(pair.auth.keys, (std::vector<vrrp::AuthKey>{{7, std::vector<std::uint8_t>(32, 0xaa)},
                                                        {0, std::vector<std::uint8_t>(64, 0xbb)}}));
  EXPECT_EQ(pair.auth.mode, vrrp::AuthMode::permissive);
  EXPECT_EQ(pair.auth.window, std::chrono::seconds(10));
}

TEST(ConfigVrrp, ABadKeyFileIsNamedWithItsLine) {
  const std::string file = "tandem.toml:6: pair[redis].auth_key_file: \"FILE\" ";
  const auto say = [&](const std::string& what) { return Strings{file + what}; };
  EXPECT_EQ(problems_of_keys(""), say("has no key; " + kForm));
  EXPECT_EQ(problems_of_keys("# only words\n"), say("has no key; " + kForm));
  EXPECT_EQ(problems_of_keys("\n" + kDigits + "\n"), say("line 2 is not a key; " + kForm));
  EXPECT_EQ(problems_of_keys("1 " + kDigits + " more\n"), say("line 1 is not a key; " + kForm));
  EXPECT_EQ(problems_of_keys("256 " + kDigits + "\n"),
            say("line 1 has no id from 0 to 255; " + kForm));
  EXPECT_EQ(problems_of_keys("1 " + (kDigits + "g\n")),
            say("line 1 has a secret that is not hexadecimal; " + kForm));
  EXPECT_EQ(problems_of_keys("1 aabb\n"),
            say("line 1 has a secret of 2 bytes; allowed are 32 to 64: " + kForm));
  EXPECT_EQ(problems_of_keys("1 " + kDigits + "\n1 " + kDigits + "\n"),
            say("line 2 has the id 1 for the second time"));
  EXPECT_EQ(problems_of_keys("1 " + kDigits + "\n", 0640),
            say("has mode 0640, which lets group or others at the keys; run: chmod 0600 FILE"));
  EXPECT_EQ(problems_of(pair_with("auth_key_file = \"/nowhere/vrrp.keys\"")),
            Strings{"tandem.toml:6: pair[redis].auth_key_file: \"/nowhere/vrrp.keys\" does not "
                    "exist"});
}

TEST(ConfigVrrp, KeysWithoutAFileHaveNoEffect) {
  expect_warnings(pair_with,
                  {{"auth_mode = \"permissive\"",
                    "tandem.toml:6: pair[redis].auth_mode: has no effect without auth_key_file"},
                   {"auth_window = \"9s\"",
                    "tandem.toml:6: pair[redis].auth_window: has no effect without "
                    "auth_key_file"}});
}

}  // namespace
}  // namespace agent
