// See privileges.hpp.
#include "agent/io/privileges.hpp"

#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace agent::io {

std::optional<std::string> missing_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return std::nullopt;
  std::string missing;
  const auto need = [&](unsigned capability, const char* name) {
    if ((data[0].effective & (1U << capability)) != 0) return;
    missing += (missing.empty() ? "" : " and ") + std::string(name);
  };
  need(CAP_NET_ADMIN, "CAP_NET_ADMIN");
  need(CAP_NET_RAW, "CAP_NET_RAW");
  if (missing.empty()) return std::nullopt;
  return missing + " missing: start tandemd as root or by its systemd unit";
}

std::optional<std::string> become_realtime() {
  const sched_param lowest{::sched_get_priority_min(SCHED_RR)};
  if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) != 0) {
    return "realtime scheduling refused: " + std::generic_category().message(errno);
  }
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    return "locking memory refused: " + std::generic_category().message(errno);
  }
  return std::nullopt;
}

void forbid_core_files() {
  ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace agent::io
