// tandem: the operator's command. Talks to the agent over its control socket; `fetch` to a server.
// Exit codes: 0 good, 1 refused or failed, 2 usage, 3 agent not reachable.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "agent/io/diverged_command.hpp"
#include "agent/io/doctor_command.hpp"
#include "agent/io/events_command.hpp"
#include "agent/io/fetch_command.hpp"
#include "agent/io/import_command.hpp"
#include "agent/io/steering_commands.hpp"
#include "agent/io/terminal.hpp"
#include "agent/io/watch_command.hpp"

namespace {

namespace io = agent::io;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

// Both are flags, which the library forgets when it adds them.
constexpr auto kUnitIsRequired = static_cast<CLI::AsNumberWithUnit::Options>(
    CLI::AsNumberWithUnit::CASE_SENSITIVE | CLI::AsNumberWithUnit::UNIT_REQUIRED);
const std::map<std::string, long> kLongUnits{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

// What all commands share: where they are added, the agent's socket, and the exit code that the one
// that was given leaves behind.
struct Program {
  CLI::App app{"Shows and steers the pairs of this node's tandemd."};
  std::string socket = "/run/tandem/control.sock";
  int code = 0;
};

void add_colour(CLI::App& command, std::string& colour) {
  command.add_option("--color", colour, "auto, always or never; auto heeds NO_COLOR")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

void add_status(Program& program) {
  struct Options {
    std::string pair;
    std::string colour = "auto";
    bool as_json = false;
  };
  const auto options = std::make_shared<Options>();
  auto* status = program.app.add_subcommand(
      "status", "who leads, whether a failover would work now, and what is wrong");
  status->add_flag("--json", options->as_json, "as JSON");
  status->add_option("pair", options->pair, "this pair only");
  add_colour(*status, options->colour);
  status->callback([&program, options] {
    program.code = io::show_status(program.socket, options->pair, options->as_json,
                                   io::screen_of_output(options->colour));
  });
}

void add_watch(Program& program) {
  const auto options = std::make_shared<io::WatchOptions>();
  const std::map<std::string, long> units{{"ms", 1}, {"s", 1000}};
  auto* watch = program.app.add_subcommand("watch", "the status, live; q ends");
  watch->add_option("pair", options->pair, "this pair only");
  watch
      ->add_option_function<long>(
          "--interval",
          [options](long length) { options->interval = std::chrono::milliseconds(length); },
          "how often it is drawn anew, as in 200ms or 5s; 1s when left out")
      ->transform(CLI::AsNumberWithUnit(units, kUnitIsRequired))
      ->check(CLI::Range(100L, 3600000L));
  add_colour(*watch, options->colour);
  watch->callback([&program, options] {
    options->socket = program.socket;
    program.code = io::watch(*options);
  });
}

void add_promote_and_rejoin(Program& program) {
  struct Options {
    std::string pair;
    bool accept_data_loss = false;
  };
  const auto options = std::make_shared<Options>();
  auto* promote =
      program.app.add_subcommand("promote", "make this node lead although the rules refuse it");
  promote->add_flag("--accept-data-loss", options->accept_data_loss,
                    "yes: writes that only the other node has may be lost");
  promote->callback([&program, options] {
    program.code = io::promote(program.socket, options->pair, options->accept_data_loss);
  });
  auto* rejoin = program.app.add_subcommand(
      "rejoin", "let a server follow the leader that waits with writes the leader lacks");
  rejoin->add_flag("--accept-data-loss", options->accept_data_loss,
                   "also when no copy of those writes could be kept");
  rejoin->callback([&program, options] {
    program.code = io::rejoin(program.socket, options->pair, options->accept_data_loss);
  });
  for (auto* command : {promote, rejoin}) {
    command->add_option("pair", options->pair, "the pair")->required();
  }
}

void add_switchover(Program& program) {
  struct Options {
    std::string pair;
    io::SwitchoverOptions move;
  };
  const auto options = std::make_shared<Options>();
  const std::map<std::string, long> units{{"ms", 1}, {"s", 1000}};
  auto* command = program.app.add_subcommand(
      "switchover", "move the role to the other node without losing a write, or change nothing");
  command->add_option("pair", options->pair, "the pair; may be left out when there is only one");
  command->add_flag("--dry-run", options->move.dry_run, "only say what would be in the way");
  command->add_flag("--server-failover", options->move.server_failover,
                    "by the servers' own FAILOVER (Redis 6.2): slower, and writers that waited get "
                    "-READONLY");
  command->add_flag("--ignore-veto", options->move.ignore_veto,
                    "do not ask the script pre_demote of [pair.notify]");
  command
      ->add_option("--timeout", options->move.timeout_ms,
                   "how long writes may be held, as in 500ms or 5s")
      ->transform(CLI::AsNumberWithUnit(units, kUnitIsRequired))
      ->check(CLI::Range(1L, 60000L))
      ->default_str("5s");
  command->callback([&program, options] {
    program.code = io::switchover(program.socket, options->pair, options->move);
  });
}

void add_acknowledge_and_recover(Program& program) {
  const auto pair = std::make_shared<std::string>();
  auto* acknowledge = program.app.add_subcommand(
      "acknowledge",
      "let a node lead again that has taken over too often (max_takeovers_per_hour)");
  acknowledge->add_option("pair", *pair, "the pair")->required();
  acknowledge->callback(
      [&program, pair] { program.code = io::acknowledge(program.socket, *pair); });
  auto* recover = program.app.add_subcommand(
      "recover", "bring the dead server of this node back as a replica of the leader");
  recover->add_option("pair", *pair, "the pair; may be left out when there is only one");
  recover->callback([&program, pair] { program.code = io::recover(program.socket, *pair); });
}

void add_fetch(Program& program) {
  const auto options = std::make_shared<io::FetchOptions>();
  auto* fetch =
      program.app.add_subcommand("fetch", "copy the dataset of a server into an RDB file");
  fetch->add_option("--server", options->server, "HOST:PORT, [ADDRESS]:PORT or unix:/PATH")
      ->required();
  fetch->add_option("--user", options->user, "ACL user; needs +ping +replconf +psync");
  fetch->add_option("--password-file", options->password_file, "file with the password, mode 0600");
  fetch->add_option("--tls-ca", options->tls_ca, "CA of the server's certificate: speak TLS");
  fetch->add_option("--tls-cert", options->tls_cert, "certificate to show to the server");
  fetch->add_option("--tls-key", options->tls_key, "its key, mode 0600");
  fetch->add_option("--tls-name", options->tls_name, "the name in the server's certificate");
  fetch->add_option("--output", options->output, "the file; replaced only by a whole one")
      ->required();
  fetch->add_option("--keep", options->keep, "old files that stay, as FILE.before-TIME")
      ->capture_default_str();
  fetch->add_option("--stall-timeout", options->stall_seconds, "seconds without a byte to give up")
      ->check(CLI::Range(1U, 86400U))
      ->capture_default_str();
  fetch->callback([&program, options] { program.code = io::fetch_dataset(*options); });
}

void add_import(Program& program) {
  const auto options = std::make_shared<io::ImportOptions>();
  auto* import = program.app.add_subcommand("import", "make a tandem.toml of a keepalived.conf");
  import->add_option("file", options->file, "the configuration of keepalived")
      ->capture_default_str();
  import->add_option("-o,--output", options->output, "a new file; without it, standard output");
  import->add_option("--config-id", options->config_id, "whose @lines count, as keepalived's -i");
  import->add_flag("--json", options->as_json, "as JSON");
  import->callback([&program, options] { program.code = io::import_configuration(*options);
});
}  // namespace

void add_doctor(Program& program) {
  struct Options {
    io::DoctorOptions doctor;
    std::string colour = "auto";
  };
  const auto options = std::make_shared<Options>();
  auto* doctor = program.app.add_subcommand(
      "doctor", "what is wrong with this host before trouble comes, and what mends it");
  doctor->add_option("pair", options->doctor.pair, "this pair only");
  doctor->add_flag("--all", options->doctor.all, "also what is well");
  doctor->add_flag("--json", options->doctor.as_json, "as JSON, with all of it");
  doctor->add_option("--config", options->doctor.config,
                     "configuration file; that of the running agent when left out");
  add_colour(*doctor, options->colour);
  doctor->callback([&program, options] {
    options->doctor.socket = program.socket;
    options->doctor.screen = io::screen_of_output(options->colour);
    program.code = io::examine(options->doctor);
  });
}

void add_events(Program& program) {
  struct Options : io::EventsOptions {
    std::string colour = "auto";
  };
  const auto options = std::make_shared<Options>();
  auto* events =
      program.app.add_subcommand("events", "what happened, why, and where the time went");
  events->add_option("pair", options->pair, "this pair only");
  events->add_option("--kind", options->kinds,
                     "transition, alarm, server, address, adverts, hook, recovery, request, note");
  events->add_flag("--warnings", options->warnings, "nothing less than a warning");
  events->add_option("-n,--last", options->last, "how many, the newest; 0 for all that are kept")
      ->capture_default_str();
  events
      ->add_option_function<long>(
          "--since", [options](long seconds) { options->since = std::chrono::seconds(seconds); },
          "how long ago at most, as in 30m, 12h or 7d")
      ->transform(CLI::AsNumberWithUnit(kLongUnits, kUnitIsRequired));
  events->add_flag("--json", options->as_json, "one event a line, as JSON");
  events->add_flag("-f,--follow", options->follow, "go on until ended by Ctrl-C");
  events->add_option("--state-dir", options->state_dir, "state_dir of the agent")
      ->capture_default_str();
  add_colour(*events, options->colour);
  events->callback([&program, options] {
    options->screen = io::screen_of_output(options->colour);
    program.code = io::show_events(*options);
  });
}

void add_maintenance(Program& program) {
  const auto options = std::make_shared<io::MaintenanceOptions>();
  auto* maintenance = program.app.add_subcommand(
      "maintenance", "nothing automatic on both nodes: no failover, no repair, the VIP stays");
  maintenance->require_subcommand(1);
  auto* on = maintenance->add_subcommand("on", "begin it, or change its words and its end");
  on->add_option("--why", options->why, "for whoever looks at the status");
  on->add_option("--for", options->seconds, "ends by itself after that, as in 30m or 2h")
      ->transform(CLI::AsNumberWithUnit(kLongUnits, kUnitIsRequired));
  on->callback(
      [&program, options] { program.code = io::maintenance(program.socket, *options, true); });
  auto* off = maintenance->add_subcommand("off", "end it");
  off->callback(
      [&program, options] { program.code = io::maintenance(program.socket, *options, false); });
  for (auto* command : {on, off}) {
    command->add_option("pair", options->pair, "this pair only; all pairs when left out");
  }
}

void add_diverged(Program& program) {
  const auto options = std::make_shared<io::DivergedOptions>();
  auto* diverged = program.app.add_subcommand(
      "diverged", "copies of what was replaced although the leader lacked it");
  diverged->require_subcommand(1);
  diverged->add_option("--state-dir", options->state_dir, "state_dir of the agent")
      ->capture_default_str();
  auto* list = diverged->add_subcommand("list", "one line for each, the newest first");
  list->add_option("pair", options->pair, "this pair only");
  list->callback([&program, options] { program.code = io::list_diverged(*options); });
  auto* show =
      diverged->add_subcommand("show", "what one holds, whether it is whole, how to use it");
  show->add_option("pair", options->pair, "the pair")->required();
  show->add_option("name", options->name, "the copy; the newest when left out");
  show->callback([&program, options] { program.code = io::show_diverged(*options); });
  for (auto* command : {list, show}) command->add_flag("--json", options->as_json, "as JSON");
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  program.app.require_subcommand(1);
  program.app.add_option("--socket", program.socket, "control socket of the agent")
      ->capture_default_str();
  add_status(program);
  add_watch(program);
  add_promote_and_rejoin(program);
  add_switchover(program);
  add_acknowledge_and_recover(program);
  add_maintenance(program);
  add_diverged(program);
  add_fetch(program);
  add_import(program);
  add_events(program);
  add_doctor(program);
  program.app
      .add_subcommand("reload", "take up the changed configuration; a bad one changes nothing")
      ->callback([&program] { program.code = io::reload(program.socket); });
  program.app
      .add_subcommand("restart",
                      "execute the agent's program anew, after an upgrade: roles and VIPs stay")
      ->callback([&program] { program.code = io::restart(program.socket); });
  program.app.add_subcommand("version", "print the version")->callback([] {
    std::cout << "tandem " << TANDEM_VERSION << "\n";
  });
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.app.exit(error) == 0 ? 0 : kUsage;
  } catch (const std::exception& error) {
    // An answer without what it has to hold, most likely: of an agent of another version.
    std::cerr << "tandem: " << error.what() << "; are tandem and tandemd of one version?\n";
    return kFailed;
  }
  return program.code;
}
