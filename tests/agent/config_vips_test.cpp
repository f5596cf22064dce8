// The forms of VIPs and what the two families ask of a pair: each mistake alone in a good file,
// with the whole list of messages.
#include <gtest/gtest.h>

#include "agent/voices.hpp"
#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

// What a pair speaks: "IPv4 from any to 224.0.0.18: 192.168.1.120; IPv6 ...".
std::string voices_of(const std::string& text);
// The small file with a line in place of its VIPs, which may bring further lines.
std::string vips_line(const std::string& line) {
  return pair_with(line);
}

TEST(ConfigVips, MayBeTablesWithInterfaceLabelAndScope) {
  const PairConfig pair = load_pair(
      pair_with(R"(vips = ["192.168.1.120/24", { address = "10.0.0.1/8", interface = "eth1", )"
                R"(label = "eth1:vip", scope = "link" }])"));
  const std::vector<vrrp::VirtualAddress> expected{
      {*vrrp::Prefix::parse("192.168.1.120/24"), "eth0", {}, vrrp::AddressScope::global},
      {*vrrp::Prefix::parse("10.0.0.1/8"), "eth1", "eth1:vip", vrrp::AddressScope::link}};
  EXPECT_EQ(pair.vips, expected);
}

TEST(ConfigVips, TablesAreCheckedKeyByKey) {
  const std::string key = "tandem.toml:5: pair[redis].vips[1]";
  expect_problems(
      vips_line,
      {{R"(vips = [{ interface = "eth1" }])",
        key + ".address: is missing; write it as in address = \"192.168.1.120/24\""},
       {R"(vips = [{ address = "10.0.0.1/8", adress = 1 }])",
        key + ".adress: unknown key; did you mean \"address\"?"},
       {R"(vips = [{ address = "10.0.0.1/8", interface = "a b" }])",
        key + ".interface: \"a b\" is not the name of a network interface; allowed are 1 to 15 "
              "bytes without blank, '/' and ':', as `ip link` shows it"},
       {R"(vips = [{ address = "10.0.0.1/8", label = "eth1:vip" }])",
        key + ".label: \"eth1:vip\" does not begin with the name of the interface; write for "
              "instance \"eth0:vip\""},
       {R"(vips = [{ address = "10.0.0.1/8", label = "eth0:redis-leader" }])",
        key + ".label: is longer than 15 bytes"},
       {R"(vips = [{ address = "10.0.0.1/8", scope = "world" }])",
        key + ".scope: \"world\" is not allowed here; write \"global\", \"site\", \"link\" or "
              "\"host\""},
       {R"(vips = [{ address = "fe80::51/64", label = "eth0:vip" }])",
        key + ".label: is for IPv4 only; remove it"},
       {R"(vips = [{ address = "fe80::51/64", scope = "link" }])",
        key + ".scope: is for IPv4 only; an IPv6 address has its scope in itself; remove it"}});
}

TEST(ConfigVips, AdvertsOverIpv6BeginWithALinkLocalOne) {
  expect_problems(
      vips_line,
      {{R"(vips = ["2001:db8::120/64"])",
        "tandem.toml:5: pair[redis].vips: has IPv6 addresses but no link-local one, which IPv6 "
        "adverts must begin with; add one that is free, as in \"fe80::51/64\", on both nodes, or "
        "move the IPv6 addresses to vips_excluded"}});
  EXPECT_EQ(
      voices_of(vips_line(R"(vips = ["2001:db8::120/64", "2001:db8::121/64", "fe80::51/64"])")),
      "IPv6 from any to ff02::12: fe80::51 2001:db8::120 2001:db8::121");
}

