// The addresses of [[pair]] and pairs against each other: each mistake alone in a good file, with
// the whole list of messages.
#include <gtest/gtest.h>

#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

// A second pair behind the small one; its header is line 11.
std::string with_second_pair(const std::string& name, const std::string& interface, int version,
                             const std::string& vips);

TEST(ConfigAddresses, VipsHaveAPrefixLength) {
  EXPECT_EQ(problems_of(without("vips")),
            Strings{"tandem.toml:1: pair[redis].vips: is missing; write at least one, as in vips = "
                    "[\"192.168.1.120/24\"]"});
  const std::string key = "tandem.toml:5: pair[redis].vips[1]: ";
  expect_problems(
      pair_with,
      {{"vips = []",
        "tandem.toml:5: pair[redis].vips: is empty; write at least one, as in vips = "
        "[\"192.168.1.120/24\"]"},
       {"vips = \"192.168.1.120/24\"",
        "tandem.toml:5: pair[redis].vips: is a string, must be an array"},
       {"vips = [120]",
        key + "is an integer, must be an address with prefix length such as \"192.168.1.120/24\""},
       {"vips = [\"192.168.1.120\"]",
        key + "has no prefix length; write that of the interface's network, as in "
              "\"192.168.1.120/24\""},
       {"vips = [\"192.168.1.120/33\"]",
        key + "\"33\" is not a prefix length; allowed are 1 to 32"},
       {"vips = [\"192.168.1.120/\"]", key + "\"\" is not a prefix length; allowed are 1 to 32"},
       {"vips = [\"192.168.1.120/0\"]", key + "\"0\" is not a prefix length; allowed are 1 to 32"},
       {"vips = [\"192.168.1.256/24\"]", key + "\"192.168.1.256\" is not an IPv4 address"},
       {"vips = [\"\"]", key + "has no address; write \"192.168.1.120/24\""},
       {"vips = [\"2001:db8::1\"]",
        key + "has no prefix length; write that of the interface's network, as in "
              "\"2001:db8::1/64\""},
       {"vips = [\"2001:db8::1/129\"]",
        key + "\"129\" is not a prefix length; allowed are 1 to 128"},
       {"vips = [\"2001:db8::/64\"]",
        key + "\"2001:db8::/64\" is the address of the network's routers; write that of a host"},
       {"vips = [\"2001::db8::1/64\"]", key + "\"2001::db8::1\" is not an IPv6 address"},
       {"vips = [\"fe80::1%eth0/64\"]",
        key + "\"fe80::1%eth0\" is not an IPv6 address; leave the zone out, the key `interface` "
              "names the link"},
       {"vips = [\"::1/128\"]",
        key + "\"::1\" cannot be a VIP; write an address of the interface's network"},
       {"vips = [\"ff02::12/128\"]",
        key + "\"ff02::12\" cannot be a VIP; write an address of the interface's network"},
       {"vips = [\"::ffff:192.168.1.120/128\"]",
        key + "\"::ffff:192.168.1.120\" cannot be a VIP; write an address of the interface's "
              "network"},
       {"vips = [\"redis.example.org/24\"]",
        key + "\"redis.example.org\" is not a numeric address; host names are refused because a "
              "resolver that does not answer would stall a failover"},
       {"vips = [\"127.0.0.1/8\"]",
        key + "\"127.0.0.1\" cannot be a VIP; write an address of the interface's network"},
       {"vips = [\"224.0.0.18/32\"]",
        key + "\"224.0.0.18\" cannot be a VIP; write an address of the interface's network"},
       {"vips = [\"192.168.1.0/24\"]",
        key + "\"192.168.1.0/24\" is the network's own or its broadcast address; write that of a "
              "host"},
       {"vips = [\"192.168.1.255/24\"]",
        key + "\"192.168.1.255/24\" is the network's own or its broadcast address; write that of a "
              "host"}});
  EXPECT_EQ(load_pair(pair_with("vips = [\"10.0.0.0/31\", \"10.0.0.255/32\"]")).vips.size(), 2U);
}

