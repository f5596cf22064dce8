// sd_notify(3): ready, status line, watchdog. Does nothing when systemd did not start us.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace agent::io {

void tell_ready();
void tell_stopping();
void tell_status(const std::string& line);
void tell_alive();
// Half of WATCHDOG_USEC: how often tell_alive() is wanted; nullopt without a watchdog.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace agent::io