TEST(ConfigVips, EachFamilySpeaksForItself) {
  const std::string vips = R"(vips = ["fe80::51/64", "192.168.1.120/24"])";
  EXPECT_EQ(voices_of(vips_line(vips)),
            "IPv4 from any to 224.0.0.18: 192.168.1.120; IPv6 from any to ff02::12: fe80::51");
  EXPECT_EQ(voices_of(vips_line(vips + R"(
source = ["192.168.1.112", "2001:db8::112"]
unicast_peers = ["2001:db8::113", "192.168.1.113"])")),
            "IPv4 from 192.168.1.112 to 192.168.1.113: 192.168.1.120; "
            "IPv6 from 2001:db8::112 to 2001:db8::113: fe80::51");
  EXPECT_EQ(voices_of(pair_with(R"(vips_excluded = ["2001:db8::120/64"])")),
            "IPv4 from any to 224.0.0.18: 192.168.1.120");
}

TEST(ConfigVips, Version2CannotAdvertiseIpv6) {
  const std::string text = vips_line("vips = [\"192.168.1.120/24\", \"fe80::51/64\"]\nversion = 2");
  EXPECT_EQ(problems_of(text),
            Strings{"tandem.toml:5: pair[redis].vips: has IPv6 addresses, which VRRP version 2 "
                    "cannot advertise; move them to vips_excluded, or write version = 3 on both "
                    "nodes"});
  EXPECT_EQ(problems_of(pair_with("version = 2\nvips_excluded = [\"2001:db8::120/64\"]")),
            Strings{});
}

TEST(ConfigVips, AreUniqueInBothLists) {
  EXPECT_EQ(problems_of(pair_with("vips_excluded = [\"192.168.1.120/24\"]")),
            Strings{"tandem.toml:6: pair[redis].vips_excluded[1]: 192.168.1.120 is also in vips "
                    "(line 5)"});
  // A link-local address is another one on another link.
  const std::string twice = R"(vips_excluded = ["fe80::51/64", { address = "fe80::51/64", )";
  EXPECT_EQ(problems_of(pair_with(twice + R"(interface = "eth1" }])")), Strings{});
  EXPECT_EQ(problems_of(pair_with(twice + R"(interface = "eth0" }])")),
            Strings{"tandem.toml:6: pair[redis].vips_excluded[2]: fe80::51 is in the list twice"});
}

TEST(ConfigVips, TheSourceIsAnAddressOfThisHost) {
  const std::string key = "tandem.toml:6: pair[redis].source";
  expect_problems(
      pair_with,
      {{"source = 7", key + ": is an integer, must be an IP address"},
       {"source = \"127.0.0.1\"", key + ": \"127.0.0.1\" is not the address of a host"},
       {"source = [\"192.168.1.112\", \"192.168.1.114\"]",
        key + ": has two addresses of one family; write one for IPv4 and one for IPv6"},
       {"source = \"192.168.1.120\"",
        key + ": 192.168.1.120 is a VIP of pair[redis]; write this host's own address"},
       {"source = \"192.168.1.113\"",
        key + ": 192.168.1.113 is the host of peer.server, the other one; write this host's own "
              "address"},
       {"source = \"fe80::1\"",
        key + ": fe80::1 is IPv6, but vips has no IPv6 address, so no advert would use it; remove "
              "it"}});
  EXPECT_EQ(problems_of(vips_line("vips = [\"fe80::51/64\"]\nsource = \"2001:db8::112\"")),
            Strings{key + ": 2001:db8::112 is not link-local, as the source of IPv6 multicast must "
                          "be; write this host's own address of fe80::/10, or leave the key out"});
  EXPECT_EQ(problems_of(pair_with("unicast_peers = [\"192.168.1.113\"]\nsource = "
                                  "\"192.168.1.113\"")),
            Strings{"tandem.toml:7: pair[redis].source: 192.168.1.113 is in unicast_peers, the "
                    "other host's; write this host's own address"});
}

TEST(ConfigVips, TheLoopbackInterfaceReachesNobody) {
  const std::string key = "tandem.toml:3: pair[redis].interface";
  const std::string vip_key = "tandem.toml:5: pair[redis].vips[1].interface";
  const std::string why =
      ": \"lo\" is the loopback interface, which no other host reaches; write the one that the "
      "clients are on, as `ip link` shows it";
  EXPECT_EQ(
      problems_of(vips_line(R"(vips = [{ address = "192.168.1.120/32", interface = "lo" }])")),
      Strings{vip_key + why});
  std::string text = small_config();
  const std::string good = "interface = \"eth0\"";
  text.replace(text.find(good), good.size(), "interface = \"lo\"");
  EXPECT_EQ(problems_of(text), Strings{key + why});
}

TEST(ConfigVips, AnAddressOfThisHostAloneHasNoNetworkBehindIt) {
  const auto vip = [](const std::string& prefix, const std::string& scope) {
    return vips_line("vips = [{ address = \"192.168.1.120/" + prefix + "\", scope = \"" + scope +
                     "\" }]");
  };
  EXPECT_EQ(warnings_of(vip("24", "host")),
            Strings{"tandem.toml:5: pair[redis].vips[1].scope: \"host\" says that only this host "
                    "knows the address, and /24 that a network is behind it; write the prefix /32, "
                    "or scope = \"link\" or \"global\" for clients on other hosts"});
  EXPECT_EQ(warnings_of(vip("32", "host")), Strings{});
  EXPECT_EQ(warnings_of(vip("24", "link")), Strings{});
}

TEST(ConfigVips, UnicastReachesEachFamily) {
  const std::string key = "tandem.toml:6: pair[redis].unicast_peers";
  const std::string both = "vips = [\"192.168.1.120/24\", \"fe80::51/64\"]\n";
  EXPECT_EQ(problems_of(pair_with("unicast_peers = [\"192.168.1.113\", \"fe80::2\"]")),
            Strings{key + "[2]: fe80::2 is IPv6, but vips has no IPv6 address, so no advert would "
                          "use it; remove it"});
  EXPECT_EQ(problems_of(vips_line(both + "unicast_peers = [\"192.168.1.113\"]")),
            Strings{key + ": has no IPv6 address, but vips has; add the other host's IPv6 address, "
                          "or move those VIPs to vips_excluded"});
  EXPECT_EQ(problems_of(vips_line(both + "unicast_peers = [\"192.168.1.113\", \"2001:db8::2\"]")),
            Strings{key + "[2]: 2001:db8::2 is not link-local, but adverts come from the "
                          "link-local address unless `source` names another; write source = "
                          "\"...\", this host's own one"});
}

TEST(ConfigVips, OneVridServesAGroupOfEachFamily) {
  const auto second = [](const std::string& vip) {
    return small_config() +
           "[[pair]]\nname = \"six\"\ninterface = \"eth0\"\nvrid = 51\nvips = [\"" + vip +
           "\"]\n[pair.server]\naddress = \"127.0.0.1:6380\"\n"
           "replication_address = \"192.168.1.112:6380\"\n"
           "[pair.peer]\nserver = \"192.168.1.113:6380\"\n";
  };
  EXPECT_EQ(problems_of(second("fe80::51/64")), Strings{});
  EXPECT_EQ(problems_of(second("192.168.1.121/24")),
            Strings{"tandem.toml:14: pair[six].vrid: 51 on eth0 is also the VRID of pair[redis] "
                    "(line 4); each pair on an interface needs its own"});
}

TEST(ConfigVips, StrictnessAndTtl) {
  EXPECT_TRUE(load_pair(pair_with("strict_vips = true")).strict_vips);
  EXPECT_EQ(load_pair(pair_with("unicast_ttl_min = 64")).unicast_ttl_min, 64);
  expect_problems(
      pair_with,
      {{"strict_vips = \"yes\"",
        "tandem.toml:6: pair[redis].strict_vips: is a string, must be true or false without "
        "quotes"},
       {"unicast_ttl_min = 0",
        "tandem.toml:6: pair[redis].unicast_ttl_min: 0 is out of range; allowed are 1 to 255"}});
}

// ---- helpers -----------------------------------------------------------------------------------

std::string voices_of(const std::string& text) {
  std::string out;
  for (const Voice& voice : make_voices(load_pair(text))) {
    out += (out.empty() ? "" : "; ") + std::string(vrrp::to_string(voice.family)) + " from " +
           (voice.wanted_source ? voice.wanted_source->to_string() : "any") + " to";
    for (const auto& destination : voice.destinations) out += " " + destination.to_string();
    out += ":";
    for (const auto& address : voice.rules.addresses) out += " " + address.to_string();
  }
  return out;
}

}  // namespace
}  // namespace agent
