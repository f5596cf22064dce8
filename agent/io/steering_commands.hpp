// The commands of `tandem` that ask or steer a running agent. Each returns the exit code: 0 good, 1
// refused or failed with the reason on stderr, 2 usage, 3 agent not reachable.
#pragma once

#include <string>

#include "agent/io/control_client.hpp"
#include "agent/screen.hpp"

namespace agent::io {

// `path`: of the control socket. `pair`: where it may be empty, the only one is meant.
int show_status(const std::string& path, const std::string& pair, bool as_json,
                const Screen& screen);
// 0 when `answer` is a status that has the pair; else the exit code, and the reason was said.
int refused_status(const ControlAnswer& answer, const std::string& pair);
int promote(const std::string& path, const std::string& pair, bool accept_data_loss);
int rejoin(const std::string& path, const std::string& pair, bool accept_data_loss);
int acknowledge(const std::string& path, const std::string& pair);
int recover(const std::string& path, std::string pair);
int reload(const std::string& path);
int restart(const std::string& path);

struct SwitchoverOptions {
  bool dry_run = false;
  bool server_failover = false;
  bool ignore_veto = false;
  long timeout_ms = 5000;
};
int switchover(const std::string& path, std::string pair, const SwitchoverOptions& options);

struct MaintenanceOptions {
  std::string pair;  // empty: all of this node
  std::string why;
  long seconds = 0;
};
int maintenance(const std::string& path, const MaintenanceOptions& options, bool on);

}  // namespace agent::io
