// The way of a packet through the rules of nft and iptables, as their tools print them.
#include "agent/firewall.hpp"

#include <gtest/gtest.h>

namespace agent::firewall {
namespace {

using End = Passage::End;

const Packet kAdvert{"VRRP", 112, 0, "192.168.1.113", "224.0.0.18", "eth0"};
const Packet kLink{"link", 6, 7112, "192.168.1.113", "192.168.1.112", ""};

std::string chain(const std::string& policy, const std::string& name = "input") {
  const std::string hook =
      name == "input" ? R"("type":"filter","hook":"input","prio":0,"policy":")" + policy + R"(",)"
                      : "";
  return R"({"chain":{"family":"inet","table":"filter",)" + hook + R"("name":")" + name + R"("}})";
}

std::string rule(const std::string& expressions, const std::string& name = "input") {
  return R"({"rule":{"family":"inet","table":"filter","chain":")" + name + R"(","expr":[)" +
         expressions + "]}}";
}

std::string is(const std::string& left, const std::string& right, const std::string& op = "==") {
  return R"({"match":{"op":")" + op + R"(","left":)" + left + R"(,"right":)" + right + "}},";
}

constexpr const char* kProtocol = R"({"meta":{"key":"l4proto"}})";
constexpr const char* kPort = R"({"payload":{"protocol":"tcp","field":"dport"}})";
constexpr const char* kSource = R"({"payload":{"protocol":"ip","field":"saddr"}})";
constexpr const char* kInterface = R"({"meta":{"key":"iifname"}})";
constexpr const char* kState = R"({"ct":{"key":"state"}})";
constexpr const char* kAccept = R"({"accept":null})";
constexpr const char* kDrop = R"({"drop":null})";

Rules nft(const std::vector<std::string>& entries) {
  std::string text;
  for (const auto& entry : entries) text += (text.empty() ? "" : ",") + entry;
  return read_nft(R"({"nftables":[{"metainfo":{}},)" + text + "]}");
}

End advert(const std::vector<std::string>& entries) {
  return passage(nft(entries), kAdvert).end;
}
End link(const std::vector<std::string>& entries) {
  return passage(nft(entries), kLink).end;
}

TEST(Firewall, WithoutRulesEverythingPasses) {
  EXPECT_EQ(passage(read_nft(""), kAdvert).end, End::passes);
  EXPECT_EQ(passage(read_nft("[1,2"), kAdvert).end, End::passes);
  EXPECT_EQ(passage(read_nft(R"({"nftables":[1,{"rule":3},{"chain":{}}]})"), kAdvert).end,
            End::passes);
  EXPECT_EQ(advert({chain("accept")}), End::passes);
}

TEST(Firewall, APolicyDropsWhatNoRuleAccepts) {
  const std::string established = rule(is(kState, R"(["established","related"])", "in") + kAccept);
  const std::string loopback = rule(is(kInterface, R"("lo")") + kAccept);
  const std::string ssh = rule(is(kPort, "22") + kAccept);
  EXPECT_EQ(advert({chain("drop"), established, loopback, ssh}), End::dropped);
  EXPECT_EQ(link({chain("drop"), established, loopback, ssh}), End::dropped);
  for (const char* const vrrp : {R"("vrrp")", "112", R"({"set":["esp","vrrp"]})"}) {
    EXPECT_EQ(advert({chain("drop"), established, rule(is(kProtocol, vrrp) + kAccept)}),
              End::passes)
        << vrrp;
  }
  for (const char* const port : {"7112", R"({"set":[22,{"range":[7000,7200]}]})"}) {
    const std::string opened = rule(is(kPort, port) + kAccept);
    EXPECT_EQ(link({chain("drop"), opened}), End::passes) << port;
    EXPECT_EQ(advert({chain("drop"), opened}), End::dropped) << port;
  }
}

TEST(Firewall, AnotherPortOrHostIsNotMeant) {
  EXPECT_EQ(link({chain("drop"), rule(is(kPort, "22", "!=") + kAccept)}), End::passes);
  EXPECT_EQ(advert({chain("drop"), rule(is(kPort, "22", "!=") + kAccept)}), End::dropped);
  const std::string network = R"({"prefix":{"addr":"192.168.1.0","len":24}})";
  EXPECT_EQ(link({chain("drop"), rule(is(kSource, network) + kAccept)}), End::passes);
  EXPECT_EQ(link({chain("drop"), rule(is(kSource, R"("10.0.0.1")") + kAccept)}), End::dropped);
  EXPECT_EQ(link({chain("accept"), rule(is(kSource, network) + kDrop)}), End::dropped);
}

TEST(Firewall, WhatIsNotUnderstoodIsNotJudged) {
  const std::string unknown = R"({"xt":{"type":"match","name":"recent"}},)";
  EXPECT_EQ(link({chain("drop"), rule(unknown + kAccept)}), End::unclear);
  EXPECT_EQ(link({chain("accept"), rule(unknown + kDrop)}), End::unclear);
  EXPECT_EQ(link({chain("drop"), rule(is(kSource, R"("@friends")") + kAccept)}), End::unclear);
  EXPECT_EQ(link({chain("drop"), rule(unknown + kDrop)}), End::dropped);
  EXPECT_EQ(link({chain("drop"), rule(is(kInterface, R"("eth1")") + kAccept)}), End::unclear)
      << "through which interface it comes is not known";
}

TEST(Firewall, JumpsAndMapsAreFollowed) {
  const std::string jump = rule(R"({"jump":{"target":"friends"}})");
  const std::string friends = rule(is(kPort, "7112") + kAccept, "friends");
  EXPECT_EQ(link({chain("drop"), chain("", "friends"), jump, friends}), End::passes);
  EXPECT_EQ(advert({chain("drop"), chain("", "friends"), jump, friends}), End::dropped);
  const std::string map =
      R"({"vmap":{"key":)" + std::string(kState) +
      R"(,"data":{"set":[["invalid",{"drop":null}],["new",{"accept":null}]]}}})";
  EXPECT_EQ(advert({chain("drop"), rule(map)}), End::passes);
  // Round and round ends.
  const std::string again = rule(R"({"jump":{"target":"friends"}})", "friends");
  EXPECT_EQ(link({chain("drop"), chain("", "friends"), jump, again}), End::unclear);
}

TEST(Firewall, NamesTheChainAndTheCommandThatOpensIt) {
  const Rules rules = nft({chain("drop")});
  const auto found = passage(rules, kAdvert);
  EXPECT_EQ(found.chain, "inet filter input");
  EXPECT_EQ(opening(rules, found.chain, kAdvert).front(),
            "nft insert rule inet filter input ip saddr 192.168.1.113 ip protocol vrrp accept");
  EXPECT_EQ(opening(rules, found.chain, kLink).front(),
            "nft insert rule inet filter input ip saddr 192.168.1.113 tcp dport 7112 accept");
  EXPECT_EQ(opening(rules, found.chain, kLink).back(),
            "{ echo 'flush ruleset'; nft list ruleset; } > /etc/nftables.conf");
}

TEST(Firewall, ReadsIptables) {
  const std::string head =
      "# made\n*nat\n:INPUT DROP [0:0]\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n"
      ":ours - [0:0]\n-A INPUT -i lo -j ACCEPT\n"
      "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
      "-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT\n";
  const auto rules = [&](const std::string& more) {
    return read_iptables(head + more + "COMMIT\n");
  };
  EXPECT_EQ(passage(rules(""), kAdvert).end, End::dropped);
  EXPECT_EQ(passage(rules(""), kAdvert).chain, "INPUT");
  EXPECT_EQ(passage(rules("-A INPUT -p vrrp -j ACCEPT\n"), kAdvert).end, End::passes);
  EXPECT_EQ(passage(rules("-A INPUT -p 112 -i eth0 -j ACCEPT\n"), kAdvert).end, End::passes);
  EXPECT_EQ(passage(rules("-A INPUT -p 112 -i eth1 -j ACCEPT\n"), kAdvert).end, End::dropped);
  EXPECT_EQ(passage(rules("-A INPUT -p tcp -m tcp --dport 7000:7200 -j ACCEPT\n"), kLink).end,
            End::passes);
  EXPECT_EQ(passage(rules("-A INPUT -j ours\n-A ours -s 192.168.1.113/32 -j ACCEPT\n"), kLink).end,
            End::passes);
  EXPECT_EQ(passage(rules("-A INPUT ! -s 10.0.0.0/8 -j ACCEPT\n"), kLink).end, End::passes);
  EXPECT_EQ(passage(rules("-A INPUT -m recent --rcheck -j ACCEPT\n"), kLink).end, End::unclear);
  EXPECT_EQ(opening(rules(""), "INPUT", kAdvert).front(),
            "iptables -I INPUT -s 192.168.1.113 -p vrrp -j ACCEPT");
}

}  // namespace
}  // namespace agent::firewall
