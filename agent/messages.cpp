// See messages.hpp.
#include "agent/messages.hpp"

#include <array>

namespace agent {
namespace {

// The first that fits: what is said of something stands before what is said of everything.
constexpr auto kMessages = std::to_array<KnownMessage>({
    // Of a pair: why it is not protected, or why nobody leads.
    {"stop-put-off", "the stop is put off"},
    {"promotion-vetoed", "pre_promote vetoes"},
    {"veto-overruled", "is not asked: an operator said "},
    {"veto-overruled", "pre_demote is not asked any more: the stop was repeated"},
    {"veto-overruled", "pre_demote vetoes the stop for too long"},
    {"veto-unanswered", " gave no answer: it "},
    {"demotion-vetoed", "pre_demote vetoes"},
    {"takeovers-too-many", "takeovers within an hour (max_takeovers_per_hour)"},
    {"not-eligible", "not eligible: "},
    {"nobody-leads", "nobody leads: "},
    {"cut-off", "cut off: "},
    {"vrrp-blocked", "adverts of the leader do not arrive, but its agent says that it leads"},
    {"hold-down", "hold_down after it left the role"},
    {"promotion-failed", "promotion failed: "},
    {"no-standby-in-sync", "no standby in sync: nobody could take over"},
    {"safe-mode-no-standby", "no standby acknowledges: the server refuses writes"},
    {"safe-mode-alone", "the leader goes on without a standby: "},
    {"safe-mode-rival", "somebody else leads while no standby acknowledges"},
    {"safe-mode-opened", "an operator opens the leader without a standby"},
    {"handover-failed", "nobody took over in time: the local server stays as it is"},
    {"leaving-step-failed", "leaving: "},
    {"failback-failed", "failback came to nothing: "},
    {"interrupted", "the agent ended in the middle of a "},
    {"transition-left", "its transition is left to what comes after it"},

    // Two leaders, and the way between the hosts.
    {"one-way-loss", "leads too and does not hear this node's adverts"},
    {"two-leaders", "a second leader "},
    {"two-leaders", "the other node led too and has stepped down"},
    {"epoch-outlived", "the other node has led with epoch "},
    {"peer-back", "the peer is reachable again: the VIP is announced again"},
    {"peer-back", "the peer's server is a master no more: the VIP is announced again"},
    {"peer-back", "the dead agent's VIP has gone with its lease: the VIP is announced again"},
    {"advert-late", "an advert left more than an interval late"},
    {"advert-not-sent", "sending an advert failed: "},
    {"advert-not-sent", "adverts are not sent: "},
    {"advert-refused", "packet(s) of VRID "},
    {"advert-refused", "adverts of the peer "},
    {"vips-differ", "advertises another list of VIPs than this node has"},
    {"keys-not-read", "the keys in force stay: "},
    {"peer-link-refused", "peer link: refused "},
    {"peer-link-listen", "peer link: cannot listen on "},
    {"peer-link-down", "the peer link is down: "},
    {"peer-link-down", "peer link to "},
    {"configuration-differs", "the peer's configuration differs: "},
    {"gateway-lost", "track_gateway "},

    // Servers.
    {"server-unfit", "not for a pair: "},
    {"server-refuses-agent", "refuses this agent: "},
    {"server-degraded", "the local server is degraded: "},
    {"boots-as-master", "was restarted and booted as a master by itself"},
    {"boots-as-master", "came up as a master: it does not start in quarantine"},
    {"boots-as-the-peers-replica", "the local server came back as a replica of "},
    {"rights-missing", "ACL: user "},
    {"leader-empty", "the leader's server is empty while this one holds "},
    {"guard-not-set", "min-replicas-to-write cannot be set: "},
    {"does-not-follow", "the local server could not be changed: "},
    {"foreign-setting-stays", "what somebody set on the local server could not be put right"},
    {"foreign-setting", "of the local server to "},
    {"masterauth-wrong", "the local server's masterauth is not the password of the "},
    {"foreign-role", "somebody made the local server "},
    {"foreign-role", "somebody made the replica "},
    {"written-while-replica", "clients could write to the local server while it was a replica"},
    {"replica-trouble", "the replica "},
    {"certificates-not-read", "the certificates in force stay: "},

    // Data.
    {"data-held-apart", "the local server holds what the leader's lacks ("},
    {"data-held-apart", "the local server holds what the leader's may lack: "},
    {"data-held-apart", "the local server holds what the leader's may lack ("},
    {"data-kept", "what only the local server held is kept in "},
    {"data-kept-to-be-safe", "a copy of what the local server held is kept in "},
    {"data-given-up", "an operator accepts that what only the local server holds is lost: "},
    {"data-given-up", "an operator lets the local server follow the leader"},
    {"data-given-up", "promotion with accepted data loss was requested"},
    {"copy-not-removed", "an old copy stays: "},
    {"record-not-kept", "the record cannot be kept: "},
    {"record-not-kept", "the record is not on disk in time"},
    {"record-not-read", "what this node remembered of the pair is lost: "},
    {"record-not-read", " is not trusted: "},
    {"record-not-read", " cannot be read: "},
    {"events-not-kept", "events cannot be kept in "},
    {"events-not-kept", " event(s) are not in "},
    {"recovery-failed", "recovery failed, it is tried again in "},
    {"recovery-failed", "the local server could not be brought back: "},
    {"recovery-given-up", "recovery was given up: "},
    {"recovery-left", "recovery is left at its step "},
    {"recovery-trouble", "recovery: "},

    // Addresses.
    {"vip-repaired", " was gone and is back"},
    {"vip-removed", "somebody put VIP "},
    {"vip-missing", " is not here although this node leads"},
    {"vip-waits", ": its virtual addresses wait for it"},
    {"vip-on-lo", "cannot be kept from answering ARP for addresses on lo"},
    {"vip-on-lo", "there is no link lo to hold the virtual addresses"},
    {"vip-not-set", " on link "},
    {"announcing-failed", "announcing "},
    {"address-off-network", "is not on a network of "},

    // Operators, maintenance, scripts.
    {"maintenance-on", "maintenance is on: "},
    {"maintenance-over", "maintenance is over: its time has come"},
    {"fence-asked", "nothing is heard of the peer: the fence script is asked"},
    {"fence-proof", "the fence script says that the peer's host is down"},
    {"fence-no-proof", "the fence script does not prove that the peer's host is down: "},
    {"fifo-full", "the FIFO is full"},
    {"fifo-lines-lost", "line(s) for "},
    {"fifo-lines-lost", "a line for "},
    {"fifo-lines-lost", " are lost"},
    {"fifo-trouble", "notify.fifo: "},
    {"hook-dropped", " was dropped"},
    {"hook-not-run", " was not run: "},
    {"hook-not-run", " did not run: "},
    {"hook-failed", " ended with exit code "},
    {"hook-failed", " was ended by signal "},
    {"hook-failed", " was ended by the agent"},
    {"hook-overrun", " did not end within "},
    {"tracked-script", "track_script "},
    {"tracked-file", "track_file "},

    // The agent itself.
    {"reload-refused", "nothing was changed: "},
    {"restart-refused", "restart: not begun: "},
    {"configuration-warning", "configuration: "},
    {"memory-short", "memory is short: "},
    {"memory-short", "no memory is left, "},
    {"not-realtime", "; adverts may be late under load"},
    {"interface-waits", ": waiting"},
    {"interface-waits", " waits for it"},
    {"tracked-interface", "interface "},
    {"metrics-not-opened", "agent.metrics: "},
    {"no-journal", "no journal listens on this host"},
    {"cannot-start", "cannot start: "},
});

}  // namespace

std::span<const KnownMessage> known_messages() {
  return kMessages;
}

std::string_view message_key(std::string_view sentence) {
  for (const KnownMessage& message : kMessages) {
    if (sentence.find(message.words) != std::string_view::npos) return message.key;
  }
  return {};
}

}  // namespace agent
