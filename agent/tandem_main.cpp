// tandem: the operator's command. Talks to the agent over its control socket; `fetch` to a server.
// Exit codes: 0 good, 1 refused or failed, 2 usage, 3 agent not reachable.
#include <poll.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>

#include "agent/io/control_client.hpp"
#include "agent/io/diverged_command.hpp"
#include "agent/io/events_command.hpp"
#include "agent/io/fetch_command.hpp"
#include "agent/status.hpp"

namespace {

namespace json = boost::json;
using agent::io::ask_agent;
using agent::io::ControlAnswer;

constexpr int kRefused = 1;
constexpr int kUsage = 2;
constexpr int kUnreachable = 3;
constexpr int kBetweenRecoveryLooksMs = 200;
constexpr long kMillisecondsPerSecond = 1000;
constexpr long kSwitchoverPatienceSeconds = 20;  // beside the time that writes may be held

// Both are flags, which the library forgets when it adds them.
constexpr auto kUnitIsRequired = static_cast<CLI::AsNumberWithUnit::Options>(
    CLI::AsNumberWithUnit::CASE_SENSITIVE | CLI::AsNumberWithUnit::UNIT_REQUIRED);

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

bool has_pair(const json::object& status, const std::string& name) {
  const auto* pairs = status.if_contains("pairs");
  if (pairs == nullptr || !pairs->is_array()) return false;
  for (const auto& pair : pairs->get_array()) {
    const auto* found = pair.is_object() ? pair.get_object().if_contains("name") : nullptr;
    if (found != nullptr && found->is_string() && found->get_string() == name) return true;
  }
  return false;
}

int show_status(const std::string& path, const std::string& pair, bool as_json) {
  const ControlAnswer answer = ask_agent(path, {{"command", "status"}});
  if (const int code = check(answer)) return code;
  if (!pair.empty() && !has_pair(answer.value, pair)) {
    return fail(kRefused, "no pair of that name: " + pair + "; tandem status lists them");
  }
  std::cout << (as_json ? json::serialize(answer.value) + "\n"
                        : agent::status_text(answer.value, pair));
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

// The pair that is meant when none is named: the only one.
std::optional<std::string> only_pair(const json::object& status) {
  const auto* pairs = status.if_contains("pairs");
  if (pairs == nullptr || !pairs->is_array() || pairs->get_array().size() != 1) return std::nullopt;
  return std::string(pairs->get_array().at(0).at("name").as_string());
}

struct SwitchoverOptions {
  bool dry_run = false;
  bool server_failover = false;
  long timeout_ms = 5000;
};

// The agent answers when the move has ended, whichever node it is asked on.
int switchover(const std::string& path, std::string pair, const SwitchoverOptions& options) {
  if (pair.empty()) {
    const ControlAnswer status = ask_agent(path, {{"command", "status"}});
    if (const int code = check(status)) return code;
    const auto only = only_pair(status.value);
    if (!only) return fail(kUsage, "this agent has several pairs: name one of them");
    pair = *only;
  }
  const json::object request{{"command", "switchover"},
                             {"pair", pair},
                             {"dry_run", options.dry_run},
                             {"server_failover", options.server_failover},
                             {"timeout_ms", options.timeout_ms}};
  const ControlAnswer answer = ask_agent(
      path, request, 2 * options.timeout_ms / kMillisecondsPerSecond + kSwitchoverPatienceSeconds);
  if (const int code = check(answer)) return code;
  const auto* words = answer.value.if_contains("done");
  if (words == nullptr || !words->is_string()) return fail(kRefused, "the answer has no end");
  std::cout << pair << ": " << std::string(words->get_string()) << "\n";
  return 0;
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

int recover(const std::string& path, std::string pair) {
  const ControlAnswer status = ask_agent(path, {{"command", "status"}});
  if (const int code = check(status)) return code;
  if (pair.empty()) {
    const auto only = only_pair(status.value);
    if (!only) return fail(kUsage, "this agent has several pairs: name one of them");
    pair = *only;
  }
  const ControlAnswer answer = ask_agent(path, {{"command", "recover"}, {"pair", pair}});
  if (const int code = check(answer)) return code;
  const json::value before = recovery_of(status.value, pair);
  const bool known = before.is_object();
  return await_recovery(path, pair,
                        known ? before.at("number").to_number<std::int64_t>() : std::int64_t{0});
}

CLI::App* add_fetch(CLI::App& app, agent::io::FetchOptions& options) {
  auto* fetch = app.add_subcommand("fetch", "copy the dataset of a server into an RDB file");
  fetch->add_option("--server", options.server, "HOST:PORT, [ADDRESS]:PORT or unix:/PATH")
      ->required();
  fetch->add_option("--user", options.user, "ACL user; needs +ping +replconf +psync");
  fetch->add_option("--password-file", options.password_file, "file with the password, mode 0600");
  fetch->add_option("--tls-ca", options.tls_ca, "CA of the server's certificate: speak TLS");
  fetch->add_option("--tls-cert", options.tls_cert, "certificate to show to the server");
  fetch->add_option("--tls-key", options.tls_key, "its key, mode 0600");
  fetch->add_option("--tls-name", options.tls_name, "the name in the server's certificate");
  fetch->add_option("--output", options.output, "the file; replaced only by a whole one")
      ->required();
  fetch->add_option("--keep", options.keep, "old files that stay, as FILE.before-TIME")
      ->capture_default_str();
  fetch->add_option("--stall-timeout", options.stall_seconds, "seconds without a byte to give up")
      ->check(CLI::Range(1U, 86400U))
      ->capture_default_str();
  return fetch;
}

CLI::App* add_events(CLI::App& app, agent::io::EventsOptions& options) {
  auto* events = app.add_subcommand("events", "what happened, why, and where the time went");
  events->add_option("pair", options.pair, "this pair only");
  events->add_option("--kind", options.kinds,
                     "transition, alarm, server, address, adverts, hook, recovery, request, note");
  events->add_flag("--warnings", options.warnings, "nothing less than a warning");
  events->add_option("-n,--last", options.last, "how many, the newest; 0 for all that are kept")
      ->capture_default_str();
  const std::map<std::string, long> units{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  events
      ->add_option_function<long>(
          "--since", [&options](long seconds) { options.since = std::chrono::seconds(seconds); },
          "how long ago at most, as in 30m, 12h or 7d")
      ->transform(CLI::AsNumberWithUnit(units, kUnitIsRequired));
  events->add_flag("--json", options.as_json, "one event a line, as JSON");
  events->add_flag("-f,--follow", options.follow, "go on until ended by Ctrl-C");
  events->add_option("--state-dir", options.state_dir, "state_dir of the agent")
      ->capture_default_str();
  return events;
}

struct DivergedCommands {
  CLI::App* list = nullptr;
  CLI::App* show = nullptr;
};

DivergedCommands add_diverged(CLI::App& app, agent::io::DivergedOptions& options) {
  auto* diverged =
      app.add_subcommand("diverged", "copies of what was replaced although the leader lacked it");
  diverged->require_subcommand(1);
  diverged->add_option("--state-dir", options.state_dir, "state_dir of the agent")
      ->capture_default_str();
  DivergedCommands out;
  out.list = diverged->add_subcommand("list", "one line for each, the newest first");
  out.list->add_option("pair", options.pair, "this pair only");
  out.show = diverged->add_subcommand("show", "what one holds, whether it is whole, how to use it");
  out.show->add_option("pair", options.pair, "the pair")->required();
  out.show->add_option("name", options.name, "the copy; the newest when left out");
  for (auto* command : {out.list, out.show}) {
    command->add_flag("--json", options.as_json, "as JSON");
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  std::string socket = "/run/tandem/control.sock";
  std::string pair;
  bool as_json = false;
  bool accept_data_loss = false;
  SwitchoverOptions move;

  CLI::App app("Shows and steers the pairs of this node's tandemd.");
  app.require_subcommand(1);
  app.add_option("--socket", socket, "control socket of the agent")->capture_default_str();
  auto* status = app.add_subcommand("status", "who leads, why, since when, and what is wrong");
  status->add_flag("--json", as_json, "as JSON");
  status->add_option("pair", pair, "this pair only");
  auto* promote_command =
      app.add_subcommand("promote", "make this node lead although the rules refuse it");
  promote_command->add_option("pair", pair, "the pair")->required();
  promote_command->add_flag("--accept-data-loss", accept_data_loss,
                            "yes: writes that only the other node has may be lost");
  const std::map<std::string, long> units{{"ms", 1}, {"s", 1000}};
  auto* switch_command = app.add_subcommand(
      "switchover", "move the role to the other node without losing a write, or change nothing");
  switch_command->add_option("pair", pair, "the pair; may be left out when there is only one");
  switch_command->add_flag("--dry-run", move.dry_run, "only say what would be in the way");
  switch_command->add_flag("--server-failover", move.server_failover,
                           "by the servers' own FAILOVER (Redis 6.2): slower, and writers that "
                           "waited get -READONLY");
  switch_command
      ->add_option("--timeout", move.timeout_ms, "how long writes may be held, as in 500ms or 5s")
      ->transform(CLI::AsNumberWithUnit(units, kUnitIsRequired))
      ->check(CLI::Range(1L, 60000L))
      ->default_str("5s");
  auto* rejoin_command = app.add_subcommand(
      "rejoin", "let a server follow the leader that waits with writes the leader lacks");
  rejoin_command->add_option("pair", pair, "the pair")->required();
  rejoin_command->add_flag("--accept-data-loss", accept_data_loss,
                           "also when no copy of those writes could be kept");
  auto* acknowledge_command = app.add_subcommand(
      "acknowledge",
      "let a node lead again that has taken over too often (max_takeovers_per_hour)");
  acknowledge_command->add_option("pair", pair, "the pair")->required();
  agent::io::DivergedOptions diverged;
  const auto diverged_commands = add_diverged(app, diverged);
  auto* recover_command = app.add_subcommand(
      "recover", "bring the dead server of this node back as a replica of the leader");
  recover_command->add_option("pair", pair, "the pair; may be left out when there is only one");
  agent::io::FetchOptions fetch;
  auto* fetch_command = add_fetch(app, fetch);
  agent::io::EventsOptions events;
  const auto* events_command = add_events(app, events);
  auto* version = app.add_subcommand("version", "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (version->parsed()) {
    std::cout << "tandem " << TANDEM_VERSION << "\n";
    return 0;
  }
  if (events_command->parsed()) return agent::io::show_events(events);
  if (fetch_command->parsed()) return agent::io::fetch_dataset(fetch);
  if (diverged_commands.list->parsed()) return agent::io::list_diverged(diverged);
  if (diverged_commands.show->parsed()) return agent::io::show_diverged(diverged);
  if (acknowledge_command->parsed()) return acknowledge(socket, pair);
  if (rejoin_command->parsed()) return rejoin(socket, pair, accept_data_loss);
  if (status->parsed()) return show_status(socket, pair, as_json);
  if (switch_command->parsed()) return switchover(socket, pair, move);
  if (recover_command->parsed()) return recover(socket, pair);
  return promote(socket, pair, accept_data_loss);
}
