// See status_text.hpp.
#include "agent/status_text.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <optional>
#include <sstream>

#include "agent/duration_words.hpp"
#include "agent/json_fields.hpp"
#include "agent/status.hpp"

namespace agent {
namespace {

namespace json = boost::json;
using Seconds = std::chrono::duration<double>;

// Of one that does not, the facts are those of its last answer.
bool answers(const std::string& health) {
  return health != "dead" && health != "unreachable" && health != "hung" && health != "unknown";
}

std::string server_line(const json::object& server) {
  const std::string health = text_of(server, "health");
  const std::string detail = text_of(server, "detail");
  std::string line = text_of(server, "address") + "  " + health;
  if (!detail.empty() && health != "up") line += " (" + detail + ")";
  const std::string role = text_of(server, "role");
  if (!answers(health)) {
    if (role == "unknown") return line;
    return line + "; last seen as " + role + ", " + number_of(server, "keys") + " keys";
  }
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
std::string replica_lines(const json::object& pair, const Screen& screen) {
  std::string out;
  for (const auto& entry : list_of(pair, "replicas")) {
    if (!entry.is_object()) continue;
    const json::object& replica = entry.get_object();
    out += screen.entry("  replica  ", flag_of(replica, "watched") ? server_line(replica)
                                                                   : text_of(replica, "address") +
                                                                         "  watched by the leader");
  }
  return out;
}

// The interface is named where it is not that of the adverts.
std::string vip_line(const json::object& pair) {
  std::string line;
  const std::string usual = text_of(object_of(pair, "vrrp"), "interface");
  for (const auto& entry : list_of(pair, "vips")) {
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
std::string silent_families(const json::object& router, const Screen& screen) {
  std::string lines;
  for (const auto& entry : list_of(router, "sources")) {
    if (!entry.is_object() || !text_of(entry.get_object(), "address").empty()) continue;
    lines += screen.entry("           ", "no " + text_of(entry.get_object(), "family") +
                                             " adverts: no address to send from");
  }
  return lines;
}

// Only what is not in order: a line each.
std::string tracker_lines(const json::object& pair, const Screen& screen) {
  std::string out;
  for (const auto& entry : list_of(pair, "trackers")) {
    if (!entry.is_object() || text_of(entry.get_object(), "state") == "good") continue;
    const json::object& tracker = entry.get_object();
    const std::string detail = text_of(tracker, "detail");
    out += screen.entry("  tracked  ",
                        text_of(tracker, "kind") + " " + text_of(tracker, "name") + " is " +
                            text_of(tracker, "state") + (detail.empty() ? "" : ": " + detail) +
                            ", since " + text_of(tracker, "since"),
                        Colour::yellow);
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

// Only while one runs: what failed is an alarm.
std::string recovery_line(const json::object& recovery, const Screen& screen) {
  if (!flag_of(recovery, "running")) return "";
  std::string line = text_of(recovery, "step");
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
  line += ", for " + duration_words(Seconds(amount_of(recovery, "for_seconds").value_or(0)));
  return screen.entry("  recovery ", line, Colour::cyan);
}

// "250", or "250, now 230" when weights have moved it.
std::string priority_words(const json::object& router) {
  const std::string own = number_of(router, "priority");
  const std::string effective = number_of(router, "effective_priority");
  return own == effective || effective == "?" ? own : own + ", now " + effective;
}

std::string maintenance_line(const json::object& pair, const Screen& screen) {
  const json::object& on = object_of(pair, "maintenance");
  if (on.empty()) return {};
  const std::string why = text_of(on, "why");
  std::string line = "by " + text_of(on, "who") + (why.empty() ? "" : ": " + why);
  line += "; nothing is done automatically ";
  const auto left = amount_of(on, "seconds_left");
  line += left ? "for another " + duration_words(Seconds(*left)) : "until tandem maintenance off";
  return screen.entry("  MAINTENANCE ", line, Colour::yellow);
}

// Only while this node means to take the role back.
std::string failback_line(const json::object& failback, const Screen& screen) {
  const std::string words = text_of(failback, "words");
  if (const auto due = amount_of(failback, "due_in_seconds")) {
    const auto seconds = static_cast<long>(std::ceil(*due));
    return screen.entry("  failback ",
                        "due in " + std::to_string(seconds) + " s" +
                            (words.empty() ? "" : ", the last one came to nothing: " + words));
  }
  return words.empty() ? "" : screen.entry("  failback ", "waits: " + words);
}

std::string alarm_lines(const json::object& pair, const Screen& screen) {
  std::string out;
  for (const auto& alarm : list_of(pair, "alarms")) {
    if (!alarm.is_string()) continue;
    out += screen.entry("  ALARM    ", std::string(alarm.get_string()), Colour::red);
  }
  return out;
}

// Of one that leads or stands by; of others the state says it.
std::string state_lines(const json::object& pair, const FailoverWords& failover,
                        const Screen& screen) {
  const Colour colour = failover.works     ? Colour::green
                        : failover.certain ? Colour::red
                                           : Colour::yellow;
  const char* verdict = failover.works     ? "would work now"
                        : failover.certain ? "would NOT work now"
                                           : "may NOT work now";
  const double age = amount_of(pair, "for_seconds").value_or(0);
  std::string out = screen.entry(text_of(pair, "name") + ": ",
                                 text_of(pair, "state") + " for " + duration_words(Seconds(age)) +
                                     ", because " + text_of(pair, "reason"),
                                 failover.works ? Colour::green : Colour::yellow);
  std::string words = verdict;
  if (!failover.words.empty()) words += ": " + failover.words;
  out += screen.entry("  failover ", words, colour);
  return out;
}

std::string pair_text(const json::object& pair, const Screen& screen) {
  const json::object& router = object_of(pair, "vrrp");
  std::string out = state_lines(pair, failover_words(pair), screen);
  out += alarm_lines(pair, screen) + maintenance_line(pair, screen);
  out +=
      screen.entry("  leader   ", text_of(pair, "leader") + ", epoch " + number_of(pair, "epoch"));
  out += screen.entry("  VIP      ", vip_line(pair));
  out += screen.entry("  server   ", server_line(object_of(pair, "server")));
  out += screen.entry("  peer     ", server_line(object_of(pair, "peer")));
  out += replica_lines(pair, screen);
  out += screen.entry("  VRRP     ", text_of(router, "interface") + " VRID " +
                                         number_of(router, "vrid") + ", version " +
                                         number_of(router, "version") + ", priority " +
                                         priority_words(router) + ", every " +
                                         number_of(router, "advert_interval_ms") + " ms");
  out += silent_families(router, screen) + tracker_lines(pair, screen);
  const json::object& link = object_of(pair, "peer_link");
  const bool down = text_of(link, "state") == "down";
  out += screen.entry("  link     ", link_line(link), down ? Colour::yellow : Colour::none);
  out += recovery_line(object_of(pair, "recovery"), screen);
  if (text_of(pair, "state") != "leading")
    out += failback_line(object_of(pair, "failback"), screen);
  return out;
}

}  // namespace

std::string status_text(const json::object& status, const std::string& only, const Screen& screen) {
  std::string out = screen.entry("", "node " + text_of(status, "node"));
  for (const auto& pair : list_of(status, "pairs")) {
    if (!pair.is_object()) continue;
    if (!only.empty() && text_of(pair.get_object(), "name") != only) continue;
    out += "\n" + pair_text(pair.get_object(), screen);
  }
  return out;
}

std::string status_text(const json::object& status, const std::string& only) {
  return status_text(status, only, Screen{});
}

}  // namespace agent
