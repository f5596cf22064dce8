// What the running agent knows to be wrong, on this node and between the two. See doctor.hpp.
#include <algorithm>
#include <boost/json.hpp>

#include "agent/doctor_words.hpp"
#include "agent/json_fields.hpp"
#include "agent/status_text.hpp"

namespace agent::doctor {
namespace {

namespace json = boost::json;

void judge_link(const json::object& pair, const std::string& version, Notes& notes) {
  const json::object& link = object_of(pair, "peer_link");
  const std::string state = text_of(link, "state");
  if (state == "down") {
    notes.add(Level::warning,
              "the link to the peer's agent is down since " + text_of(link, "since") + ": " +
                  text_of(link, "why"),
              {"tandem events --since 1h   # and on the peer: systemctl status tandem"});
  }
  if (state != "up") return;
  const std::string node = text_of(link, "node");
  const std::string theirs = text_of(link, "version");
  notes.ok("the agents speak to each other, the peer is " + node);
  if (theirs != version) {
    notes.add(Level::advice,
              "the agents are of versions " + version + " here and " + theirs + " on " + node,
              {"apt-get install --only-upgrade tandem   # on the host with the older one"});
  }
}

void judge_pair(const json::object& pair, const std::string& version, Notes& notes) {
  const std::string name = text_of(pair, "name");
  judge_link(pair, version, notes);
  const auto* alarms = pair.if_contains("alarms");
  const bool has_alarms = alarms != nullptr && alarms->is_array() && !alarms->get_array().empty();
  if (has_alarms) {
    for (const auto& alarm : alarms->get_array()) {
      if (!alarm.is_string()) continue;
      notes.add(Level::problem, "the agent raises an alarm: " + std::string(alarm.get_string()),
                {"tandem events --warnings " + name +
                 "   # its meaning, and what mends it: man tandem-messages"});
    }
  } else {
    notes.ok("the agent has no alarm");
  }
  if (pair.if_contains("maintenance") != nullptr && pair.at("maintenance").is_object()) {
    notes.add(Level::warning, "maintenance is on: nothing is done automatically",
              {"tandem maintenance off " + name});
  }
  if (text_of(pair, "state") == "leading") {
    if (flag_of(pair, "standby_in_sync")) {
      notes.ok("the standby is in sync: a failover would lose nothing");
    } else {
      notes.add(Level::problem,
                "the standby is not in sync: nobody could take over without losing writes",
                {"tandem status " + name + "   # and on the peer: tandem doctor"});
    }
    return;
  }
  if (text_of(pair, "leader") == "nobody") {
    const std::string why = text_of(object_of(pair, "vrrp"), "may_not_lead_because");
    notes.add(Level::problem, "nobody leads" + (why.empty() ? "" : ", here because " + why),
              {"tandem status " + name + "   # on both hosts"});
    return;
  }
  const std::string problem = takeover_problem(pair);
  if (problem.empty()) return notes.ok("this node would take over from the leader");
  notes.add(Level::problem, "this node could not take over: " + problem, {"tandem status " + name});
}

}  // namespace

Findings judge_agent(const json::object& status, const std::string& only,
                     const std::vector<std::string>& configured) {
  Findings out;
  const auto take = [&out](Notes& notes) {
    for (Finding& finding : notes.take()) out.push_back(std::move(finding));
  };
  const std::string version = text_of(status, "version");
  Notes agent("agent");
  agent.ok("tandemd " + version + " runs on node " + text_of(status, "node"));
  std::vector<std::string> running;
  const auto* pairs = status.if_contains("pairs");
  if (pairs != nullptr && pairs->is_array()) {
    for (const auto& pair : pairs->get_array()) {
      if (pair.is_object()) running.push_back(text_of(pair.get_object(), "name"));
    }
  }
  for (const std::string& name : configured) {
    if (std::find(running.begin(), running.end(), name) != running.end()) continue;
    agent.add(Level::warning,
              "pair " + name + " is in the configuration, but the agent does not run it",
              {"tandem reload"});
  }
  take(agent);
  if (pairs == nullptr || !pairs->is_array()) return out;
  for (const auto& entry : pairs->get_array()) {
    if (!entry.is_object()) continue;
    const std::string name = text_of(entry.get_object(), "name");
    if (!only.empty() && name != only) continue;
    Notes notes("pair " + name);
    judge_pair(entry.get_object(), version, notes);
    take(notes);
  }
  return out;
}

}  // namespace agent::doctor
