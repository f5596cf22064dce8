// See keepalived_advice.hpp. The words are those of keepalived.conf(5) 2.2 and 2.3.
#include "agent/keepalived_advice.hpp"

#include <map>

namespace agent::keepalived {
namespace {

using Table = std::map<std::string_view, std::string_view>;

constexpr std::string_view kNothingLost{};
constexpr std::string_view kOwnMac =
    "Tandem keeps the interface's own MAC address and announces the VIP by gratuitous ARP; remove "
    "what keepalived leaves of the virtual interface";
constexpr std::string_view kMail =
    "Tandem sends no mail; let a script do it, with `any` in [pair.notify]";
constexpr std::string_view kRoutes =
    "let scripts do it, `ip route replace` or `ip rule add` with `master` in [pair.notify], and "
    "take it back with `backup`, `fault` and `stop`";
constexpr std::string_view kProcess =
    "Tandem watches Redis itself; for another process write a script that runs `pidof NAME`, as "
    "[[pair.track_script]]";
constexpr std::string_view kBfd =
    "name a router with track_gateway, by which a host tells that it is cut off";
constexpr std::string_view kLvs =
    "Tandem balances no load; leave this block to a keepalived of "
    "its own, without vrrp_instance";
constexpr std::string_view kRealtime =
    "Tandem runs its loop with realtime priority by itself; `realtime` in [agent] turns it off";

const Table& instance_words() {
  static const Table table{
      {"use_vmac", kOwnMac},
      {"use_vmac_addr", kOwnMac},
      {"vmac_xmit_base", kOwnMac},
      {"use_ipvlan", kOwnMac},
      {"virtual_routes", kRoutes},
      {"virtual_rules", kRoutes},
      {"track_process", kProcess},
      {"track_bfd", kBfd},
      {"dont_track_primary",
       "Tandem always watches the interface: a leader nobody hears must not lead"},
      {"track_src_ip", kNothingLost},
      {"mcast_dst_ip",
       "Tandem uses the groups of the standard; write unicast_peers when they do not pass"},
      {"vrf", "Tandem speaks on `interface` itself"},
      {"smtp_alert", kMail},
      {"notify_deleted", "nothing calls it: a pair that is taken out stops, and `stop` is told"},
      {"notify_master_rx_lower_pri",
       "two leaders are settled by their epoch; `master` is called once"},
      {"notify_priority_changes", "the priority of a Tandem node does not change"},
      {"no_accept", "clients must reach Redis at the VIP, so it is always accepted"},
      {"strict_mode", kNothingLost},
      {"skip_check_adv_addr", kNothingLost},
      {"garp_lower_prio_delay", kNothingLost},
      {"garp_lower_prio_repeat", kNothingLost},
      {"garp_master_refresh_repeat", "one packet is sent at each refresh"},
      {"garp_extra_if", "`announce` with its refresh covers every VIP on its own interface"},
      {"lower_prio_no_advert", kNothingLost},
      {"higher_prio_send_advert", kNothingLost},
      {"unicast_ttl", "adverts are sent with TTL 255"},
      {"old_unicast_checksum", "both forms are understood, `checksum` says what is sent"},
      {"lvs_sync_daemon_interface", kLvs},
      {"lvs_sync_daemon", kLvs},
      {"promote_secondaries",
       "set the sysctl net.ipv4.conf.INTERFACE.promote_secondaries = 1 when the VIP shares its "
       "network with other addresses"},
      {"preempt", kNothingLost},
      {"accept", kNothingLost},
      {"native_ipv6", kNothingLost},
      {"debug", kNothingLost},
      {"check_unicast_src", kNothingLost},
      {"unicast_fault_no_peer", kNothingLost},
      {"kernel_rx_buf_size", kNothingLost},
      {"linkbeat_use_polling", kNothingLost},
      {"linkbeat_interfaces", kNothingLost},
  };
  return table;
}

const Table& global_words() {
  static const Table table{
      {"notification_email", kMail},
      {"notification_email_from", kMail},
      {"smtp_server", kMail},
      {"smtp_alert", kMail},
      {"smtp_alert_vrrp", kMail},
      {"smtp_connect_timeout", kNothingLost},
      {"smtp_helo_name", kNothingLost},
      {"smtp_alert_checker", kNothingLost},
      {"no_email_faults", kNothingLost},
      {"router_id", kNothingLost},
      {"enable_script_security", kNothingLost},
      {"enable_dbus", "use `tandem status --json` or [pair.notify]"},
      {"enable_snmp_vrrp", "use `tandem status --json`"},
      {"enable_snmp_keepalived", "use `tandem status --json`"},
      {"enable_traps", "let a script do it, with `any` in [pair.notify]"},
      {"vrrp_mcast_group4", "Tandem uses 224.0.0.18; write unicast_peers when it does not pass"},
      {"vrrp_mcast_group6", "Tandem uses ff02::12; write unicast_peers when it does not pass"},
      {"vrrp_iptables", "clients must reach Redis at the VIP; remove keepalived's chains"},
      {"nftables", "clients must reach Redis at the VIP; remove keepalived's table"},
      {"vrrp_strict", kNothingLost},
      {"vrrp_skip_check_adv_addr", kNothingLost},
      {"vrrp_garp_interval", kNothingLost},
      {"vrrp_gna_interval", kNothingLost},
      {"vrrp_garp_lower_prio_delay", kNothingLost},
      {"vrrp_garp_lower_prio_repeat", kNothingLost},
      {"vrrp_garp_master_refresh_repeat", "one packet is sent at each refresh"},
      {"vrrp_notify_fifo_script", "start the reader of the FIFO by a unit of its own"},
      {"notify_fifo_script", "start the reader of the FIFO by a unit of its own"},
      {"vrrp_rt_priority", kRealtime},
      {"vrrp_priority", kRealtime},
      {"max_auto_priority", kRealtime},
      {"vrrp_no_swap", kNothingLost},
      {"vrrp_startup_delay", "write startup_hold in [[pair]]"},
      {"startup_script", "name it in the unit of the agent, ExecStartPre="},
      {"shutdown_script", "name it in the unit of the agent, ExecStopPost="},
      {"net_namespace", "start tandemd in the namespace: NetworkNamespacePath= in its unit"},
      {"dynamic_interfaces", kNothingLost},
      {"process_names", kNothingLost},
      {"use_symlink_paths", kNothingLost},
  };
  return table;
}

const Table& block_words() {
  static const Table table{
      {"virtual_server", kLvs},
      {"virtual_server_group", kLvs},
      {"lvs_sync_daemon", kLvs},
      {"bfd_instance", kBfd},
      {"vrrp_track_process", kProcess},
      {"track_process", kProcess},
      {"static_ipaddress", "give the host its addresses where the others are configured"},
      {"static_routes", "give the host its routes where the others are configured"},
      {"static_rules", "give the host its rules where the others are configured"},
      {"garp_group", "`announce` in [[pair]] spaces the packets 10 ms apart"},
      {"net_namespace", "start tandemd in the namespace: NetworkNamespacePath= in its unit"},
      {"linkbeat_use_polling", kNothingLost},
      {"linkbeat_interfaces", kNothingLost},
      {"interface_up_down_delays", "write link_up_delay in [[pair]]"},
      {"instance", kNothingLost},
      {"use_pid_dir", kNothingLost},
      {"include_check", kNothingLost},
      {"child_wait_time", kNothingLost},
  };
  return table;
}

std::optional<std::string_view> find(const Table& table, std::string_view keyword) {
  const auto found = table.find(keyword);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<std::string_view> advice_for_instance(std::string_view keyword) {
  return find(instance_words(), keyword);
}

std::optional<std::string_view> advice_for_globals(std::string_view keyword) {
  return find(global_words(), keyword);
}

std::optional<std::string_view> advice_for_block(std::string_view keyword) {
  return find(block_words(), keyword);
}

}  // namespace agent::keepalived
