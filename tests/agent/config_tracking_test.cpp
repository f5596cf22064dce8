// track_interfaces, track_gateway, [[pair.track_script]] and [[pair.track_file]]: what is read,
// each mistake alone in a good file, and weights that cannot do what their author wants.
#include <gtest/gtest.h>

#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

TEST(ConfigTracking, ReadsAllOfIt) {
  EXPECT_EQ(describe(load_pair("[[pair]]\n"
                               "name = \"redis\"\n"
                               "interface = \"eth0\"\n"
                               "vrid = 51\n"
                               "vips = [\"192.168.1.120/24\"]\n"
                               "track_interfaces = [\"eth1\", \"eth2\"]\n"
                               "track_gateway = { address = \"fe80::1\", fall = 5, rise = 1, "
                               "interval = \"2s\", timeout = \"1s\" }\n"
                               "[pair.server]\n"
                               "address = \"127.0.0.1:6379\"\n"
                               "replication_address = \"192.168.1.112:6379\"\n"
                               "[pair.peer]\n"
                               "server = \"192.168.1.113:6379\"\n"
                               "[[pair.track_script]]\n"
                               "name = \"check\"\n"
                               "command = \"/bin/check 'a b'\"\n"
                               "interval = \"5s\"\n"
                               "[[pair.track_script]]\n"
                               "name = \"other\"\n"
                               "command = [\"/bin/other\"]\n"
                               "timeout = \"500ms\"\n"
                               "rise = 2\n"
                               "fall = 3\n"
                               "user = \"redis\"\n"
                               "group = \"redis\"\n"
                               "[[pair.track_file]]\n"
                               "path = \"/run/mode\"\n"
                               "[[pair.track_file]]\n"
                               "name = \"second\"\n"
                               "path = \"/run/mode\"\n"
                               "weight = -2\n")
                         .tracking),
            "track_interfaces <eth1><eth2>\n"
            "track_gateway fe80::1 interval=2000ms timeout=1000ms fall=5 rise=1\n"
            "track_script check command=</bin/check><a b> interval=5000ms timeout=5000ms rise=1 "
            "fall=1 weight=0 user=nobody group=\n"
            "track_script other command=</bin/other> interval=1000ms timeout=500ms rise=2 fall=3 "
            "weight=0 user=redis group=redis\n"
            "track_file /run/mode path=/run/mode weight=0\n"
            "track_file second path=/run/mode weight=-2\n");
  EXPECT_EQ(describe(load_pair(pair_with("track_gateway = \"192.168.1.1\"")).tracking),
            "track_gateway 192.168.1.1 interval=1000ms timeout=500ms fall=3 rise=2\n");
}

TEST(ConfigTracking, GatewayIsAThirdHost) {
  const std::string key = "tandem.toml:6: pair[redis].track_gateway: ";
  const std::string advice =
      "; write the address of a router or of another host that is always there";
  expect_problems(
      pair_with,
      {{"track_gateway = 1", key + "is an integer, must be an address or a table"},
       {"track_gateway = \"router\"",
        key + "\"router\" is not an address; write one such as \"192.168.1.1\""},
       {"track_gateway = \"224.0.0.18\"",
        key + "\"224.0.0.18\" is no address of a router; write the gateway's own"},
       {"track_gateway = \"127.0.0.1\"",
        key + "\"127.0.0.1\" is no address of a router; write the gateway's own"},
       {"track_gateway = \"192.168.1.120\"", key + "192.168.1.120 is a VIP of this pair" + advice},
       {"track_gateway = \"192.168.1.112\"", key + "192.168.1.112 is this host" + advice},
       {"track_gateway = \"192.168.1.113\"", key + "192.168.1.113 is the other host" + advice},
       {"track_gateway = { interval = \"1s\" }",
        "tandem.toml:6: pair[redis].track_gateway.address: is missing; write the router's address, "
        "as in address = \"192.168.1.1\""},
       {"track_gateway = { address = \"192.168.1.1\", timeout = \"2s\" }",
        "tandem.toml:6: pair[redis].track_gateway.timeout: timeout (2s) is longer than interval "
        "(1s); make it as long at most"}});
}

TEST(ConfigTracking, InterfacesAreOthersThanThePairs) {
  const std::string key = "tandem.toml:6: pair[redis].track_interfaces";
  expect_problems(pair_with,
                  {{"track_interfaces = \"eth1\"", key + ": is a string, must be an array"},
                   {"track_interfaces = [\"eth1\", \"eth1\"]", key + ": names \"eth1\" twice"},
                   {"track_interfaces = [\"a b\"]",
                    key + "[1]: \"a b\" is not the name of a network interface; allowed are 1 to "
                          "15 bytes without blank, '/' and ':', as `ip link` shows it"}});
  expect_warnings(pair_with,
                  {{"track_interfaces = [\"eth0\"]",
                    key + ": names \"eth0\", the interface of the pair, which is watched "
                          "anyway"}});
}

TEST(ConfigTracking, ScriptsAndFilesAreTablesWithNames) {
  expect_problems(
      script_with,
      {{"weight = 254",
        "tandem.toml:15: pair[redis].track_script[check].weight: 254 is out of range; allowed are "
        "-253 to 253"},
       {"timeout = \"1ms\"",
        "tandem.toml:15: pair[redis].track_script[check].timeout: 1ms is out of range; allowed are "
        "100ms to 1h"},
       {"intervall = \"1s\"",
        "tandem.toml:15: pair[redis].track_script[check].intervall: unknown key; did you mean "
        "\"interval\"?"},
       {"[[pair.track_script]]\nname = \"check\"\ncommand = \"/bin/true\"",
        "tandem.toml:16: pair[redis].track_script[check].name: \"check\" is also another "
        "track_script of this pair"}});
  EXPECT_EQ(problems_of(small_config() + "[[pair.track_script]]\n"),
            (Strings{"tandem.toml:11: pair[redis].track_script[1].name: is missing; write a unique "
                     "one, as in name = \"check_disk\"",
                     "tandem.toml:11: pair[redis].track_script[1].command: is missing; write the "
                     "path of a script that ends with 0 when all is well"}));
  EXPECT_EQ(
      problems_of(small_config() + "[pair.track_file]\npath = \"/run/mode\"\n"),
      Strings{"tandem.toml:11: pair[redis].track_file: is written as [pair.track_file]; write "
              "[[pair.track_file]], because there can be several"});
  EXPECT_EQ(problems_of(pair_with("track_file = \"/run/mode\"")),
            Strings{"tandem.toml:6: pair[redis].track_file: is a string, must be tables that begin "
                    "with [[pair.track_file]]"});
  EXPECT_EQ(problems_of(pair_with("track_script = [1]")),
            Strings{"tandem.toml:6: pair[redis].track_script[1]: is an integer, must be a table"});
}

TEST(ConfigTracking, WeightsOfAStickyPairGetAWarning) {
  const std::string advice =
      "moves no role: roles are sticky, whatever the priority; write weight = 0 to make a failure "
      "resign";
  expect_warnings(
      script_with,
      {{"weight = -20", "tandem.toml:15: pair[redis].track_script[check].weight: " + advice}});
  expect_warnings(file_with,
                  {{"weight = 1", "tandem.toml:14: pair[redis].track_file[1].weight: " + advice}});
  EXPECT_EQ(warnings_of(script_with("weight = 0")), Strings{});
}

}  // namespace
}  // namespace agent