TEST(ConfigAddresses, VipsFitIntoAnAdvertisement) {
  const auto vips = [](int count) {
    std::string line = "vips = [";
    for (int i = 0; i < count; ++i) {
      line += "\"10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + "/16\",\n";
    }
    return pair_with(line + "]");
  };
  EXPECT_EQ(problems_of(vips(255)), Strings{});
  EXPECT_EQ(problems_of(vips(256)),
            Strings{"tandem.toml:5: pair[redis].vips: has more than 255 addresses, which is what "
                    "an advertisement can carry"});
}

TEST(ConfigAddresses, VipsAreUniqueWithinAndAcrossPairs) {
  expect_problems(pair_with,
                  {{"vips = [\"192.168.1.120/24\", \"192.168.1.121/24\", \"192.168.1.120/32\"]",
                    "tandem.toml:5: pair[redis].vips[3]: 192.168.1.120 is in the list twice"}});
  EXPECT_EQ(problems_of(
                with_second_pair("cache", "eth1", 3, "\"192.168.1.121/24\", \"192.168.1.120/24\"")),
            Strings{"tandem.toml:16: pair[cache].vips[2]: 192.168.1.120 is also a VIP of "
                    "pair[redis] (line 5)"});
}

TEST(ConfigAddresses, PairsAreToldApartByNameAndVrid) {
  const std::string vip = "\"192.168.1.121/24\"";
  EXPECT_EQ(problems_of(with_second_pair("redis", "eth1", 3, vip)),
            Strings{"tandem.toml:12: pair[redis].name: is also the name of another pair (line 2); "
                    "each pair needs its own"});
  EXPECT_EQ(problems_of(with_second_pair("cache", "eth0", 3, vip)),
            Strings{"tandem.toml:14: pair[cache].vrid: 51 on eth0 is also the VRID of pair[redis] "
                    "(line 4); each pair on an interface needs its own"});
  EXPECT_EQ(problems_of(with_second_pair("cache", "eth1", 3, vip)), Strings{});
  // The two versions do not hear each other.
  EXPECT_EQ(problems_of(with_second_pair("cache", "eth0", 2, vip)), Strings{});
}

TEST(ConfigAddresses, UnicastPeersAreOtherHosts) {
  const std::string key = "tandem.toml:6: pair[redis].unicast_peers";
  expect_problems(
      pair_with,
      {{"unicast_peers = \"192.168.1.113\"", key + ": is a string, must be an array"},
       {"unicast_peers = [113]", key + "[1]: is an integer, must be an IP address"},
       {"unicast_peers = [\"\"]", key + "[1]: is empty, must be an IP address"},
       {"unicast_peers = [\"server12\"]",
        key + "[1]: \"server12\" is not a numeric address; host names are refused because a "
              "resolver that does not answer would stall a failover"},
       {"unicast_peers = [\"224.0.0.18\"]",
        key + "[1]: \"224.0.0.18\" is not the address of a host"},
       {"unicast_peers = [\"192.168.1.113\", \"192.168.1.113\"]",
        key + "[2]: 192.168.1.113 is in the list twice"},
       {"unicast_peers = [\"192.168.1.120\"]",
        key + "[1]: 192.168.1.120 is a VIP of pair[redis]; write the other host's own address"},
       {"unicast_peers = [\"192.168.1.112\"]",
        key + "[1]: 192.168.1.112 is the host of server.replication_address, this one; write the "
              "other host's own address"}});
  EXPECT_EQ(load_pair(pair_with("unicast_peers = [\"192.168.1.113\"]")).unicast_peers,
            std::vector{*vrrp::IpAddress::parse("192.168.1.113")});
}

// ---- helpers -----------------------------------------------------------------------------------

std::string with_second_pair(const std::string& name, const std::string& interface, int version,
                             const std::string& vips) {
  return small_config() + "[[pair]]\nname = \"" + name + "\"\ninterface = \"" + interface +
         "\"\nvrid = 51\nversion = " + std::to_string(version) + "\nvips = [" + vips +
         "]\n[pair.server]\naddress = \"127.0.0.1:6380\"\n"
         "replication_address = \"192.168.1.112:6380\"\n"
         "[pair.peer]\nserver = \"192.168.1.113:6380\"\n";
}

}  // namespace
}  // namespace agent
