// See steering_commands.hpp.
#include "agent/io/steering_commands.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <vector>

#include "agent/io/control_client.hpp"
#include "agent/json_fields.hpp"
#include "agent/status_text.hpp"

namespace agent::io {
namespace {

namespace json = boost::json;

constexpr int kRefused = 1;
constexpr int kUsage = 2;
constexpr int kUnreachable = 3;
constexpr int kBetweenRecoveryLooksMs = 200;
constexpr long kMillisecondsPerSecond = 1000;
constexpr long kMaintenancePatienceSeconds = 10;
constexpr long kReloadPatienceSeconds = 60;      // a pair that is removed hands over first
constexpr long kSwitchoverPatienceSeconds = 20;  // beside the time that writes may be held

int fail(int code, const std::string& sentence) {
  std::cerr << "tandem: " << sentence << "\n";
  return code;
}

// 0, or the exit code of what went wrong, which has been said.
int check(const ControlAnswer& answer) {
  if (!answer.problem.empty()) {
    return fail(kUnreachable, "the agent cannot be reached: " + answer.problem);
  }
  const auto* error = answer.value.if_contains("error");
  if (error == nullptr) return 0;
  return fail(kRefused, error->is_string() ? std::string(error->get_string()) : "refused");
}

std::vector<std::string> all_pairs(const json::object& status) {
  std::vector<std::string> out;
  for (const auto& pair : list_of(status, "pairs")) {
    if (pair.is_object()) out.push_back(text_of(pair.get_object(), "name"));
  }
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

// Who types, also behind sudo.
std::string operator_name() {
  for (const char* name : {"SUDO_USER", "LOGNAME", "USER"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "uid " + std::to_string(::getuid());
}

// The pair that is meant when none is named: the only one. Empty: there are others, which was said.
std::string only_pair(const json::object& status) {
  const auto names = all_pairs(status);
  if (names.size() == 1) return names.front();
  fail(kUsage, "this agent has several pairs, name one of them: " + joined(names));
  return {};
}

json::value recovery_of(const json::object& status, const std::string& name) {
  for (const auto& pair : status.at("pairs").as_array()) {
    if (pair.at("name").as_string() == name) return pair.at("recovery");
  }
  return {};
}

std::string recovery_words(const json::object& recovery) {
  std::string step(recovery.at("step").as_string());
  if (recovery.at("bytes").is_null()) return step;
  constexpr double kMegabyte = 1e6;
  std::ostringstream words;
  words << step << ": " << std::fixed << std::setprecision(1)
        << recovery.at("bytes").to_number<double>() / kMegabyte << " MB";
  return words.str();
}

// Until the agent reports an end; Ctrl-C leaves it at work.
int await_recovery(const std::string& path, const std::string& pair, std::int64_t ends_before) {
  std::string shown;
  while (true) {
    const ControlAnswer answer = ask_agent(path, {{"command", "status"}});
    if (const int code = check(answer)) return code;
    const json::value found = recovery_of(answer.value, pair);
    if (!found.is_object())
      return fail(kRefused, pair + ": the agent does not recover it any more");
    const json::object& recovery = found.get_object();
    if (recovery.at("number").to_number<std::int64_t>() > ends_before) {
      const std::string words(recovery.at("words").as_string());
      if (recovery.at("outcome").as_string() != "done") {
        std::string sentence = pair;
        sentence += ": " + words + "; the agent tries again, see tandem status";
        return fail(kRefused, sentence);
      }
      std::cout << pair << ": " << words << "\n";
      return 0;
    }
    const std::string words = recovery_words(recovery);
    if (!words.empty() && words != shown) std::cerr << (shown = words) << "\n";
    ::poll(nullptr, 0, kBetweenRecoveryLooksMs);
  }
}

}  // namespace

int refused_status(const ControlAnswer& answer, const std::string& pair) {
  if (const int code = check(answer)) return code;
  const auto names = all_pairs(answer.value);
  if (pair.empty() || std::find(names.begin(), names.end(), pair) != names.end()) return 0;
  return fail(kRefused, "no pair of that name: " + pair + "; this agent has " + joined(names));
}

int show_status(const std::string& path, const std::string& pair, bool as_json,
                const Screen& screen) {
  const ControlAnswer answer = ask_agent(path, {{"command", "status"}});
  if (const int code = refused_status(answer, pair)) return code;
  std::cout << (as_json ? json::serialize(answer.value) + "\n"
                        : status_text(answer.value, pair, screen));
  return 0;
}

int promote(const std::string& path, const std::string& pair, bool accept_data_loss) {
  const ControlAnswer answer = ask_agent(
      path, {{"command", "promote"}, {"pair", pair}, {"accept_data_loss", accept_data_loss}});
  if (const int code = check(answer)) return code;
  std::cout << "promotion begun; see tandem status\n";
  return 0;
}

int rejoin(const std::string& path, const std::string& pair, bool accept_data_loss) {
  const ControlAnswer answer = ask_agent(
      path, {{"command", "rejoin"}, {"pair", pair}, {"accept_data_loss", accept_data_loss}});
  if (const int code = check(answer)) return code;
  std::cout << pair << ": the local server will follow the leader; see tandem status\n";
  return 0;
}

int acknowledge(const std::string& path, const std::string& pair) {
  const ControlAnswer answer = ask_agent(path, {{"command", "acknowledge"}, {"pair", pair}});
  if (const int code = check(answer)) return code;
  std::cout << pair << ": acknowledged; takeovers are counted anew\n";
  return 0;
}

// Without a name all pairs of the node: who services a host means the host.
int maintenance(const std::string& path, const MaintenanceOptions& options, bool on) {
  const ControlAnswer status = ask_agent(path, {{"command", "status"}});
  if (const int code = check(status)) return code;
  int worst = 0;
  for (const std::string& pair :
       options.pair.empty() ? all_pairs(status.value) : std::vector<std::string>{options.pair}) {
    const ControlAnswer answer = ask_agent(path,
                                           {{"command", "maintenance"},
                                            {"pair", pair},
                                            {"on", on},
                                            {"who", operator_name()},
                                            {"why", options.why},
                                            {"seconds", options.seconds}},
                                           kMaintenancePatienceSeconds);
    if (const int code = check(answer)) {
      worst = code;
      continue;
    }
    std::cout << pair << ": " << std::string(answer.value.at("done").as_string()) << "\n";
  }
  return worst;
}

// The agent answers when the move has ended, whichever node it is asked on.
int switchover(const std::string& path, std::string pair, const SwitchoverOptions& options) {
  if (pair.empty()) {
    const ControlAnswer status = ask_agent(path, {{"command", "status"}});
    if (const int code = check(status)) return code;
    pair = only_pair(status.value);
    if (pair.empty()) return kUsage;
  }
  const json::object request{{"command", "switchover"},
                             {"pair", pair},
                             {"dry_run", options.dry_run},
                             {"server_failover", options.server_failover},
                             {"ignore_veto", options.ignore_veto},
                             {"timeout_ms", options.timeout_ms}};
  const ControlAnswer answer = ask_agent(
      path, request, 2 * options.timeout_ms / kMillisecondsPerSecond + kSwitchoverPatienceSeconds);
  if (const int code = check(answer)) return code;
  const auto* words = answer.value.if_contains("done");
  if (words == nullptr || !words->is_string()) return fail(kRefused, "the answer has no end");
  std::cout << pair << ": " << std::string(words->get_string()) << "\n";
  return 0;
}

int recover(const std::string& path, std::string pair) {
  const ControlAnswer status = ask_agent(path, {{"command", "status"}});
  if (const int code = check(status)) return code;
  if (pair.empty()) {
    pair = only_pair(status.value);
    if (pair.empty()) return kUsage;
  }
  const ControlAnswer answer = ask_agent(path, {{"command", "recover"}, {"pair", pair}});
  if (const int code = check(answer)) return code;
  const json::value before = recovery_of(status.value, pair);
  const bool known = before.is_object();
  return await_recovery(path, pair,
                        known ? before.at("number").to_number<std::int64_t>() : std::int64_t{0});
}

namespace {

int change(const std::string& path, const char* command) {
  const ControlAnswer answer = ask_agent(path, {{"command", command}}, kReloadPatienceSeconds);
  if (const int code = check(answer)) return code;
  std::cout << std::string(answer.value.at("done").as_string()) << "\n";
  return 0;
}

}  // namespace

int reload(const std::string& path) {
  return change(path, "reload");
}

int restart(const std::string& path) {
  return change(path, "restart");
}

}  // namespace agent::io
