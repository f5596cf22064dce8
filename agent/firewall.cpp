// The way of a packet through chains of rules. See firewall.hpp.
#include "agent/firewall.hpp"

#include <algorithm>
#include <charconv>

#include "vrrp/address.hpp"

namespace agent::firewall {
namespace {

constexpr int kVrrp = 112;
constexpr int kTcp = 6;
constexpr int kDeepest = 16;  // jumps

enum class Match : std::uint8_t { no, maybe, yes };

bool in_network(const std::string& value, const std::string& address) {
  const auto wanted = vrrp::IpAddress::parse(address);
  if (!wanted) return false;
  if (const auto prefix = vrrp::Prefix::parse(value)) return prefix->contains(*wanted);
  return vrrp::IpAddress::parse(value) == wanted;
}

int number_in(std::string_view text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool in_range(const std::string& value, int port) {
  const auto dash = value.find('-');
  const int first = number_in(value);
  const int last = dash == std::string::npos ? first : number_in(value.substr(dash + 1));
  return port >= first && port <= last;
}

bool is_interface(const std::string& value, const std::string& interface) {
  const bool open = value.ends_with('+') || value.ends_with('*');
  return open ? interface.starts_with(value.substr(0, value.size() - 1)) : value == interface;
}

bool is_protocol(const std::string& value, int protocol) {
  if (value == "vrrp") return protocol == kVrrp;
  if (value == "tcp") return protocol == kTcp;
  return number_in(value) == protocol;
}

bool fits(Condition::Of of, const std::string& value, const Packet& packet) {
  switch (of) {
    case Condition::Of::protocol: return is_protocol(value, packet.protocol);
    case Condition::Of::source: return in_network(value, packet.source);
    case Condition::Of::target: return in_network(value, packet.target);
    case Condition::Of::interface: return is_interface(value, packet.interface);
    case Condition::Of::port: return packet.port != 0 && in_range(value, packet.port);
    case Condition::Of::state: return value == "new";
    case Condition::Of::unknown: break;
  }
  return false;
}

Match match(const Condition& condition, const Packet& packet) {
  if (condition.of == Condition::Of::unknown) return Match::maybe;
  if (condition.of == Condition::Of::port && packet.port == 0) return Match::no;
  // Another interface than the loopback, in any case.
  const bool only_loopback = condition.values == std::vector<std::string>{"lo"};
  if (condition.of == Condition::Of::interface && packet.interface.empty() && !only_loopback) {
    return Match::maybe;
  }
  const bool any =
      std::any_of(condition.values.begin(), condition.values.end(),
                  [&](const std::string& value) { return fits(condition.of, value, packet); });
  return any != condition.negated ? Match::yes : Match::no;
}

Match match(const Rule& rule, const Packet& packet) {
  Match out = Match::yes;
  for (const Condition& condition : rule.conditions) {
    out = std::min(out, match(condition, packet));
  }
  return out;
}

struct Walk {
  const Rules& rules;
  const Packet& packet;
  bool may_pass = false;  // by a rule that is not understood
  bool may_drop = false;

  // accept or drop; back: the chain has ended.
  Verdict through(const Chain& chain, int depth) {
    for (const Rule& rule : chain.rules) {
      if (rule.verdict == Verdict::none) continue;
      const Match matched = match(rule, packet);
      if (matched == Match::no) continue;
      Verdict verdict = rule.verdict;
      if (verdict == Verdict::jump || verdict == Verdict::leave) {
        verdict = jump(rule, matched, depth);
        if (verdict == Verdict::back && rule.verdict == Verdict::jump) continue;
      }
      if (matched == Match::yes) return verdict;
      may_pass = may_pass || verdict == Verdict::accept;
      may_drop = may_drop || verdict == Verdict::drop;
    }
    return Verdict::back;
  }

  Verdict jump(const Rule& rule, Match matched, int depth) {
    const auto target = rules.chains.find(rule.target);
    if (target == rules.chains.end() || depth == kDeepest) {
      may_pass = may_drop = true;
      return Verdict::back;
    }
    const bool passed = may_pass;
    const bool dropped = may_drop;
    const Verdict verdict = through(target->second, depth + 1);
    if (matched == Match::maybe && verdict == Verdict::back) {
      may_pass = passed;
      may_drop = dropped;
    }
    return verdict;
  }
};

}  // namespace

Passage passage(const Rules& rules, const Packet& packet) {
  Passage unclear;
  for (const auto& [name, chain] : rules.chains) {
    if (!chain.input) continue;
    Walk walk{rules, packet};
    Verdict verdict = walk.through(chain, 0);
    if (verdict != Verdict::accept && verdict != Verdict::drop) {
      verdict = chain.drops ? Verdict::drop : Verdict::accept;
    }
    const bool drops = verdict == Verdict::drop;
    if (drops && !walk.may_pass) return {Passage::End::dropped, name};
    if (drops ? walk.may_pass : walk.may_drop) unclear = {Passage::End::unclear, name};
  }
  return unclear;
}

std::vector<std::string> opening(const Rules& rules, const std::string& chain,
                                 const Packet& packet) {
  const std::string port = std::to_string(packet.port);
  if (rules.nft) {
    std::string now = "nft insert rule " + chain + " ip saddr " + packet.source;
    now += packet.port == 0 ? " ip protocol vrrp" : " tcp dport " + port;
    // A file without a flush doubles each rule when it is loaded again.
    return {now + " accept", "cp -n /etc/nftables.conf /etc/nftables.conf.before-tandem",
            "{ echo 'flush ruleset'; nft list ruleset; } > /etc/nftables.conf"};
  }
  std::string now = "iptables -I " + chain + " -s " + packet.source;
  now += packet.port == 0 ? " -p vrrp" : " -p tcp --dport " + port;
  return {now + " -j ACCEPT", "iptables-save > /etc/iptables/rules.v4"};
}

}  // namespace agent::firewall
