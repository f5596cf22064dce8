// tandemd: the agent. Reads its command line and configuration, then hands over to io::Daemon.
// Exit codes: 0 stopped in order, 2 command line or configuration, 1 anything else.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "agent/io/boot_check.hpp"
#include "agent/io/config_load.hpp"
#include "agent/io/daemon.hpp"
#include "agent/io/host_checks.hpp"
#include "agent/io/log.hpp"
#include "agent/io/privileges.hpp"

namespace {

struct Options {
  std::string config = "/etc/tandem/tandem.toml";
  bool check = false;
  bool foreground = false;
};

int run(const Options& options) {
  auto loaded = agent::load_config(options.config);
  if (const auto* problems = std::get_if<std::vector<agent::ConfigProblem>>(&loaded)) {
    for (const auto& problem : *problems) std::cerr << problem.to_string(options.config) << "\n";
    return 2;
  }
  auto& good = std::get<agent::LoadedConfig>(loaded);
  auto& config = good.config;
  for (const auto& warning : good.warnings) {
    std::cerr << "warning: " << warning.to_string(options.config) << "\n";
  }
  const auto problems = agent::io::host_problems(config);
  for (const auto& problem : problems) std::cerr << problem << "\n";
  if (!problems.empty()) return 2;
  if (options.check) {
    for (const auto& warning : agent::io::network_warnings(good)) {
      std::cerr << "warning: " << warning.to_string(options.config) << "\n";
    }
    for (const auto& pair : config.pairs) {
      const auto port = pair.server.port != 0 ? pair.server.port : pair.replication_port;
      for (const auto& warning : agent::io::boot_warnings(port)) {
        std::cerr << "warning: pair[" << pair.name << "].server: " << warning << "\n";
      }
    }
    std::cout << options.config << ": " << config.pairs.size() << " pair(s), no problem found\n";
    return 0;
  }

  if (options.foreground) config.log.target = agent::LogTarget::standard_error;
  auto opened = agent::io::open_log(config.log);
  if (const auto* problem = std::get_if<std::string>(&opened)) {
    std::cerr << "tandemd: " << *problem << "\n";
    return 1;
  }
  const auto log = std::get<std::shared_ptr<spdlog::logger>>(opened);
  agent::io::forbid_core_files();
  std::optional<std::string> failure;
  {
    const auto log_config = config.log;
    agent::io::Daemon daemon(std::move(config), TANDEM_VERSION, log, [&options, log_config] {
      auto again = agent::load_config(options.config);
      auto* fine = std::get_if<agent::LoadedConfig>(&again);
      if (fine != nullptr && options.foreground) fine->config.log = log_config;
      return again;
    });
    failure = daemon.run();
  }
  if (failure) log->error("cannot start: {}", *failure);
  agent::io::close_log();
  if (failure && !options.foreground) std::cerr << "tandemd: " << *failure << "\n";
  return failure ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Keeps a virtual IP on the live master of a Redis pair. See tandem.toml.");
  app.add_option("--config", options.config, "configuration file")->capture_default_str();
  app.add_flag("--check", options.check, "check the configuration and exit");
  app.add_flag("--foreground", options.foreground, "log to standard error");
  app.set_version_flag("--version", std::string("tandemd ") + TANDEM_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::cerr << "tandemd: " << error.what() << "\n";
    return 1;
  }
}
