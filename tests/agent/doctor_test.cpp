// What `tandem doctor` makes of what it sees.
#include "agent/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace agent::doctor {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

PairSeen good() {
  PairSeen pair;
  pair.name = "redis";
  pair.interface = "eth0";
  pair.vips = {"192.168.1.120"};
  pair.replication_address = "192.168.1.112:6379";
  pair.replication_port_trial = "";
  pair.password_file = "/etc/tandem/redis.password";
  pair.peer_password_file = "/etc/tandem/redis.password";
  pair.peer_host = "192.168.1.113";
  pair.peer_agent = "192.168.1.113:7112";
  pair.rdb_disk = DiskSeen{"/var/lib/redis", 100ULL << 30U};
  ServerSeen& server = pair.server;
  server.where = "127.0.0.1:6379";
  server.cli = "redis-cli -h 127.0.0.1 -p 6379";
  server.user = "default";
  server.facts.redis_version = "7.0.15";
  server.facts.role = health::Role::master;
  server.settings = {{"bind", "0.0.0.0"},
                     {"protected-mode", "yes"},
                     {"save", "3600 1"},
                     {"dir", "/var/lib/redis"},
                     {"repl-backlog-size", "67108864"},
                     {"repl-diskless-sync", "yes"},
                     {"repl-diskless-sync-delay", "0"},
                     {"replica-read-only", "yes"},
                     {"tcp-backlog", "511"},
                     {"disable-thp", "yes"}};
  server.config_file = "/etc/redis/redis.conf";
  server.used_memory = 1ULL << 30U;
  server.open = false;
  server.master_login = "";
  pair.peer = server;
  pair.peer.where = "192.168.1.113:6379";
  return pair;
}

HostSeen good_host() {
  HostSeen host;
  host.overcommit_memory = 1;
  host.huge_pages = "always";
  host.somaxconn = 4096;
  host.nonlocal_bind = 0;
  host.rp_filter = {{"eth0", 1}};
  host.arp_ignore = {{"eth0", 0}};
  host.clock_synchronised = true;
  host.state_disk = DiskSeen{"/var/lib/tandem", 100ULL << 30U};
  return host;
}

