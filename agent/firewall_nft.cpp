// Reads the JSON of `nft -j list ruleset`. See firewall.hpp.
#include <boost/json.hpp>
#include <optional>

#include "agent/firewall.hpp"

namespace agent::firewall {
namespace {

namespace json = boost::json;
using Of = Condition::Of;

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::object* object_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::optional<std::string> scalar(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_number()) return json::serialize(value);
  return std::nullopt;
}

// False: something in it is not understood.
bool add_values(const json::value& value, std::vector<std::string>& out) {
  if (const auto plain = scalar(value)) {
    if (plain->starts_with('@')) return false;  // a set by its name
    out.push_back(*plain);
    return true;
  }
  if (const auto* list = value.if_array()) {
    for (const auto& one : *list) {
      if (!add_values(one, out)) return false;
    }
    return true;
  }
  const auto* object = value.if_object();
  if (object == nullptr) return false;
  if (const auto* set = object->if_contains("set")) return add_values(*set, out);
  if (const auto* range = object->if_contains("range")) {
    const auto* ends = range->if_array();
    if (ends == nullptr || ends->size() != 2) return false;
    const auto first = scalar(ends->at(0));
    const auto last = scalar(ends->at(1));
    if (!first || !last) return false;
    out.push_back(*first + "-" + *last);
    return true;
  }
  if (const auto* prefix = object_of(*object, "prefix")) {
    const auto* length = prefix->if_contains("len");
    if (length == nullptr) return false;
    out.push_back(text_of(*prefix, "addr") + "/" + json::serialize(*length));
    return true;
  }
  if (const auto* element = object_of(*object, "elem")) {
    const auto* inner = element->if_contains("val");
    return inner != nullptr && add_values(*inner, out);
  }
  return false;
}

Of what_is(const json::value& left) {
  const auto* object = left.if_object();
  if (object == nullptr) return Of::unknown;
  if (const auto* meta = object_of(*object, "meta")) {
    const std::string key = text_of(*meta, "key");
    if (key == "l4proto") return Of::protocol;
    if (key == "iif" || key == "iifname") return Of::interface;
  }
  if (const auto* state = object_of(*object, "ct")) {
    if (text_of(*state, "key") == "state") return Of::state;
  }
  if (const auto* payload = object_of(*object, "payload")) {
    const std::string protocol = text_of(*payload, "protocol");
    const std::string field = text_of(*payload, "field");
    if (protocol == "ip" && field == "protocol") return Of::protocol;
    if (protocol == "ip" && field == "saddr") return Of::source;
    if (protocol == "ip" && field == "daddr") return Of::target;
    if ((protocol == "tcp" || protocol == "th") && field == "dport") return Of::port;
    // Another port, or IPv6: not of an IPv4 packet of ours.
    if (field == "dport" || protocol == "ip6" || protocol == "icmp") return Of::protocol;
  }
  return Of::unknown;
}

Condition condition_of(const json::value& left, const json::value& right, bool negated) {
  Condition out{what_is(left), {}, negated};
  if (!add_values(right, out.values)) out = {};
  // What was taken for a protocol because it is another one has values that are none of ours.
  const auto* object = left.if_object();
  const auto* payload = object == nullptr ? nullptr : object_of(*object, "payload");
  if (out.of == Of::protocol && payload != nullptr && text_of(*payload, "field") != "protocol") {
    out = {Of::protocol, {text_of(*payload, "protocol")}, false};
  }
  return out;
}

struct Verb {
  const char* name;
  Verdict verdict;
};
constexpr Verb kVerbs[] = {{"accept", Verdict::accept}, {"drop", Verdict::drop},
                           {"reject", Verdict::drop},   {"return", Verdict::back},
                           {"jump", Verdict::jump},     {"goto", Verdict::leave},
                           {"queue", Verdict::accept}};

bool read_verdict(const json::object& expression, const std::string& table, Rule& rule) {
  for (const Verb& verb : kVerbs) {
    if (expression.if_contains(verb.name) == nullptr) continue;
    rule.verdict = verb.verdict;
    if (const auto* target = object_of(expression, verb.name)) {
      const std::string name = text_of(*target, "target");
      if (name.empty()) return true;
      rule.target = table;
      rule.target += " " + name;
    }
    return true;
  }
  return false;
}

// One rule for each of its elements.
void read_map(const json::object& map, const std::string& table, const Rule& so_far,
              std::vector<Rule>& out) {
  const auto* key = map.if_contains("key");
  const auto* data = object_of(map, "data");
  const auto* set = data == nullptr ? nullptr : data->if_contains("set");
  const auto* elements = set == nullptr ? nullptr : set->if_array();
  Rule unknown = so_far;
  unknown.conditions.emplace_back();
  if (key == nullptr || elements == nullptr) {
    for (const Verdict verdict : {Verdict::accept, Verdict::drop}) {
      unknown.verdict = verdict;
      out.push_back(unknown);
    }
    return;
  }
  for (const auto& element : *elements) {
    const auto* both = element.if_array();
    if (both == nullptr || both->size() != 2 || !both->at(1).is_object()) continue;
    Rule rule = so_far;
    rule.conditions.push_back(condition_of(*key, both->at(0), false));
    if (read_verdict(both->at(1).get_object(), table, rule)) out.push_back(std::move(rule));
  }
}

void read_rule(const json::object& rule, const std::string& table, std::vector<Rule>& out) {
  const auto* expressions = rule.if_contains("expr");
  if (expressions == nullptr || !expressions->is_array()) return;
  Rule made;
  for (const auto& entry : expressions->get_array()) {
    const auto* expression = entry.if_object();
    if (expression == nullptr) continue;
    if (const auto* match = object_of(*expression, "match")) {
      const auto* left = match->if_contains("left");
      const auto* right = match->if_contains("right");
      const std::string op = text_of(*match, "op");
      const bool known = op == "==" || op == "in" || op == "!=";
      const bool whole = left != nullptr && right != nullptr && known;
      made.conditions.push_back(whole ? condition_of(*left, *right, op == "!=") : Condition{});
    } else if (const auto* map = object_of(*expression, "vmap")) {
      return read_map(*map, table, made, out);
    } else if (!read_verdict(*expression, table, made) &&
               expression->if_contains("counter") == nullptr &&
               expression->if_contains("log") == nullptr) {
      made.conditions.emplace_back();  // xt, limit, and what is newer than this program
    }
  }
  out.push_back(std::move(made));
}

}  // namespace

