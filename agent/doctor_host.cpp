// What is wrong with the host itself. See doctor.hpp.
#include <algorithm>
#include <array>
#include <cstdio>

#include "agent/doctor_words.hpp"

namespace agent::doctor {
namespace {

void judge_memory(const HostSeen& host, const std::vector<PairSeen>& pairs, Notes& notes) {
  if (host.overcommit_memory && *host.overcommit_memory != 1) {
    notes.add(Level::warning,
              "vm.overcommit_memory is " + std::to_string(*host.overcommit_memory) +
                  ": a fork for BGSAVE or a full synchronisation can fail although memory is free",
              set_sysctl("vm.overcommit_memory", "1"));
  } else if (host.overcommit_memory) {
    notes.ok("vm.overcommit_memory is 1");
  }
  // Servers since 6.2 switch them off for themselves.
  const bool left_on = std::any_of(pairs.begin(), pairs.end(), [](const PairSeen& pair) {
    return !pair.server.settings.empty() && setting(pair.server, "disable-thp") != "yes";
  });
  if (host.huge_pages == "always" && left_on) {
    notes.add(Level::warning,
              "transparent huge pages are always on: each write after a fork copies 2 MB, which "
              "makes latency peaks",
              {"echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
               "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&transparent_hugepage=madvise /' "
               "/etc/default/grub && update-grub"});
  } else if (!host.huge_pages.empty()) {
    notes.ok("transparent huge pages are " + host.huge_pages +
             (host.huge_pages == "always" ? ", and the servers switch them off" : ""));
  }
}

void judge_network(const HostSeen& host, const std::vector<PairSeen>& pairs, Notes& notes) {
  long backlog = 0;
  for (const PairSeen& pair : pairs) {
    const std::string text = setting(pair.server, "tcp-backlog");
    if (!text.empty()) backlog = std::max(backlog, std::strtol(text.c_str(), nullptr, 10));
  }
  if (!host.somaxconn || backlog == 0) return;
  if (*host.somaxconn < backlog) {
    notes.add(Level::advice,
              "net.core.somaxconn is " + std::to_string(*host.somaxconn) +
                  ", less than tcp-backlog " + std::to_string(backlog) +
                  ": after a failover, when all clients connect at once, some wait for seconds",
              set_sysctl("net.core.somaxconn", std::to_string(backlog)));
  } else {
    notes.ok("net.core.somaxconn is " + std::to_string(*host.somaxconn));
  }
}

}  // namespace

std::vector<std::string> set_sysctl(const std::string& name, const std::string& value) {
  return {"sysctl -w " + name + "=" + value,
          "echo '" + name + " = " + value + "' >> /etc/sysctl.d/60-tandem.conf"};
}

std::string size_words(std::uint64_t bytes) {
  constexpr double kStep = 1024;
  constexpr std::array<const char*, 5> kUnits = {"bytes", "KB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= kStep && unit + 1 < kUnits.size()) {
    amount /= kStep;
    ++unit;
  }
  std::array<char, 32> text{};
  const bool whole = unit == 0 || amount == static_cast<double>(static_cast<std::uint64_t>(amount));
  std::snprintf(text.data(), text.size(), whole ? "%.0f %s" : "%.1f %s", amount, kUnits.at(unit));
  return text.data();
}

Findings judge_host(const HostSeen& host, const std::vector<PairSeen>& pairs) {
  Notes notes("host");
  judge_memory(host, pairs, notes);
  judge_network(host, pairs, notes);
  if (host.clock_synchronised == std::optional(false)) {
    notes.add(Level::advice,
              "the clock is not synchronised: the histories of the two hosts cannot be compared",
              {"apt-get install chrony"});
  } else if (host.clock_synchronised) {
    notes.ok("the clock is synchronised");
  }
  if (const auto& disk = host.state_disk) {
    std::uint64_t largest = 0;
    for (const PairSeen& pair : pairs) largest = std::max(largest, pair.server.used_memory);
    const std::string room =
        disk->directory + " has " + size_words(disk->free) + " free for kept copies of data";
    if (disk->free < largest) {
      notes.add(Level::warning,
                room +
                    ", less than one dataset: a server that comes back with writes "
                    "of its own will wait for an operator",
                {"df -h " + disk->directory, "tandem diverged list"});
    } else {
      notes.ok(room);
    }
  }
  return notes.take();
}

}  // namespace agent::doctor
