// A real FRR (zebra and vrrpd) on a host: a VRRP router of another family of code. It keeps the
// virtual addresses on macvlan links with the virtual router's MAC (RFC 9568 section 7.3), and
// has no scripts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/lan.hpp"
#include "tests/support/process.hpp"

namespace support {

struct FrrOptions {
  int vrid = 51;
  int version = 3;
  int priority = 100;
  int interval_ms = 100;  // version 2: whole seconds
  bool preempt = true;
  std::vector<std::string> vips = {std::string(kVipPrefix)};  // of either family, with length
};

class Frr {
 public:
  // Makes the links; starts nothing.
  Frr(const Host& host, const FrrOptions& options);
  ~Frr();
  Frr(const Frr&) = delete;
  Frr& operator=(const Frr&) = delete;

  void start();
  void stop();  // SIGTERM to vrrpd: a shutdown with priority 0
  void kill();  // SIGKILL to both: nothing is resigned

  // "Master", "Backup", "Initialize", or "-" when it does not answer. Family "v4" or "v6".
  [[nodiscard]] std::string status(const std::string& family = "v4") const;

 private:
  [[nodiscard]] Argv command(const std::string& daemon) const;

  Host host_;
  std::filesystem::path dir_;
  std::unique_ptr<Process> zebra_;
  std::unique_ptr<Process> vrrpd_;
};

}  // namespace support