Findings all_of(const PairSeen& pair, const HostSeen& host = good_host()) {
  Findings out = judge_server(pair);
  for (auto& more : {judge_pair_on_host(pair, host), judge_host(host, {pair})}) {
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

// "problem: nobody listens at ..." of all that is not well; each with a command.
std::string bad(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    if (finding.level == Level::ok) continue;
    EXPECT_FALSE(finding.mend.empty()) << finding.what;
    EXPECT_FALSE(finding.what.ends_with('.')) << finding.what;
    out += std::string(to_string(finding.level)) + ": " + finding.what + "\n";
  }
  return out;
}

std::string first_mend(const Findings& findings) {
  for (const Finding& finding : findings) {
    if (finding.level != Level::ok) return finding.mend.front();
  }
  return {};
}

TEST(Doctor, AGoodHostIsLeftInPeace) {
  EXPECT_EQ(bad(all_of(good())), "");
}

TEST(Doctor, PasswordsMustFitBothWays) {
  PairSeen pair = good();
  pair.server.master_login = "the login is refused, WRONGPASS";
  const auto findings = judge_server(pair);
  EXPECT_EQ(bad(findings),
            "problem: this host's server cannot replicate from the peer's: its masteruser and "
            "masterauth are refused at 192.168.1.113:6379 (the login is refused, WRONGPASS)\n");
  EXPECT_EQ(first_mend(findings),
            "tr -d '\\n' < /etc/tandem/redis.password | redis-cli -h 127.0.0.1 -p 6379 -x CONFIG "
            "SET masterauth");
  pair = good();
  pair.peer.master_login = "masterauth is empty and a password is wanted";
  EXPECT_THAT(bad(judge_server(pair)),
              HasSubstr("the peer's server cannot replicate from this host's"));
}

TEST(Doctor, AServerWithoutAPassword) {
  PairSeen pair = good();
  pair.server.open = true;
  EXPECT_THAT(bad(judge_server(pair)), HasSubstr("problem: the server takes commands without a "
                                                 "password, so protected-mode refuses"));
  pair.server.settings["protected-mode"] = "no";
  EXPECT_THAT(bad(judge_server(pair)), HasSubstr("warning: the server takes commands without a "
                                                 "password: whoever"));
}

TEST(Doctor, TheServerMustListenOnTheVip) {
  PairSeen pair = good();
  HostSeen host = good_host();
  const auto verdict = [&](const std::string& bind) {
    pair.server.settings["bind"] = bind;
    return bad(judge_pair_on_host(pair, host));
  };
  EXPECT_EQ(verdict("* -::*"), "");
  EXPECT_EQ(verdict(""), "");
  EXPECT_EQ(verdict("192.168.1.112 127.0.0.1"),
            "problem: clients of the VIP 192.168.1.120 would be refused: the server listens on "
            "192.168.1.112 127.0.0.1 only\n");
  EXPECT_THAT(verdict("192.168.1.112 192.168.1.120"), HasSubstr("the server does not start"));
  EXPECT_THAT(verdict("192.168.1.112 -192.168.1.120"), HasSubstr("does not listen when it comes"));
  host.nonlocal_bind = 1;
  EXPECT_EQ(verdict("192.168.1.112 192.168.1.120"), "");
  pair.replication_port_trial = "Connection refused";
  EXPECT_EQ(verdict("*"),
            "problem: the server is not reached at 192.168.1.112:6379, where the peer's server "
            "replicates "
            "from (Connection refused)\n");
}

TEST(Doctor, PersistenceBacklogAndDelay) {
  PairSeen pair = good();
  auto& settings = pair.server.settings;
  settings["save"] = "";
  EXPECT_THAT(bad(judge_server(pair)), HasSubstr("advice: the server saves nothing to disk"));
  pair.server.facts.aof_enabled = true;
  EXPECT_THAT(bad(judge_server(pair)), HasSubstr("advice: the server writes an AOF"));
  pair = good();
  pair.server.facts.last_bgsave_ok = false;
  EXPECT_THAT(bad(judge_server(pair)), HasSubstr("problem: the last BGSAVE failed"));
  pair = good();
  pair.server.settings["repl-backlog-size"] = "1048576";
  pair.server.settings["repl-diskless-sync-delay"] = "5";
  const auto findings = judge_server(pair);
  EXPECT_THAT(bad(findings), HasSubstr("advice: repl-backlog-size is 1 MB"));
  EXPECT_THAT(bad(findings), HasSubstr("advice: repl-diskless-sync-delay is 5 s"));
  EXPECT_EQ(first_mend(findings),
            "redis-cli -h 127.0.0.1 -p 6379 CONFIG SET repl-backlog-size 64mb");
}

TEST(Doctor, ServersThatCannotBeAsked) {
  PairSeen pair = good();
  pair.server = {};
  pair.server.where = "127.0.0.1:6379";
  pair.server.cli = "redis-cli";
  pair.server.problem = "Connection refused";
  EXPECT_EQ(bad(all_of(pair)),
            "problem: the server at 127.0.0.1:6379 cannot be asked: Connection refused\n");
}

TEST(Doctor, RightsAndBoot) {
  PairSeen pair = good();
  pair.server.user = "tandem";
  pair.server.missing_rights = {
      "ACL: user tandem may not run CONFIG SET on the local server; add +config|set"};
  pair.boot_warnings = {"redis-server.service starts its server as a master: bad"};
  const auto findings = judge_server(pair);
  EXPECT_THAT(bad(findings), HasSubstr("problem: ACL: user tandem may not run CONFIG SET"));
  EXPECT_THAT(bad(findings), HasSubstr("warning: redis-server.service starts its server"));
  EXPECT_EQ(findings.at(2).mend.front(),
            "redis-cli -h 127.0.0.1 -p 6379 --user default --askpass ACL SETUSER tandem "
            "'+config|set'")
      << "the shell must not take the rule for a pipe";
}

TEST(Doctor, TheHost) {
  PairSeen pair = good();
  HostSeen host = good_host();
  host.overcommit_memory = 0;
  host.somaxconn = 128;
  host.clock_synchronised = false;
  pair.server.settings.erase("disable-thp");
  pair.peer_is_near = false;
  pair.adverts_are_signed = true;
  host.arp_ignore["eth0"] = 8;
  host.state_disk->free = 1;
  pair.rdb_disk->free = (1ULL << 30U) + 1;
  const std::string text = bad(all_of(pair, host));
  for (const char* const part :
       {"warning: vm.overcommit_memory is 0", "warning: transparent huge pages",
        "advice: net.core.somaxconn is 128, less than tcp-backlog 511",
        "advice: the clock is not synchronised", "problem: adverts are signed with the time",
        "warning: rp_filter of eth0 is strict", "problem: arp_ignore of eth0 is 8",
        "warning: /var/lib/tandem has 1 bytes free", "not enough for a second RDB"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  pair.rdb_disk->free = 5;
  EXPECT_THAT(bad(all_of(pair, host)), HasSubstr("problem: /var/lib/redis has 5 bytes free"));
}

TEST(Doctor, WhatTheAgentKnows) {
  boost::json::object pair{
      {"name", "redis"},
      {"state", "leading"},
      {"leader", "this node"},
      {"standby_in_sync", true},
      {"alarms", boost::json::array()},
      {"peer_link", {{"state", "up"}, {"node", "server12"}, {"version", "1"}}}};
  boost::json::object status{{"node", "server11"}, {"version", "1"}};
  const auto judged = [&] {
    status["pairs"] = boost::json::array{pair};
    return bad(judge_agent(status, "", {"redis"}));
  };
  EXPECT_EQ(judged(), "");
  pair["standby_in_sync"] = false;
  pair["alarms"] = boost::json::array{"the configurations differ: vrid"};
  pair["peer_link"] = {{"state", "down"}, {"since", "noon"}, {"why", "refused"}};
  EXPECT_EQ(judged(),
            "warning: the link to the peer's agent is down since noon: refused\n"
            "problem: the agent raises an alarm: the configurations differ: vrid\n"
            "problem: the standby is not in sync: nobody could take over without losing writes\n");
  EXPECT_THAT(bad(judge_agent(status, "", {"redis", "cache"})),
              HasSubstr("warning: pair cache is in the configuration, but"));
  EXPECT_THAT(bad(judge_agent({}, "", {})), IsEmpty());
}

TEST(Doctor, TheReportShowsTheWorstFirst) {
  Report report{"server11", "/etc/tandem/tandem.toml", false, {}};
  report.findings = {
      {Level::ok, "host", "all is well", {}},
      {Level::advice, "host", "do it better", {"better"}},
      {Level::problem, "host", "it is broken and this sentence is long", {"mend --it"}}};
  EXPECT_EQ(report_text(report, false, {}),
            "host\n"
            "  problem  it is broken and this sentence is long\n"
            "             mend --it\n"
            "  advice   do it better\n"
            "             better\n"
            "\n"
            "1 problem, 0 warnings, 1 advice, 1 check was well (--all shows them)\n");
  EXPECT_THAT(report_text(report, true, {}), HasSubstr("  ok       all is well\n"));
  EXPECT_EQ(report_text(report, false, Screen{40, false}),
            "host\n"
            "  problem  it is broken and this\n"
            "    sentence is long\n"
            "  mend --it\n"
            "  advice   do it better\n"
            "  better\n"
            "\n"
            "1 problem, 0 warnings, 1 advice, 1 check\nwas well (--all shows them)\n");
  const auto json = report_json(report);
  EXPECT_EQ(json.at("worst").as_string(), "problem");
  EXPECT_EQ(json.at("problem").to_number<int>(), 1);
}

}  // namespace
}  // namespace agent::doctor
