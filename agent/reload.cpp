// See reload.hpp.
#include "agent/reload.hpp"

#include <algorithm>

namespace agent {
namespace {

// Without what is renewed while the pair is at work.
PairConfig lasting(PairConfig pair) {
  pair.auth.keys.clear();
  for (ServerConfig* server : {&pair.server, &pair.peer_server}) {
    if (server->tls) server->tls->material = {};
  }
  return pair;
}

const PairConfig* find(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.pairs.begin(), config.pairs.end(),
                                  [&](const PairConfig& pair) { return pair.name == name; });
  return found == config.pairs.end() ? nullptr : &*found;
}

void add(std::string& out, const std::vector<std::string>& names, const char* what) {
  if (names.empty()) return;
  if (!out.empty()) out += ", ";
  out += std::to_string(names.size());
  out += ' ';
  out += what;
  out += " (";
  for (const std::string& name : names) out += (&name == &names.front() ? "" : ", ") + name;
  out += ')';
}

}  // namespace

ReloadPlan plan_reload(const Config& now, const Config& wanted) {
  ReloadPlan plan;
  const auto refuse = [&](bool same, const char* key) {
    if (!same) plan.refused.emplace_back(key);
  };
  refuse(now.node == wanted.node, "node");
  refuse(now.state_dir == wanted.state_dir, "state_dir");
  refuse(now.control_socket == wanted.control_socket, "control_socket");
  refuse(now.realtime == wanted.realtime, "realtime");
  refuse(now.log == wanted.log, "log");
  refuse(now.metrics == wanted.metrics, "metrics");
  refuse(now.peer_link == wanted.peer_link, "peer_link");
  for (const PairConfig& pair : now.pairs) {
    const PairConfig* after = find(wanted, pair.name);
    if (after == nullptr) {
      plan.removed.push_back(pair.name);
    } else if (lasting(pair) == lasting(*after)) {
      plan.unchanged.push_back(pair.name);
    } else {
      plan.changed.push_back(pair.name);
    }
  }
  for (const PairConfig& pair : wanted.pairs) {
    if (find(now, pair.name) == nullptr) plan.added.push_back(pair.name);
  }
  return plan;
}

std::string ReloadPlan::to_string() const {
  std::string out;
  add(out, changed, "changed");
  add(out, added, "added");
  add(out, removed, "removed");
  if (out.empty()) return "no pair has changed";
  if (!unchanged.empty()) out += ", " + std::to_string(unchanged.size()) + " unchanged";
  return out;
}

}  // namespace agent
