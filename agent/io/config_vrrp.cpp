// The keys of [[pair]] that shape its virtual router: version, priority, timing, authentication.
#include "agent/io/config_keys.hpp"
#include "agent/io/config_pair.hpp"
#include "agent/io/config_secrets.hpp"
#include "vrrp/timing.hpp"

namespace agent::io {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kAuthPassBytes = 8;  // RFC 2338 section 5.3.6

Parsed<vrrp::Version> parse_version(const ConfigNode& node) {
  if (node.kind != ValueKind::integer) return wrong_type(node, "the integer 2 or 3");
  if (node.integer != 2 && node.integer != 3) {
    return Refusal{std::to_string(node.integer) + " is not a VRRP version; allowed are 2 and 3"};
  }
  return node.integer == 2 ? vrrp::Version::v2 : vrrp::Version::v3;
}

Parsed<vrrp::Priority> parse_priority(const ConfigNode& node) {
  if (node.kind != ValueKind::integer) return wrong_type(node, "an integer from 1 to 254");
  if (node.integer == 0) {
    return Refusal{"0 is what a leader sends when it resigns; allowed are 1 to 254"};
  }
  if (node.integer == 255) {
    return Refusal{
        "255 means address owner and would seize the role without asking about the data; allowed "
        "are 1 to 254"};
  }
  if (node.integer < 0 || node.integer > 255) {
    return Refusal{std::to_string(node.integer) + " is not a priority; allowed are 1 to 254"};
  }
  return vrrp::Priority{static_cast<std::uint8_t>(node.integer)};
}

auto duration_in(Duration min, Duration max) {
  return [=](const ConfigNode& node) { return parse_duration(node, {min, max}); };
}

// RFC 9568 section 5.2.7 carries centiseconds, RFC 3768 section 5.3.7 seconds.
void read_interval(TableReader& reader, PairConfig& pair, bool version_known) {
  const vrrp::Version version = pair.version;
  const bool v2 = version == vrrp::Version::v2;
  if (v2) pair.advert_interval = seconds(1);
  DurationRange range{
      vrrp::min_interval(version), vrrp::max_interval(version),
      v2 ? Duration(seconds(1)) : Duration(milliseconds(10)),
      v2 ? "in whole seconds (VRRP version 2)" : "in steps of 10ms (VRRP version 3)"};
  if (!version_known) range = {milliseconds(10), seconds(255)};
  reader.read("advert_interval", pair.advert_interval,
              [&](const ConfigNode& node) { return parse_duration(node, range); });
}

void read_auth_pass(TableReader& reader, PairConfig& pair, bool version_known,
                    const std::string& path) {
  std::string password;
  if (!reader.read("auth_pass", password,
                   [](const ConfigNode& node) { return parse_text(node, 256); })) {
    return;
  }
  if (version_known && pair.version == vrrp::Version::v3) {
    reader.error("auth_pass",
                 "is not possible with version 3, which has no passwords; remove it, or write "
                 "version = 2 on both nodes");
  }
  if (auto shared = refuse_shared_file(path)) reader.error("auth_pass", std::move(*shared));
  if (password.size() > kAuthPassBytes) {
    reader.warning("auth_pass",
                   "is longer than 8 bytes; only the first 8 are used, as keepalived does");
  }
  pair.auth_type = vrrp::AuthType::pass;
  pair.auth_pass = vrrp::make_auth_pass(password);
}

void read_timing(TableReader& reader, PairConfig& pair) {
  reader.read("down_adverts", pair.down_adverts,
              [](const ConfigNode& node) { return parse_integer(node, 1, 100); });
  reader.read("preempt", pair.preempt, parse_boolean);
  reader.read("preempt_delay", pair.preempt_delay, duration_in(Duration{0}, hours(1)));
  reader.read("startup_hold", pair.startup_hold, duration_in(Duration{0}, hours(1)));
  reader.read("link_up_delay", pair.link_up_delay, duration_in(Duration{0}, minutes(5)));
  if (reader.accepted("preempt_delay") && !pair.preempt) {
    reader.warning("preempt_delay", "has no effect without preempt = true");
  }
  if (pair.preempt) {
    reader.warning("preempt",
                   "lets the higher priority take the role from a live leader, with a pause for "
                   "its writers; leave it out unless the other host runs keepalived");
  }
}

void read_failback(TableReader& reader, PairConfig& pair) {
  std::string mode = "manual";
  reader.read("failback", mode, [](const ConfigNode& node) {
    return parse_choice(node, {"auto", "manual"});
  });
  pair.failback = mode == "auto";
  reader.read("failback_delay", pair.failback_delay, duration_in(Duration{0}, hours(24)));
  if (reader.accepted("failback") && pair.preempt) {
    reader.error("failback",
                 "and preempt = true contradict each other: preempt takes the role "
                 "back at once, without looking whether the standby could; remove one "
                 "of them");
  }
  if (reader.accepted("failback_delay") && !pair.failback) {
    reader.warning("failback_delay", "has no effect without failback = \"auto\"");
  }
}

void read_checksum(TableReader& reader, PairConfig& pair) {
  std::string form = "pseudo_header";
  reader.read("checksum", form, [](const ConfigNode& node) {
    return parse_choice(node, {"pseudo_header", "message_only"});
  });
  if (form == "message_only") pair.checksum_form = vrrp::ChecksumForm::message_only;
  if (reader.accepted("checksum") && pair.version == vrrp::Version::v2) {
    reader.warning("checksum", "has no effect in version 2, which never has a pseudo-header");
  }
}

void read_auth_keys(TableReader& reader, PairConfig& pair) {
  reader.read("auth_key_file", pair.auth_key_file,
              [](const ConfigNode& node) { return parse_path(node, kMaxPath); });
  std::string mode = "enforce";
  reader.read("auth_mode", mode, [](const ConfigNode& node) {
    return parse_choice(node, {"enforce", "permissive", "receive_only"});
  });
  Duration window = pair.auth.window;
  reader.read("auth_window", window, [](const ConfigNode& node) {
    return parse_duration(node, {seconds(1), seconds(300), seconds(1), "in whole seconds"});
  });
  pair.auth.window = std::chrono::duration_cast<seconds>(window);
  pair.auth.mode = mode == "enforce"      ? vrrp::AuthMode::enforce
                   : mode == "permissive" ? vrrp::AuthMode::permissive
                                          : vrrp::AuthMode::receive_only;
  for (const char* key : {"auth_mode", "auth_window"}) {
    if (reader.accepted(key) && reader.find("auth_key_file") == nullptr) {
      reader.warning(key, "has no effect without auth_key_file");
    }
  }
  if (!reader.accepted("auth_key_file")) return;
  auto keys = read_auth_key_file(pair.auth_key_file);
  if (const auto* refusal = std::get_if<Refusal>(&keys)) {
    return reader.error("auth_key_file", refusal->what);
  }
  pair.auth.keys = std::get<std::vector<vrrp::AuthKey>>(std::move(keys));
  if (pair.auth.window < 2 * pair.advert_interval) {
    reader.warning("auth_window", to_text(pair.auth.window) +
                                      " is shorter than two advert intervals: the clocks of both "
                                      "hosts must agree that closely");
  }
}

}  // namespace

bool read_router(TableReader& reader, PairConfig& pair, const std::string& path) {
  const bool version_known =
      reader.read("version", pair.version, parse_version) || reader.find("version") == nullptr;
  read_auth_pass(reader, pair, version_known, path);
  read_auth_keys(reader, pair);
  reader.read("priority", pair.priority, parse_priority);
  read_interval(reader, pair, version_known);
  read_timing(reader, pair);
  read_failback(reader, pair);
  read_checksum(reader, pair);
  return version_known;
}

}  // namespace agent::io
