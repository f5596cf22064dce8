// Small keepalived configurations, and what `tandem import` makes of each: the output is read as
// tandemd reads it, and what is lost is said with its line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/agent/keepalived_fixture.hpp"

namespace agent::keepalived {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class KeepalivedImport : public ::testing::Test {
 protected:
  // The pair of a configuration that is complete.
  PairConfig pair_of(const std::string& text, const FakeHost& host = {}) {
    import_ = import_of(text, host);
    EXPECT_THAT(import_.gaps, IsEmpty());
    const LoadedConfig loaded = load(import_, folder_);
    for (const auto& warning : loaded.warnings) ADD_FAILURE() << warning.to_string("toml");
    if (!loaded.config.pairs.empty()) return loaded.config.pairs.front();
    throw std::runtime_error("the import is no configuration");
  }
  PairConfig pair_with(const std::string& lines, const FakeHost& host = {}) {
    return pair_of(instance_with(lines), host);
  }
  std::string notes() const { return notes_of(import_); }

  ConfigFolder folder_;
  Import import_;
};

TEST_F(KeepalivedImport, CarriesTheRouterOver) {
  const PairConfig pair = pair_with("state MASTER\nadvert_int 2\n");
  EXPECT_EQ(pair.name, "VI_1");
  EXPECT_EQ(pair.interface, "eth0");
  EXPECT_EQ(pair.vrid.value, 51);
  EXPECT_EQ(pair.version, vrrp::Version::v2);
  EXPECT_EQ(pair.priority.value, 100);
  EXPECT_EQ(pair.advert_interval, seconds(2));
  EXPECT_EQ(pair.vip_lease, seconds(7));
  EXPECT_TRUE(pair.failback);
  EXPECT_EQ(pair.sources.front().to_string(), "192.168.1.112");
  EXPECT_EQ(pair.unicast_peers.front().to_string(), "192.168.1.113");
  EXPECT_EQ(pair.vips.front().prefix.to_string(), "192.168.1.120/24");
  EXPECT_EQ(notes(), "");
}

TEST_F(KeepalivedImport, FindsBothServersWithoutScripts) {
  const PairConfig pair = pair_with("");
  EXPECT_EQ(pair.server.host, "127.0.0.1");
  EXPECT_EQ(pair.replication_host, "192.168.1.112");
  EXPECT_EQ(pair.peer_server.host, "192.168.1.113");
  EXPECT_EQ(pair.peer_agent_host, "192.168.1.113");
  EXPECT_THAT(import_.toml, HasSubstr("# Assumed: no script names the server on this host."));
}

TEST_F(KeepalivedImport, CarriesVersionAndTimingOver) {
  const PairConfig pair = pair_with(
      "version 3\nadvert_int 0.25\ndown_timer_adverts 5\nnopreempt\npreempt_delay 5\n"
      "garp_master_delay 2\ngarp_master_repeat 3\ngarp_master_refresh 30\n");
  EXPECT_EQ(pair.version, vrrp::Version::v3);
  EXPECT_EQ(pair.advert_interval, milliseconds(250));
  EXPECT_EQ(pair.down_adverts, 5);
  EXPECT_FALSE(pair.failback);
  EXPECT_EQ(pair.announce_count, 3);
  EXPECT_EQ(pair.announce_repeat, seconds(2));
  EXPECT_EQ(pair.announce_refresh, seconds(30));
  EXPECT_EQ(pair_with("preempt_delay 90\n").failback_delay, seconds(90));
  EXPECT_EQ(pair_with("advert_int 1.5\n").advert_interval, seconds(2));
  EXPECT_THAT(import_.toml, HasSubstr("advert_int 1500ms is not possible in version 2"));
  EXPECT_THAT(notes(), HasSubstr("1: advert_int 1500ms is not possible in version 2"));
}

TEST_F(KeepalivedImport, TakesDefaultsFromGlobalDefinitions) {
  const PairConfig pair = pair_of(
      "global_defs {\n router_id x\n vrrp_version 3\n vrrp_garp_master_repeat 2\n"
      " vrrp_notify_fifo /run/k.fifo\n enable_script_security\n vrrp_strict\n"
      " notification_email {\n  a@b.c\n }\n vrrp_down_timer_adverts 4\n unheard_of 5\n}\n" +
      instance_with(""));
  EXPECT_EQ(pair.version, vrrp::Version::v3);
  EXPECT_EQ(pair.announce_count, 2);
  EXPECT_EQ(pair.down_adverts, 4);
  EXPECT_EQ(pair.notify.fifo, "/run/k.fifo");
  EXPECT_EQ(notes(),
            "8: notification_email is not carried over: Tandem sends no mail; let a script do it, "
            "with `any` in [pair.notify]\n"
            "12: unheard_of is not known to this import and not carried over; see "
            "keepalived.conf(5)\n");
}

TEST_F(KeepalivedImport, CarriesPasswordsOfVersion2) {
  EXPECT_EQ(pair_with("authentication {\n auth_type PASS\n auth_pass password_123\n}").auth_type,
            vrrp::AuthType::pass);
  EXPECT_EQ(line_of(import_, "auth_pass"), "auth_pass = \"password\"");
  EXPECT_EQ(notes(), "");
  EXPECT_EQ(pair_with("version 3\nauthentication {\n auth_pass x1\n}").auth_type,
            vrrp::AuthType::none);
  EXPECT_THAT(notes(), HasSubstr("13: auth_pass is not carried over, version 3 has no passwords"));
  EXPECT_EQ(pair_with("authentication {\n auth_type AH\n auth_pass s3cret\n}").auth_type,
            vrrp::AuthType::none);
  EXPECT_THAT(notes(), HasSubstr("12: auth_type AH is not carried over; sign adverts with"));
  EXPECT_THAT(import_.toml + notes(), Not(HasSubstr("s3cret")));
}

TEST_F(KeepalivedImport, CarriesAllFormsOfAddressesOver) {
  const PairConfig pair = pair_with(
      "virtual_ipaddress {\n 192.168.2.5/24 dev eth1 label eth1:vip scope link\n"
      " 192.168.1.121 brd 192.168.1.255 no_track\n 192.168.1.122/24 label nope\n name/24\n}\n"
      "virtual_ipaddress_excluded {\n 2001:db8::5/64\n 192.168.1.130/24 scope nowhere\n"
      " 192.168.1.121/24\n}\n");
  ASSERT_EQ(pair.vips.size(), 4U);
  EXPECT_EQ(pair.vips[1].interface + " " + pair.vips[1].label, "eth1 eth1:vip");
  EXPECT_EQ(pair.vips[1].scope, vrrp::AddressScope::link);
  EXPECT_EQ(pair.vips[2].prefix.to_string(), "192.168.1.121/32");
  ASSERT_EQ(pair.vips_excluded.size(), 2U);
  EXPECT_EQ(pair.vips_excluded[0].prefix.to_string(), "2001:db8::5/64");
  EXPECT_THAT(notes(), HasSubstr("14: brd of the address 192.168.1.121 is not carried over"));
  EXPECT_THAT(notes(), HasSubstr("14: no_track of the address 192.168.1.121 is not"));
  EXPECT_THAT(notes(), HasSubstr("15: the label of 192.168.1.122 is not carried over"));
  EXPECT_THAT(notes(), HasSubstr("16: \"name/24\" is not a numeric address"));
  EXPECT_THAT(notes(), HasSubstr("20: the scope of 192.168.1.130 is not carried over"));
  EXPECT_THAT(notes(), HasSubstr("21: 192.168.1.121 is there twice"));
}

TEST_F(KeepalivedImport, AddsALinkLocalAddressForIpv6) {
  FakeHost host;
  host.files["/s.sh"] = "redis-cli -h 10.0.0.1 SLAVEOF 10.0.0.2 6379\n";
  const PairConfig pair = pair_of(
      "vrrp_instance V6 {\n interface eth0\n virtual_router_id 6\n mcast_src_ip 10.0.0.1\n"
      " virtual_ipaddress {\n  2001:db8::1/64\n }\n notify_backup /s.sh\n}\n",
      host);
  EXPECT_EQ(pair.version, vrrp::Version::v3);
  EXPECT_EQ(pair.vips.front().prefix.to_string(), "fe80::6/64");
  EXPECT_THAT(notes(), HasSubstr("6: the address fe80::6 is new: adverts over IPv6 begin with"));
  EXPECT_THAT(notes(), HasSubstr("1: the source address 10.0.0.1 is of another family"));
}

TEST_F(KeepalivedImport, SaysWhatItCannotCarryOver) {
  pair_with(
      "use_vmac vrrp.51\nvirtual_routes {\n 10.0.0.0/8 via 192.168.1.1\n}\ntrack_bfd {\n x\n}\n"
      "smtp_alert\npriority 255\nvirtual_router_id 51\nunknown_thing\nadvert_int x\n"
      "notify_master_rx_lower_pri /x\nstrict_mode off\ndont_track_primary\n");
  for (const char* sentence :
       {"12: use_vmac is not carried over: Tandem keeps the interface's own MAC address",
        "13: virtual_routes is not carried over: let scripts do it, `ip route replace`",
        "16: track_bfd is not carried over: name a router with track_gateway",
        "19: smtp_alert is not carried over: Tandem sends no mail",
        "20: priority 255 becomes 254: 255 means address owner",
        "22: unknown_thing is not known to this import",
        "23: advert_int: \"x\" is not a time of at most 255 seconds; the line is left out",
        "24: notify_master_rx_lower_pri is not carried over: two leaders",
        "26: dont_track_primary is not carried over"}) {
    EXPECT_THAT(notes(), HasSubstr(sentence));
  }
  EXPECT_THAT(import_.toml, HasSubstr("# [keepalived.conf:12] use_vmac is not carried over:"));
}

TEST_F(KeepalivedImport, MarksWhatMustBeFilledIn) {
  import_ = import_of("vrrp_instance \"My VI\" {\n state BACKUP\n}\n");
  std::string keys;
  for (const Gap& gap : import_.gaps) keys += gap.key + " ";
  EXPECT_EQ(keys,
            "agent.peer_link.listen pair[My_VI].interface pair[My_VI].vrid pair[My_VI].vips "
            "pair[My_VI].server.replication_address pair[My_VI].peer.server "
            "pair[My_VI].peer.agent ");
  EXPECT_EQ(line_of(import_, "interface"),
            "interface = \"\"  # FILL IN: the interface that gets the VIP, as in \"eth0\"");
  std::size_t at = 0;
  for (unsigned line = 1; line < import_.gaps.back().line; ++line) {
    at = import_.toml.find('\n', at) + 1;
  }
  EXPECT_TRUE(import_.toml.substr(at).starts_with("agent = \"\"  # FILL IN"));
}

TEST_F(KeepalivedImport, TracksInterfacesFilesAndScripts) {
  FakeHost host;
  host.files["/etc/k/disk.sh"] = "#!/bin/sh\ndf / | grep -q 100% && exit 1\nmount | grep data\n";
  const PairConfig pair = pair_of(
      "vrrp_script disk {\n script \"/etc/k/disk.sh /data\"\n interval 5\n timeout 2\n rise 2\n"
      " fall 3\n weight -20\n user checker wheel\n}\n"
      "vrrp_script ping { script \"/usr/bin/redis-cli ping\"\n weight 10 }\n"
      "vrrp_track_file manual {\n file \"/run/manual\"\n weight 1\n}\n" +
          instance_with("track_interface {\n eth0\n eth1 weight 5\n}\ntrack_script {\n disk\n "
                        "ping\n lost\n}\ntrack_file {\n manual weight -10\n}"),
      host);
  EXPECT_THAT(pair.tracking.interfaces, ElementsAre("eth1"));
  ASSERT_EQ(pair.tracking.scripts.size(), 1U);
  const auto& script = pair.tracking.scripts.front();
  EXPECT_THAT(script.command, ElementsAre("/etc/k/disk.sh", "/data"));
  EXPECT_EQ(script.interval, seconds(5));
  EXPECT_EQ(script.timeout, seconds(2));
  EXPECT_EQ(std::to_string(script.rise) + std::to_string(script.fall), "23");
  EXPECT_EQ(script.user + " " + script.group, "checker wheel");
  EXPECT_EQ(script.weight, 0);
  ASSERT_EQ(pair.tracking.files.size(), 1U);
  EXPECT_EQ(pair.tracking.files.front().path, "/run/manual");
  EXPECT_EQ(pair.priority.value, 110);  // with the weight of a script that is well
  for (const char* sentence :
       {"gets weight 0 instead of -20", "track_script ping /usr/bin/redis-cli ping is replaced",
        "the weight of track_interface \"eth1\" is not", "track_script \"lost\" is defined nowhere",
        "the weight -10 of track_file \"manual\" is not carried over"}) {
    EXPECT_THAT(notes(), HasSubstr(sentence));
  }
}

TEST_F(KeepalivedImport, NamesProgramsOfThePathByTheirWholePath) {
  FakeHost host;
  host.programs["killall"] = "/usr/bin/killall";
  const PairConfig pair = pair_of(
      "vrrp_script haproxy { script \"killall -0 haproxy\" }\n"
      "vrrp_script port { script \"</dev/tcp/127.0.0.1/80\" }\n"
      "vrrp_script gone { script \"chk_gone now\"\n weight 4 }\n" +
          instance_with("track_script {\n haproxy\n port\n gone\n}\nnotify \"logger hello\""),
      host);
  ASSERT_EQ(pair.tracking.scripts.size(), 1U);
  EXPECT_THAT(pair.tracking.scripts.front().command,
              ElementsAre("/usr/bin/killall", "-0", "haproxy"));
  EXPECT_TRUE(pair.notify.any.empty());
  EXPECT_THAT(import_.toml, HasSubstr("#command = \"chk_gone now\""));
  EXPECT_THAT(notes(), HasSubstr("2: track_script port </dev/tcp/127.0.0.1/80 names no program"));
  EXPECT_THAT(notes(), HasSubstr("3: track_script gone chk_gone now names no program"));
}

TEST_F(KeepalivedImport, KeepsScriptsThatDoSomethingElse) {
  FakeHost host;
  host.files["/n/mail.sh"] = "#!/bin/sh\nmail -s master root\n";
  host.files["/n/look.sh"] = "#!/bin/sh\nredis-cli -h 192.168.1.112 INFO | mail root\n";
  host.files["/n/both.sh"] = "#!/bin/sh\nredis-cli SLAVEOF 192.168.1.113 6379\nmail root\n";
  const PairConfig pair = pair_of(
      "global_defs {\n script_user mailer mail\n}\n" +
          instance_with("notify_master /n/mail.sh\nnotify_backup \"/n/look.sh a 'b c'\"\n"
                        "notify_fault /n/both.sh\nnotify_stop /n/gone.sh\nnotify /n/mail.sh\n"),
      host);
  EXPECT_THAT(pair.notify.master, ElementsAre("/n/mail.sh"));
  EXPECT_THAT(pair.notify.backup, ElementsAre("/n/look.sh", "a", "b c"));
  EXPECT_THAT(pair.notify.fault, IsEmpty());
  EXPECT_THAT(pair.notify.stop, IsEmpty());
  EXPECT_THAT(pair.notify.any, ElementsAre("/n/mail.sh"));
  EXPECT_EQ(pair.notify.user + " " + pair.notify.group, "mailer mail");
  for (const char* sentence :
       {"16: notify_backup /n/look.sh a 'b c' is kept; Tandem does now line 2 (INFO)",
        "17: notify_fault /n/both.sh is kept, but switched off: take out what Tandem does now, "
        "line 2 (SLAVEOF 192.168.1.113 6379), and then the '#' away",
        "18: notify_stop /n/gone.sh /n/gone.sh does not exist here, so nobody has looked into "
        "it"}) {
    EXPECT_THAT(notes(), HasSubstr(sentence));
  }
  EXPECT_EQ(line_of(import_, "#fault"), "#fault = \"/n/both.sh\"");
}

TEST_F(KeepalivedImport, ShowsNoPasswordOfAScript) {
  FakeHost host;
  host.files["/n/m.sh"] = "C=\"redis-cli -h 192.168.1.112 -a hunter2\"\n$C SLAVEOF NO ONE\n";
  const PairConfig pair = pair_of(
      "vrrp_script p { script \"/usr/bin/redis-cli -a hunter2 PING\" }\n"
      "vrrp_script q { script \"/opt/redis_check -a hunter2\" }\n" +
          instance_with("track_script { p }\ntrack_script { q }\nnotify_master /n/m.sh\n"),
      host);
  EXPECT_THAT(pair.server.password_file, HasSubstr("redis.password"));
  std::string all = import_.toml + notes();
  for (const auto& step : import_.steps) all += step;
  EXPECT_THAT(all, Not(HasSubstr("hunter2")));
  EXPECT_THAT(all, HasSubstr("/n/m.sh"));
  EXPECT_THAT(all, HasSubstr("read -r password"));
}

TEST_F(KeepalivedImport, DerivesServersFromScripts) {
  FakeHost host;
  host.files["/n/b.sh"] =
      "redis-cli -s /run/redis.sock SLAVEOF 10.0.0.2 6380\nredis-cli -h 10.9.9.9 PING\n"
      "redis-cli -h redis.example PING\n";
  const std::string text =
      "vrrp_instance VI {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n  "
      "10.9.9.9/24\n }\n notify_backup /n/b.sh\n}\n";
  host.addresses = {{"eth1", "10.1.0.1"}, {"eth0", "10.9.9.9"}, {"eth0", "10.0.0.1"}};
  const PairConfig pair = pair_of(text, host);
  EXPECT_EQ(pair.server.unix_path, "/run/redis.sock");
  EXPECT_EQ(pair.replication_host + " " + pair.peer_server.host, "10.0.0.1 10.0.0.2");
  EXPECT_EQ(pair.peer_server.port, 6380);
  EXPECT_THAT(notes(), HasSubstr("1: the scripts name a server \"redis.example\"; Tandem takes"));
  host.files["/n/b.sh"] = "redis-cli SLAVEOF 10.9.9.9 6379\n";
  import_ = import_of(text, host);
  EXPECT_THAT(notes(), HasSubstr("make a server follow the VIP 10.9.9.9"));
  EXPECT_EQ(import_.gaps.front().key, "pair[VI].peer.server");
}

TEST_F(KeepalivedImport, MakesOnePairOfASyncGroup) {
  const PairConfig pair = pair_of(
      "vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n notify_master /bin/true\n"
      " track_interface { eth7 }\n}\n" +
      instance_with("") +
      "vrrp_instance VI_2 {\n interface eth1\n virtual_router_id 52\n virtual_ipaddress {\n  "
      "10.0.0.9/24\n }\n preempt_delay 5\n unicast_peer {\n  10.0.0.7\n }\n}\n");
  ASSERT_EQ(pair.vips_excluded.size(), 1U);
  EXPECT_EQ(pair.vips_excluded[0].interface, "eth1");
  EXPECT_THAT(pair.tracking.interfaces, ElementsAre("eth7", "eth1"));
  EXPECT_THAT(notes(), HasSubstr("vrrp_instance \"VI_2\" becomes part of the pair"));
  EXPECT_THAT(notes(),
              HasSubstr("what it says of unicast_peer, preempt_delay is not carried over"));
}

TEST_F(KeepalivedImport, RefusesToShareAServer) {
  import_ = import_of(instance_with("") + instance_with("") + "virtual_server 10.0.0.1 80 {\n}\n");
  EXPECT_EQ(import_.gaps.front().key, "pair[VI_1_2].server.address");
  EXPECT_THAT(notes(), HasSubstr("this pair has the server of the pair \"VI_1\""));
  EXPECT_THAT(notes(), HasSubstr("virtual_server is not carried over: Tandem balances no load"));
}

TEST_F(KeepalivedImport, RefusesWhatIsNoConfiguration) {
  EXPECT_EQ(refusal_of(""), "keepalived.conf has no vrrp_instance; there is nothing to import");
  EXPECT_EQ(refusal_of("vrrp_instance VI {\n"),
            "keepalived.conf:1: the block \"vrrp_instance\" begins here and is never closed; add "
            "the missing '}'");
}

}  // namespace
}  // namespace agent::keepalived
