// See status.hpp: the text half.
#include <boost/json.hpp>
#include <cmath>
#include <iomanip>
#include <optional>
#include <sstream>

#include "agent/duration_words.hpp"
#include "agent/status.hpp"

namespace agent {
namespace {

namespace json = boost::json;
using Seconds = std::chrono::duration<double>;

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? json::serialize(*value) : std::string("?");
}

bool flag_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

std::string server_line(const json::object& server) {
  const std::string health = text_of(server, "health");
  const std::string detail = text_of(server, "detail");
  std::string line = text_of(server, "address") + "  " + health;
  if (!detail.empty() && health != "up") line += " (" + detail + ")";
  const std::string role = text_of(server, "role");
  line += ", " + role;
  if (role == "replica") {
    line += " of " + text_of(server, "master");
    if (flag_of(server, "sync_in_progress")) {
      line += ", synchronising";
    } else {
      line += flag_of(server, "link_up") ? ", link up" : ", link DOWN";
    }
    if (server.if_contains("lag_bytes") != nullptr && !server.at("lag_bytes").is_null()) {
      line += ", " + number_of(server, "lag_bytes") + " bytes behind";
    }
  }
  return line + ", " + number_of(server, "keys") + " keys";
}

// What is wrong with them is among the alarms.
std::string replica_lines(const json::object& pair) {
  std::string out;
  const auto* replicas = pair.if_contains("replicas");
  if (replicas == nullptr || !replicas->is_array()) return out;
  for (const auto& entry : replicas->get_array()) {
    if (!entry.is_object()) continue;
    const json::object& replica = entry.get_object();
    out += "  replica  ";
    out += flag_of(replica, "watched") ? server_line(replica)
                                       : text_of(replica, "address") + "  watched by the leader";
    out += "\n";
  }
  return out;
}

// The interface is named where it is not that of the adverts.
std::string vip_line(const json::object& pair) {
  std::string line;
  const std::string usual = text_of(object_of(pair, "vrrp"), "interface");
  const auto* vips = pair.if_contains("vips");
  if (vips == nullptr || !vips->is_array()) return line;
  for (const auto& entry : vips->get_array()) {
    if (!entry.is_object()) continue;
    const auto& vip = entry.get_object();
    const std::string interface = text_of(vip, "interface");
    line += (line.empty() ? "" : ", ") + text_of(vip, "address") +
            (interface.empty() || interface == usual ? "" : " on " + interface) +
            (flag_of(vip, "present") ? " (here)" : " (not here)");
  }
  return line;
}

// A family in which nothing can be sent now.
std::string silent_families(const json::object& router) {
  std::string lines;
  const auto* sources = router.if_contains("sources");
  if (sources == nullptr || !sources->is_array()) return lines;
  for (const auto& entry : sources->get_array()) {
    if (!entry.is_object() || !text_of(entry.get_object(), "address").empty()) continue;
    lines += "           no " + text_of(entry.get_object(), "family") +
             " adverts: no address to send from\n";
  }
  return lines;
}

// Only what is not in order: a line each.
std::string tracker_lines(const json::object& pair) {
  std::string out;
  const auto* trackers = pair.if_contains("trackers");
  if (trackers == nullptr || !trackers->is_array()) return out;
  for (const auto& entry : trackers->get_array()) {
    if (!entry.is_object() || text_of(entry.get_object(), "state") == "good") continue;
    const json::object& tracker = entry.get_object();
    const std::string detail = text_of(tracker, "detail");
    out += "  tracked  " + text_of(tracker, "kind") + " " + text_of(tracker, "name") + " is " +
           text_of(tracker, "state") + (detail.empty() ? "" : ": " + detail) + ", since " +
           text_of(tracker, "since") + "\n";
  }
  return out;
}

// The link to the other node's agent.
std::string link_line(const json::object& link) {
  const std::string state = text_of(link, "state");
  if (state == "up") {
    std::ostringstream trip;
    const auto* rtt = link.if_contains("rtt_ms");
    if (rtt != nullptr && rtt->is_number()) {
      trip << ", " << std::fixed << std::setprecision(1) << rtt->to_number<double>() << " ms";
    }
    return "up with " + text_of(link, "node") + ", version " + text_of(link, "version") +
           trip.str();
  }
  const std::string why = text_of(link, "why");
  if (state != "down") return "off" + (why.empty() ? "" : ": " + why);
  return "DOWN since " + text_of(link, "since") + ": " + why;
}

std::string megabytes(double bytes) {
  constexpr double kMegabyte = 1e6;
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << bytes / kMegabyte << " MB";
  return text.str();
}

std::optional<double> amount_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

// Only while one runs: what failed is an alarm.
std::string recovery_line(const json::object& recovery) {
  if (!flag_of(recovery, "running")) return "";
  std::string line = "  recovery " + text_of(recovery, "step");
  if (const auto bytes = amount_of(recovery, "bytes")) {
    line += ": " + megabytes(*bytes);
    if (const auto total = amount_of(recovery, "total")) line += " of " + megabytes(*total);
    if (const auto rate = amount_of(recovery, "bytes_per_second")) {
      line += ", " + megabytes(*rate) + "/s";
    }
    if (const auto left = amount_of(recovery, "seconds_left")) {
      line += ", " + duration_words(Seconds(std::ceil(*left))) + " left";
    }
  }
  return line + ", for " + duration_words(Seconds(amount_of(recovery, "for_seconds").value_or(0))) +
         "\n";
}

// "250", or "250, now 230" when weights have moved it.
std::string priority_words(const json::object& router) {
  const std::string own = number_of(router, "priority");
  const std::string effective = number_of(router, "effective_priority");
  return own == effective || effective == "?" ? own : own + ", now " + effective;
}

// Only while this node means to take the role back.
std::string maintenance_line(const json::object& pair) {
  const auto* found = pair.if_contains("maintenance");
  if (found == nullptr || !found->is_object()) return {};
  const json::object& on = found->get_object();
  const std::string why = text_of(on, "why");
  std::string line = "  MAINTENANCE by " + text_of(on, "who") + (why.empty() ? "" : ": " + why);
  line += "; nothing is done automatically ";
  const auto left = amount_of(on, "seconds_left");
  if (!left) return line + "until tandem maintenance off\n";
  return line + "for another " + duration_words(Seconds(*left)) + "\n";
}

std::string failback_line(const json::object& failback) {
  const std::string words = text_of(failback, "words");
  const auto* due = failback.if_contains("due_in_seconds");
  if (due != nullptr && due->is_number()) {
    const auto seconds = static_cast<long>(std::ceil(due->to_number<double>()));
    return "  failback due in " + std::to_string(seconds) + " s" +
           (words.empty() ? "" : ", the last one came to nothing: " + words) + "\n";
  }
  return words.empty() ? "" : "  failback waits: " + words + "\n";
}

std::string pair_text(const json::object& pair) {
  const json::object& router = object_of(pair, "vrrp");
  const auto* seconds = pair.if_contains("for_seconds");
  const double age = seconds != nullptr && seconds->is_number() ? seconds->to_number<double>() : 0;
  std::string out = text_of(pair, "name") + ": " + text_of(pair, "state") + " for " +
                    duration_words(Seconds(age)) + ", because " + text_of(pair, "reason") + "\n";
  out += "  leader   " + text_of(pair, "leader") + ", epoch " + number_of(pair, "epoch") + "\n";
  out += "  VIP      " + vip_line(pair) + "\n";
  out += "  server   " + server_line(object_of(pair, "server")) + "\n";
  out += "  peer     " + server_line(object_of(pair, "peer")) + "\n";
  out += replica_lines(pair);
  out += "  VRRP     " + text_of(router, "interface") + " VRID " + number_of(router, "vrid") +
         ", version " + number_of(router, "version") + ", priority " + priority_words(router) +
         ", every " + number_of(router, "advert_interval_ms") + " ms\n";
  out += silent_families(router) + tracker_lines(pair);
  const json::object& link = object_of(pair, "peer_link");
  out += "  link     " + link_line(link) + "\n";
  out += recovery_line(object_of(pair, "recovery"));
  out += maintenance_line(pair);
  const bool leads = text_of(pair, "state") == "leading";
  if (leads) {
    const bool linked = text_of(link, "state") == "up";
    out += flag_of(pair, "standby_in_sync")
               ? std::string("  standby  in sync; ") +
                     (linked ? "its agent runs\n" : "whether its agent runs is not known here\n")
               : "  standby  NOT in sync: nobody could take over without losing writes\n";
  } else {
    const std::string why = text_of(router, "may_not_lead_because");
    if (!why.empty()) out += "  does not lead because " + why + "\n";
    out += failback_line(object_of(pair, "failback"));
  }
  if (const auto* alarms = pair.if_contains("alarms"); alarms != nullptr && alarms->is_array()) {
    for (const auto& alarm : alarms->get_array()) {
      if (alarm.is_string()) out += "  ALARM    " + std::string(alarm.get_string()) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string status_text(const json::object& status, const std::string& only) {
  std::string out = "node " + text_of(status, "node") + "\n";
  const auto* pairs = status.if_contains("pairs");
  if (pairs == nullptr || !pairs->is_array()) return out;
  for (const auto& pair : pairs->get_array()) {
    if (!pair.is_object()) continue;
    if (!only.empty() && text_of(pair.get_object(), "name") != only) continue;
    out += "\n" + pair_text(pair.get_object());
  }
  return out;
}

}  // namespace agent
