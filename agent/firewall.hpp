// Whether the rules of a firewall let a packet in, as far as they can be understood: a judgement
// over the texts of `nft -j list ruleset` and `iptables-save`. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace agent::firewall {

// The first one of a new conversation.
struct Packet {
  std::string what;       // "VRRP adverts of the peer"
  int protocol = 0;       // of IP: 112, 6
  int port = 0;           // destination; 0: has none
  std::string source;     // IPv4 address
  std::string target;     // likewise
  std::string interface;  // where it comes in; empty: not known
};

enum class Verdict : std::uint8_t { none, accept, drop, jump, leave, back };

struct Condition {
  enum class Of : std::uint8_t { protocol, source, target, interface, port, state, unknown };
  Of of = Of::unknown;
  std::vector<std::string> values;  // "112", "10.0.0.0/24", "eth0", "eth+", "7000-7200", "new"
  bool negated = false;
};

struct Rule {
  std::vector<Condition> conditions;
  Verdict verdict = Verdict::none;  // none: it only counts or logs
  std::string target;               // of a jump
};

struct Chain {
  std::string name;    // "inet filter input": what a command needs to add a rule
  bool input = false;  // packets for this host begin here
  bool drops = false;  // its policy
  std::vector<Rule> rules;
};

struct Rules {
  bool nft = true;                      // else of iptables
  std::map<std::string, Chain> chains;  // by name
};

// Empty for a text that is none.
Rules read_nft(std::string_view ruleset);
Rules read_iptables(std::string_view saved);

struct Passage {
  enum class End : std::uint8_t { passes, dropped, unclear };
  End end = End::passes;
  std::string chain;  // that drops it, or cannot be understood
};
Passage passage(const Rules& rules, const Packet& packet);

// The commands that let it in, in front of all others of that chain.
std::vector<std::string> opening(const Rules& rules, const std::string& chain,
                                 const Packet& packet);

}  // namespace agent::firewall
