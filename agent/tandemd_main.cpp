// tandemd: the agent. Reads its command line and configuration, then hands over to io::Daemon.
// Exit codes: 0 stopped in order, 2 command line or configuration, 1 anything else; those of
// --reload are tandem's.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "agent/io/boot_check.hpp"
#include "agent/io/config_load.hpp"
#include "agent/io/daemon.hpp"
#include "agent/io/host_checks.hpp"
#include "agent/io/log.hpp"
#include "agent/io/memory_reserve.hpp"
#include "agent/io/privileges.hpp"
#include "agent/io/steering_commands.hpp"
#include "agent/io/vip_removal.hpp"

namespace {

struct Options {
  std::string config = "/etc/tandem/tandem.toml";
  bool check = false;
  bool foreground = false;
  bool remove_vips = false;
  bool reload = false;
};

constexpr const char* kSuccession = "TANDEM_SUCCESSION";
constexpr const char* kFifos = "TANDEM_SUCCESSION_FIFOS";
using Fifos = std::vector<hooks::io::UniqueFd>;

agent::Succession succession_left_to_us() {
  const char* text = std::getenv(kSuccession);
  auto told = agent::parse_succession(text == nullptr ? "" : text);
  ::unsetenv(kSuccession);
  return told;
}

// A pipe that is open nowhere forgets what nobody has read. Held for as long as this process lives;
// not by its children.
Fifos fifos_left_to_us() {
  const char* text = std::getenv(kFifos);
  std::istringstream numbers(text == nullptr ? "" : text);
  ::unsetenv(kFifos);
  Fifos out;
  struct stat status {};
  for (int fd = -1; numbers >> fd;) {
    if (::fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) continue;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    out.emplace_back(fd);
  }
  return out;
}

// Where this program was when it began: a newer one may be there by now.
const std::string& program_path() {
  static const std::string path = [] {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).string();
  }();
  return path;
}

// In the same process, so that a supervisor notices nothing. Returns only when that fails.
int execute_anew(const agent::Succession& told, const Fifos& fifos, char** arguments) {
  std::string numbers;
  for (const auto& fifo : fifos) numbers += std::to_string(fifo.get()) + ' ';
  ::setenv(kFifos, numbers.c_str(), 1);
  ::setenv(kSuccession, agent::format_succession(told).c_str(), 1);
  sigset_t none{};
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);  // it would be inherited
  ::execv(program_path().c_str(), arguments);
  std::cerr << "tandemd: " << program_path()
            << " cannot be executed anew: " << std::generic_category().message(errno) << "\n";
  return 1;
}

int remove_vips(const agent::Config& config) {
  const auto done = agent::io::remove_vips(config);
  for (const auto& address : done.removed) std::cout << "removed " << address << "\n";
  for (const auto& problem : done.problems) std::cerr << "tandemd: " << problem << "\n";
  if (done.removed.empty() && done.problems.empty()) {
    std::cout << "no VIP of " << config.file << " is on this host\n";
  }
  return done.problems.empty() ? 0 : 1;
}

int run(const Options& options, char** arguments) {
  agent::io::forbid_core_files();     // before there is a secret
  agent::io::give_up_capabilities();  // before files are read: what cannot be read shows at once
  auto loaded = agent::load_config(options.config);
  if (const auto* problems = std::get_if<std::vector<agent::ConfigProblem>>(&loaded)) {
    for (const auto& problem : *problems) std::cerr << problem.to_string(options.config) << "\n";
    return 2;
  }
  auto& good = std::get<agent::LoadedConfig>(loaded);
  auto& config = good.config;
  // The agent that takes it up warns by itself.
  if (options.reload) return agent::io::reload(config.control_socket);
  for (const auto& warning : good.warnings) {
    std::cerr << "warning: " << warning.to_string(options.config) << "\n";
  }
  if (options.remove_vips) return remove_vips(config);
  const auto problems = agent::io::host_problems(config);
  for (const auto& problem : problems) std::cerr << problem << "\n";
  if (!problems.empty()) return 2;
  const auto others = agent::io::ownership_problems(config);
  for (const auto& who : others) std::cerr << (options.check ? "warning: " : "") << who << "\n";
  if (!others.empty() && !options.check) return 2;
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
  agent::io::MemoryReserve::instance().set_aside();
  agent::io::settle_file_capabilities(config.copies_datasets());
  std::optional<std::string> failure;
  std::optional<agent::Succession> heirs;
  Fifos fifos;
  {
    const auto log_config = config.log;
    agent::io::Daemon daemon(std::move(config), TANDEM_VERSION, log, [&options, log_config] {
      auto again = agent::load_config(options.config);
      auto* fine = std::get_if<agent::LoadedConfig>(&again);
      if (fine != nullptr && options.foreground) fine->config.log = log_config;
      return again;
    });
    const Fifos held = fifos_left_to_us();
    failure = daemon.run(succession_left_to_us());
    if (!failure) heirs = daemon.succession();
    if (heirs) fifos = daemon.hold_fifos();
  }
  if (failure) log->error("cannot start: {}", *failure);
  const bool told = agent::io::close_log();
  if (heirs) return execute_anew(*heirs, fifos, arguments);
  const int code = failure ? 1 : 0;
  if (!told) std::_Exit(code);
  if (failure && !options.foreground) std::cerr << "tandemd: " << *failure << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  program_path();
  Options options;
  CLI::App app("Keeps a virtual IP on the live master of a Redis pair. See tandem.toml.");
  app.add_option("--config", options.config, "configuration file")->capture_default_str();
  app.add_flag("--check", options.check, "check the configuration and exit");
  app.add_flag("--foreground", options.foreground, "log to standard error");
  app.add_flag("--reload", options.reload,
               "let the agent that runs take up the changed configuration, and exit");
  app.add_flag("--remove-vips", options.remove_vips,
               "take the VIPs off this host when no agent runs, and exit");
  app.set_version_flag("--version", std::string("tandemd ") + TANDEM_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return run(options, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "tandemd: no memory is left\n";
    agent::io::close_log();
    std::_Exit(1);  // nothing that needs more of it
  } catch (const std::exception& error) {
    std::cerr << "tandemd: " << error.what() << "\n";
    return 1;
  }
}
