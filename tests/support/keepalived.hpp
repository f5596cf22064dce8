// A real keepalived on a host: the program that Tandem must look like and live with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/lan.hpp"
#include "tests/support/process.hpp"

namespace support {

struct KeepalivedOptions {
  std::string instance = "redis";
  int vrid = 51;
  int version = 3;
  std::string auth_pass;  // version 2: authentication PASS
  int priority = 100;
  std::string advert_int = "0.1";  // seconds
  std::string unicast_peer;        // empty: multicast
  std::string vip = std::string(kVipPrefix);
  std::vector<std::string> further_vips;
  std::vector<std::string> excluded_vips;
  std::string own_ip;  // source of unicast; empty: the host's
  std::string notify_master, notify_backup, notify_fault, notify_stop;  // command lines
  std::string notify;
  std::string fifo;
};

class Keepalived {
 public:
  Keepalived(const Host& host, const KeepalivedOptions& options);
  ~Keepalived();
  Keepalived(const Keepalived&) = delete;
  Keepalived& operator=(const Keepalived&) = delete;

  void start();
  int stop();  // SIGTERM; exit code
  // kill -9 of both processes at one instant: nothing is resigned, the VIP stays on the host.
  void kill();

 private:
  [[nodiscard]] pid_t vrrp_pid() const;

  Host host_;
  std::filesystem::path dir_;
  std::unique_ptr<Process> process_;
};

}  // namespace support
