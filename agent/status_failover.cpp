// Would a failover work now? The answer of `tandem status`, from what one node sees. See
// status.hpp.
#include <boost/json.hpp>

#include "agent/json_fields.hpp"
#include "agent/status_text.hpp"

namespace agent {
namespace {

namespace json = boost::json;

// What keeps the peer's server from taking over, as the leader sees it.
std::string standby_problem(const json::object& peer) {
  const std::string health = text_of(peer, "health");
  const std::string detail = text_of(peer, "detail");
  std::string out = "the standby's server ";
  if (health != "up") {
    out += "is " + health;
    return detail.empty() ? out : out + " (" + detail + ")";
  }
  if (text_of(peer, "role") != "replica") return out + "is no replica but " + text_of(peer, "role");
  if (flag_of(peer, "sync_in_progress")) return out + "still fetches the data";
  if (!flag_of(peer, "link_up")) return out + "has no link to its master";
  out += "is not in sync";
  const auto lag = amount_of(peer, "lag_bytes");
  return lag && *lag > 0 ? out + ", " + number_of(peer, "lag_bytes") + " bytes behind" : out;
}

// That somebody leads is what a standby waits for the end of.
bool only_waits(const std::string& why) {
  return why.find("leads") != std::string::npos;
}

FailoverWords of_leader(const json::object& pair) {
  const json::object& link = object_of(pair, "peer_link");
  const json::object& said = object_of(link, "says");
  if (!flag_of(pair, "standby_in_sync")) {
    return {false, standby_problem(object_of(pair, "peer")) +
                       ": nobody could take over without losing writes"};
  }
  if (text_of(link, "state") == "down") {
    return {false,
            "the standby's server is in sync, but its agent is not reached over the peer link (" +
                text_of(link, "why") + ")",
            false};
  }
  if (text_of(link, "state") != "up") {
    return {true, "the standby is in sync; whether its agent runs is not known here"};
  }
  std::string why = text_of(said, "why");
  if (!flag_of(said, "may_lead") && !why.empty() && !only_waits(why)) {
    return {false, "node " + text_of(link, "node") + " may not take over, because " + why};
  }
  if (why = text_of(said, "unfit"); !why.empty()) {
    return {false, "node " + text_of(link, "node") + " could not take over: " + why};
  }
  return {true, "the standby is in sync; its agent runs"};
}

}  // namespace

std::string takeover_problem(const json::object& pair) {
  const json::object& router = object_of(pair, "vrrp");
  std::string why = text_of(router, "may_not_lead_because");
  if (!flag_of(router, "may_lead") && !why.empty() && !only_waits(why)) return why;
  const json::object& server = object_of(pair, "server");
  std::string out = "the local server ";
  if (text_of(server, "health") != "up") return out + "is " + text_of(server, "health");
  if (text_of(server, "role") != "replica") {
    return out + "is no replica but " + text_of(server, "role");
  }
  if (flag_of(server, "sync_in_progress")) return out + "still fetches the data";
  if (!flag_of(server, "link_up")) return out + "has no link to its master";
  return {};
}

FailoverWords failover_words(const json::object& pair) {
  if (!object_of(pair, "maintenance").empty()) {
    return {false, "maintenance is on, so nobody takes over by itself"};
  }
  const std::string state = text_of(pair, "state");
  if (state == "leading") return of_leader(pair);
  if (state == "promoting" || state == "leaving") return {false, "the role is moving"};
  const json::object& router = object_of(pair, "vrrp");
  const std::string why = text_of(router, "may_not_lead_because");
  const bool nobody = text_of(pair, "leader") == "nobody";
  if (state == "standby" && !nobody) {
    const std::string problem = takeover_problem(pair);
    if (problem.empty()) return {true, "this node would take over"};
    return {false, problem};
  }
  if (flag_of(router, "may_lead")) return {true, "nobody leads, and this node is about to"};
  std::string words =
      nobody ? "nobody leads, and this node does not lead" : "this node cannot take over";
  if (!why.empty()) words += " because " + why;
  return {false, words};
}

}  // namespace agent
