// See keepalived.hpp.
#include "tests/support/keepalived.hpp"

#include <csignal>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"

namespace support {
namespace {

std::string config_text(const KeepalivedOptions& options, const Host& host) {
  std::ostringstream text;
  text << "global_defs {\n  router_id " << host.name << "\n  script_user root\n"
       << (options.fifo.empty() ? "" : "  vrrp_notify_fifo " + options.fifo + "\n") << "}\n"
       << "vrrp_instance " << options.instance << " {\n  state BACKUP\n  interface eth0\n"
       << "  version " << options.version << "\n  virtual_router_id " << options.vrid << "\n"
       << "  priority " << options.priority << "\n  advert_int " << options.advert_int << "\n";
  if (!options.auth_pass.empty()) {
    text << "  authentication {\n    auth_type PASS\n    auth_pass " << options.auth_pass
         << "\n  }\n";
  }
  if (!options.unicast_peer.empty()) {
    text << "  unicast_src_ip " << (options.own_ip.empty() ? host.ip : options.own_ip)
         << "\n  unicast_peer {\n    " << options.unicast_peer << "\n  }\n";
  }
  text << "  virtual_ipaddress {\n    " << options.vip << " dev eth0\n";
  for (const auto& vip : options.further_vips) text << "    " << vip << " dev eth0\n";
  text << "  }\n";
  if (!options.excluded_vips.empty()) text << "  virtual_ipaddress_excluded {\n";
  for (const auto& vip : options.excluded_vips) text << "    " << vip << " dev eth0\n";
  if (!options.excluded_vips.empty()) text << "  }\n";
  const auto script = [&text](const char* key, const std::string& line) {
    if (!line.empty()) text << "  " << key << " \"" << line << "\"\n";
  };
  script("notify_master", options.notify_master);
  script("notify_backup", options.notify_backup);
  script("notify_fault", options.notify_fault);
  script("notify_stop", options.notify_stop);
  script("notify", options.notify);
  text << "}\n";
  return text.str();
}

}  // namespace

Keepalived::Keepalived(const Host& host, const KeepalivedOptions& options)
    : host_(host), dir_(host.dir / "keepalived") {
  std::filesystem::create_directories(dir_);
  write_file(dir_ / "keepalived.conf", config_text(options, host));
}

Keepalived::~Keepalived() {
  if (process_ && process_->running()) kill();
}

void Keepalived::start() {
  process_ = std::make_unique<Process>(
      Argv{"keepalived", "--vrrp", "--dont-fork", "--log-console", "--log-detail", "--use-file",
           dir_ / "keepalived.conf", "--pid", dir_ / "parent.pid", "--vrrp_pid", dir_ / "vrrp.pid"},
      host_.netns, dir_ / "keepalived.log");
  const auto started = eventually("keepalived runs its VRRP process", kSoon, [this] {
    return Seen{vrrp_pid() > 0, read_file(dir_ / "keepalived.log")};
  });
  if (!started) throw std::runtime_error(started.message());
}

int Keepalived::stop() {
  process_->signal(SIGTERM);
  const auto code = process_->wait(kSoon);
  if (!code) throw std::runtime_error("keepalived does not end on SIGTERM");
  return *code;
}

void Keepalived::kill() {
  // The parent would restart the child, and the child would resign when its parent dies.
  process_->signal(SIGSTOP);
  const pid_t child = vrrp_pid();
  if (child > 0) ::kill(child, SIGKILL);
  process_->kill();
  std::filesystem::remove(dir_ / "vrrp.pid");
  std::filesystem::remove(dir_ / "parent.pid");
}

pid_t Keepalived::vrrp_pid() const {
  pid_t pid = 0;
  std::istringstream(read_file(dir_ / "vrrp.pid")) >> pid;
  return pid;
}

}  // namespace support
