// `tandem status` for people and for programs.
#include "agent/status.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "agent/status_text.hpp"

namespace agent {
namespace {

AgentStatus leading() {
  PairStatus pair;
  pair.name = "redis";
  pair.pair.state = PairState::leading;
  pair.pair.reason = "the leader resigned";
  pair.pair.epoch = 3;
  pair.pair.standby_in_sync = true;
  pair.pair.candidacy.may_lead = true;
  pair.for_seconds = 12.7;
  pair.since = "2026-01-02T03:04:05Z";
  pair.interface = "eth0";
  pair.router_config.vrid = vrrp::Vrid{51};
  pair.configured_priority = vrrp::Priority{250};
  pair.priority = vrrp::Priority{250};
  pair.router_config.advert_interval = std::chrono::milliseconds(100);
  pair.router.state = vrrp::State::master;
  pair.sources = {{vrrp::Family::ipv4, "192.168.1.112"}};
  pair.vips = {{"192.168.1.120/24", "eth0", true, true}};
  pair.server.address = "127.0.0.1:6379";
  pair.server.monitor.health = health::Health::up;
  pair.server.monitor.detail = "answers PING";
  pair.server.monitor.facts.role = health::Role::master;
  pair.server.monitor.facts.keys = 1000;
  pair.peer.address = "192.168.1.113:6379";
  pair.peer.monitor.health = health::Health::up;
  pair.peer.monitor.facts.role = health::Role::replica;
  pair.peer.monitor.facts.master = {"192.168.1.112", 6379};
  pair.peer.monitor.facts.link_up = true;
  pair.peer.monitor.facts.keys = 1000;
  pair.peer.lag_bytes = 0;
  return {"server11", "0.1.0", 4711, 99.5, {pair}};
}

TEST(StatusText, AnswersWhoLeadsAndWhetherAFailoverWouldWork) {
  EXPECT_EQ(status_text(status_json(leading()), ""),
            R"(node server11

redis: leading for 12 s, because the leader resigned
  failover would work now: the standby is in sync; whether its agent runs is not known here
  leader   this node, epoch 3
  VIP      192.168.1.120/24 (here)
  server   127.0.0.1:6379  up, master, 1000 keys
  peer     192.168.1.113:6379  up, replica of 192.168.1.112:6379, link up, 0 bytes behind, 1000 keys
  VRRP     eth0 VRID 51, version 3, priority 250, every 100 ms
  link     off
)");
}

TEST(StatusText, WrapsOnANarrowTerminalAndCutsNothing) {
  EXPECT_EQ(status_text(status_json(leading()), "", Screen{40, false}),
            R"(node server11

redis: leading for 12 s, because the
    leader resigned
  failover would work now: the standby
    is in sync; whether its agent runs
    is not known here
  leader   this node, epoch 3
  VIP      192.168.1.120/24 (here)
  server   127.0.0.1:6379 up, master,
    1000 keys
  peer     192.168.1.113:6379 up,
    replica of 192.168.1.112:6379, link
    up, 0 bytes behind, 1000 keys
  VRRP     eth0 VRID 51, version 3,
    priority 250, every 100 ms
  link     off
)");
}

TEST(StatusText, ColoursAreThereOnlyWhenTheyAreWanted) {
  EXPECT_EQ(status_text(status_json(leading()), "").find('\x1b'), std::string::npos);
  const std::string text = status_text(status_json(leading()), "", Screen{0, true});
  EXPECT_NE(text.find("\x1b[32m  failover \x1b[0mwould work now"), std::string::npos) << text;
}

std::string failover_line(const AgentStatus& status) {
  const std::string text = status_text(status_json(status), "");
  const auto begin = text.find("  failover ");
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(StatusText, TheLeaderSaysWhyAFailoverWouldNotWork) {
  AgentStatus status = leading();
  PairStatus& pair = status.pairs.front();
  PeerLinkStatus& link = pair.peer_link;
  link.state = PeerLinkStatus::State::up;
  link.node = "server12";
  link.says = PeerWord{};
  link.says->why = "the other node leads";
  EXPECT_EQ(failover_line(status),
            "  failover would work now: the standby is in sync; its agent runs");
  link.says->unfit = "its user lacks +replicaof";
  EXPECT_EQ(failover_line(status),
            "  failover would NOT work now: node server12 could not take over: its user lacks "
            "+replicaof");
  link.state = PeerLinkStatus::State::down;
  link.why = "Connection refused";
  EXPECT_EQ(failover_line(status),
            "  failover may NOT work now: the standby's server is in sync, but its agent is not "
            "reached over the peer link (Connection refused)");
  link.state = PeerLinkStatus::State::up;
  link.says->why = "the interface is not usable";
  EXPECT_EQ(failover_line(status),
            "  failover would NOT work now: node server12 may not take over, because the interface "
            "is not usable");
  pair.pair.standby_in_sync = false;
  pair.peer.monitor.facts.link_up = false;
  EXPECT_EQ(failover_line(status),
            "  failover would NOT work now: the standby's server has no link to its master: nobody "
            "could take over without losing writes");
  pair.peer.monitor.health = health::Health::dead;
  pair.peer.monitor.detail = "connection refused";
  EXPECT_EQ(failover_line(status),
            "  failover would NOT work now: the standby's server is dead (connection refused): "
            "nobody could take over without losing writes");
  pair.pair.maintenance = Maintenance{"anna", "kernel", 1, 0};
  EXPECT_EQ(failover_line(status),
            "  failover would NOT work now: maintenance is on, so nobody takes over by itself");
}

TEST(StatusText, FactsOfAServerThatDoesNotAnswerAreThoseOfItsLastAnswer) {
  AgentStatus status = leading();
  health::MonitorSnapshot& peer = status.pairs.front().peer.monitor;
  peer.health = health::Health::hung;
  peer.detail = "no answer for 300 ms";
  EXPECT_NE(status_text(status_json(status), "")
                .find("  peer     192.168.1.113:6379  hung (no answer for 300 ms); last seen as "
                      "replica, 1000 keys\n"),
            std::string::npos);
  peer.facts.role = health::Role::unknown;
  EXPECT_NE(status_text(status_json(status), "").find("hung (no answer for 300 ms)\n"),
            std::string::npos);
}

TEST(StatusText, AStandbySaysWhyItCouldNotTakeOver) {
  AgentStatus status = leading();
  PairStatus& pair = status.pairs.front();
  pair.pair.state = PairState::standby;
  pair.pair.candidacy = {.why = "the other node leads"};
  pair.pair.leader_advertises = true;
  pair.router.leader = vrrp::Leader{};
  pair.server.monitor.facts.role = health::Role::replica;
  pair.server.monitor.facts.link_up = true;
  EXPECT_EQ(failover_line(status), "  failover would work now: this node would take over");
  pair.server.monitor.facts.link_up = false;
  EXPECT_EQ(failover_line(status),
            "  failover would NOT work now: the local server has no link to its master");
  pair.pair.candidacy = {.why = "the interface is not usable"};
  EXPECT_EQ(failover_line(status), "  failover would NOT work now: the interface is not usable");
}

TEST(StatusText, SaysWhyANodeDoesNotLeadAndWhatIsWrong) {
  AgentStatus status = leading();
  PairStatus& pair = status.pairs.front();
  pair.pair.state = PairState::standby;
  pair.pair.candidacy = {.why = "the local server was never in sync with the leader"};
  pair.pair.alarms = {"the local server was never in sync with the leader"};
  pair.vips.front().present = false;
  const std::string text = status_text(status_json(status), "redis");
  for (const char* line : {"leader   nobody, epoch 3", "192.168.1.120/24 (not here)",
                           "would NOT work now: nobody leads, and this node does not lead because "
                           "the local server was "
                           "never in sync with the leader",
                           "ALARM    the local server was never in sync with the leader"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST(StatusText, ShowsFurtherReplicas) {
  AgentStatus status = leading();
  PairStatus& pair = status.pairs.front();
  ReplicaStatus replica;
  replica.server = pair.peer;
  replica.server.address = "192.168.1.114:6379";
  replica.server.lag_bytes = 14;
  replica.watched = true;
  replica.problem = "the replica 192.168.1.114:6379 is far away";
  ReplicaStatus other;
  other.server.address = "192.168.1.115:6379";
  pair.replicas = {replica, other};
  const std::string text = status_text(status_json(status), "");
  for (const char* line :
       {"  replica  192.168.1.114:6379  up, replica of 192.168.1.112:6379, link up, 14 bytes "
        "behind, 1000 keys\n",
        "  replica  192.168.1.115:6379  watched by the leader\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
  const boost::json::value all = status_json(status);
  const auto& shown = all.at("pairs").at(0).at("replicas").at(0).as_object();
  EXPECT_EQ(shown.at("lag_bytes").as_int64(), 14);
  EXPECT_TRUE(shown.at("watched").as_bool());
  EXPECT_EQ(shown.at("problem").as_string(), "the replica 192.168.1.114:6379 is far away");
}

TEST(StatusText, ShowsTheLinkToTheOtherAgent) {
  AgentStatus status = leading();
  PeerLinkStatus& link = status.pairs.front().peer_link;
  link.state = PeerLinkStatus::State::up;
  link.since = "2026-01-02T03:04:05Z";
  link.node = "server12";
  link.version = "0.1.0";
  link.rtt_ms = 0.25;
  PeerWord word;
  word.state = "standby";
  word.epoch = 3;
  word.why = "the other node leads";
  link.says = word;
  const std::string up = status_text(status_json(status), "");
  for (const char* line :
       {"  link     up with server12, version 0.1.0, 0.2 ms\n", "in sync; its agent runs"}) {
    EXPECT_NE(up.find(line), std::string::npos) << line << "\n" << up;
  }
  EXPECT_EQ(boost::json::serialize(status_json(status).at("pairs").at(0).at("peer_link")),
            R"({"state":"up","why":"","since":"2026-01-02T03:04:05Z","node":"server12",)"
            R"("version":"0.1.0","rtt_ms":2.5E-1,"says":{"state":"standby","epoch":3,"priority":0,)"
            R"("may_lead":false,"why":"the other node leads","alarms":0,"unfit":""}})");
  link.state = PeerLinkStatus::State::down;
  link.why = "no answer";
  const std::string down = status_text(status_json(status), "");
  EXPECT_NE(down.find("  link     DOWN since 2026-01-02T03:04:05Z: no answer\n"), std::string::npos)
      << down;
}

TEST(StatusText, ShowsWhenTheRoleIsTakenBackOrWhyNot) {
  AgentStatus status = leading();
  PairStatus& pair = status.pairs.front();
  pair.failback = true;
  EXPECT_EQ(boost::json::serialize(status_json(status).at("pairs").at(0).at("failback")),
            R"({"mode":"auto","due_in_seconds":null,"words":""})");
  EXPECT_EQ(status_text(status_json(status), "").find("failback"), std::string::npos);
  pair.pair.state = PairState::standby;
  pair.failback_in_seconds = 11.2;
  const std::string due = status_text(status_json(status), "");
  EXPECT_NE(due.find("  failback due in 12 s\n"), std::string::npos) << due;
  pair.pair.failback.words = "node b: the standby's server is dead";
  const std::string again = status_text(status_json(status), "");
  EXPECT_NE(again.find("  failback due in 12 s, the last one came to nothing: node b: the "
                       "standby's server is dead\n"),
            std::string::npos)
      << again;
  pair.failback_in_seconds.reset();
  pair.pair.failback.words = "the leader cannot be asked, the peer link is down";
  const std::string waits = status_text(status_json(status), "");
  EXPECT_NE(waits.find("  failback waits: the leader cannot be asked, the peer link is down\n"),
            std::string::npos)
      << waits;
}

TEST(StatusText, ShowsTrackersOnlyWhenTheyAreNotInOrder) {
  AgentStatus status = leading();
  PairStatus& pair = status.pairs.front();
  TrackerSnapshot script{.name = "check", .state = TrackState::bad, .detail = "exit code 1"};
  script.weight = -20;
  pair.trackers = {{script, "2026-01-02T03:04:05Z"},
                   {{.kind = TrackKind::interface, .name = "eth1", .state = TrackState::good}, ""}};
  pair.priority = vrrp::Priority{230};
  const std::string text = status_text(status_json(status), "");
  for (const char* line :
       {"  tracked  script check is bad: exit code 1, since 2026-01-02T03:04:05Z\n",
        "priority 250, now 230, every 100 ms"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
  EXPECT_EQ(text.find("eth1"), std::string::npos) << text;
  EXPECT_EQ(boost::json::serialize(status_json(status).at("pairs").at(0).at("trackers").at(0)),
            R"({"name":"check","kind":"script","state":"bad","since":"2026-01-02T03:04:05Z",)"
            R"("detail":"exit code 1","weight":-20})");
}

TEST(StatusText, ShowsOnlyThePairThatIsAskedFor) {
  AgentStatus status = leading();
  status.pairs.push_back(status.pairs.front());
  status.pairs.back().name = "cache";
  const std::string text = status_text(status_json(status), "cache");
  EXPECT_EQ(text.find("redis: "), std::string::npos);
  EXPECT_NE(text.find("cache: leading"), std::string::npos);
}

TEST(StatusText, NamesAnotherInterfaceOfAVipAndAFamilyThatIsSilent) {
  AgentStatus status = leading();
  PairStatus& pair = status.pairs.front();
  pair.sources.emplace_back(vrrp::Family::ipv6, "");
  pair.vips.push_back({"2001:db8::120/64", "eth1", false, true});
  const std::string text = status_text(status_json(status), "");
  for (const char* line : {"192.168.1.120/24 (here), 2001:db8::120/64 on eth1 (here)",
                           "no IPv6 adverts: no address to send from"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST(StatusText, StandsAnswersThatAreNoStatus) {
  EXPECT_EQ(status_text({}, ""), "node \n");
  EXPECT_EQ(status_text({{"pairs", 7}}, ""), "node \n");
  EXPECT_EQ(status_text({{"pairs", boost::json::array{1, "x", nullptr}}}, ""), "node \n");
  EXPECT_NO_THROW(status_text({{"pairs", boost::json::array{boost::json::object{}}}}, ""));
}

TEST(StatusJson, NamesEveryReasonOfRefusalWithItsCount) {
  AgentStatus status = leading();
  status.pairs.front().received.refused.at(static_cast<std::size_t>(vrrp::Refusal::ttl)) = 4;
  const auto json = status_json(status);
  const auto& refused = json.at("pairs").as_array().at(0).at("vrrp").at("refused").as_object();
  EXPECT_EQ(refused.size(), vrrp::kRefusalCount);
  EXPECT_EQ(refused.at("ttl").to_number<int>(), 4);
}

TEST(StatusJson, GivesTheWordThatScriptsGet) {
  EXPECT_EQ(state_word(PairState::leading), "MASTER");
  EXPECT_EQ(state_word(PairState::standby), "BACKUP");
  EXPECT_EQ(state_word(PairState::fault), "FAULT");
  EXPECT_EQ(state_word(PairState::stopped), "STOP");
}

}  // namespace
}  // namespace agent
