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

namespace {

using Set = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

constexpr std::uint32_t bit(unsigned capability) {
  return 1U << capability;
}

// systemd/tandem.service and systemd/tandem-recovery.conf; all are below 32.
constexpr std::uint32_t kUnit = bit(CAP_NET_ADMIN) | bit(CAP_NET_RAW) | bit(CAP_SETUID) |
                                bit(CAP_SETGID) | bit(CAP_KILL) | bit(CAP_SYS_NICE) |
                                bit(CAP_IPC_LOCK);
constexpr std::uint32_t kFiles = bit(CAP_DAC_OVERRIDE) | bit(CAP_CHOWN) | bit(CAP_FOWNER);

std::optional<Set> capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Set set{};
  if (::syscall(SYS_capget, &header, set.data()) != 0) return std::nullopt;
  return set;
}

// Less than one has is never refused.
void hold(std::uint32_t permitted, std::uint32_t effective) {
  const auto had = capabilities();
  if (!had) return;
  Set set{};
  set[0].permitted = had->front().permitted & permitted;
  set[0].effective = set[0].permitted & effective;
  set[0].inheritable = had->front().inheritable & permitted;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  ::syscall(SYS_capset, &header, set.data());
}

}  // namespace

std::optional<std::string> missing_capabilities() {
  const auto data = capabilities();
  if (!data) return std::nullopt;
  std::string missing;
  const auto need = [&](unsigned capability, const char* name) {
    if ((data->front().effective & bit(capability)) != 0) return;
    missing += (missing.empty() ? "" : " and ") + std::string(name);
  };
  need(CAP_NET_ADMIN, "CAP_NET_ADMIN");
  need(CAP_NET_RAW, "CAP_NET_RAW");
  if (missing.empty()) return std::nullopt;
  return missing + " missing: start tandemd as root or by its systemd unit";
}

void give_up_capabilities() {
  hold(kUnit | kFiles, kUnit);
}

void settle_file_capabilities(bool wanted) {
  const std::uint32_t kept = wanted ? kUnit | kFiles : kUnit;
  hold(kept, kept);
}

bool file_capabilities_given_up() {
  const auto has = capabilities();
  return has && (has->front().permitted & kFiles) == 0 &&
         ::prctl(PR_CAPBSET_READ, CAP_DAC_OVERRIDE) == 1;
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