Rules read_nft(std::string_view ruleset) {
  Rules out;
  boost::system::error_code error;
  const auto whole = json::parse(json::string_view(ruleset.data(), ruleset.size()), error);
  if (error || !whole.is_object()) return out;
  const auto* entries = whole.get_object().if_contains("nftables");
  if (entries == nullptr || !entries->is_array()) return out;
  for (const auto& entry : entries->get_array()) {
    const auto* object = entry.if_object();
    if (object == nullptr) continue;
    if (const auto* chain = object_of(*object, "chain")) {
      const std::string family = text_of(*chain, "family");
      const std::string table = family + " " + text_of(*chain, "table");
      const bool ours = family == "ip" || family == "inet";
      const bool input = text_of(*chain, "hook") == "input" && text_of(*chain, "type") == "filter";
      Chain& made = out.chains[table + " " + text_of(*chain, "name")];
      made.name = table + " " + text_of(*chain, "name");
      made.input = ours && input;
      made.drops = text_of(*chain, "policy") == "drop";
    } else if (const auto* rule = object_of(*object, "rule")) {
      const std::string table = text_of(*rule, "family") + " " + text_of(*rule, "table");
      read_rule(*rule, table, out.chains[table + " " + text_of(*rule, "chain")].rules);
    }
  }
  return out;
}

}  // namespace agent::firewall
