// See systemd.hpp.
#include "agent/io/systemd.hpp"

#include <systemd/sd-daemon.h>

namespace agent::io {

void tell_ready() {
  ::sd_notify(0, "READY=1");
}

void tell_stopping() {
  ::sd_notify(0, "STOPPING=1");
}

void tell_status(const std::string& line) {
  ::sd_notify(0, ("STATUS=" + line).c_str());
}

void tell_alive() {
  ::sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds / 2);
}

}  // namespace agent::io
