// Reads the text of `iptables-save`. See firewall.hpp.
#include <sstream>

#include "agent/firewall.hpp"

namespace agent::firewall {
namespace {

using Of = Condition::Of;

std::vector<std::string> split(const std::string& text, char mark) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, mark);) {
    if (!part.empty()) out.push_back(part);
  }
  return out;
}

std::string lower(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

// "7000:7200" as "7000-7200"
std::vector<std::string> ports_of(std::string text) {
  for (char& letter : text) {
    if (letter == ':') letter = '-';
  }
  return split(text, ',');
}

void set_target(const std::string& target, bool leaves, Rule& rule) {
  if (target == "ACCEPT") {
    rule.verdict = Verdict::accept;
  } else if (target == "DROP" || target == "REJECT") {
    rule.verdict = Verdict::drop;
  } else if (target == "RETURN") {
    rule.verdict = Verdict::back;
  } else if (target != "LOG" && target != "NFLOG" && target != "MARK") {
    rule.verdict = leaves ? Verdict::leave : Verdict::jump;
    rule.target = target;
  }
}

// "-A INPUT -s 10.0.0.2/32 -p vrrp -j ACCEPT"
Rule rule_of(const std::vector<std::string>& words) {
  Rule out;
  bool negated = false;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "!") {
      negated = true;
      continue;
    }
    const std::string value = i + 1 < words.size() ? words[i + 1] : std::string();
    if (word == "-j" || word == "-g") {
      set_target(value, word == "-g", out);
      break;  // what follows are options of the target
    }
    if (word == "-m" || word == "--comment") {
      const bool known = value == "tcp" || value == "multiport" || value == "conntrack" ||
                         value == "state" || value == "comment";
      if (word == "-m" && !known) out.conditions.emplace_back();
    } else if (word == "-p") {
      out.conditions.push_back({Of::protocol, {value}, negated});
    } else if (word == "-s") {
      out.conditions.push_back({Of::source, {value}, negated});
    } else if (word == "-d") {
      out.conditions.push_back({Of::target, {value}, negated});
    } else if (word == "-i") {
      out.conditions.push_back({Of::interface, {value}, negated});
    } else if (word == "--dport" || word == "--dports") {
      out.conditions.push_back({Of::port, ports_of(value), negated});
    } else if (word == "--ctstate" || word == "--state") {
      out.conditions.push_back({Of::state, split(lower(value), ','), negated});
    } else if (word.starts_with('-')) {
      out.conditions.emplace_back();
    }
    negated = false;
    // Some options of matches have no value.
    if (word.starts_with('-') && !value.starts_with('-')) ++i;
  }
  return out;
}

}  // namespace

Rules read_iptables(std::string_view saved) {
  Rules out;
  out.nft = false;
  std::istringstream lines{std::string(saved)};
  bool filter = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('*')) filter = line == "*filter";
    if (!filter) continue;
    const auto words = split(line, ' ');
    if (words.size() >= 2 && line.starts_with(':')) {
      Chain& chain = out.chains[words[0].substr(1)];
      chain.name = words[0].substr(1);
      chain.input = chain.name == "INPUT";
      chain.drops = words[1] == "DROP";
    } else if (words.size() > 2 && words[0] == "-A") {
      out.chains[words[1]].rules.push_back(rule_of(words));
    }
  }
  return out;
}

}  // namespace agent::firewall
