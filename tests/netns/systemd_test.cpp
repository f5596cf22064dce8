// The shipped unit under a real systemd: readiness, watchdog, restarts, capabilities, stop.
#include <gtest/gtest.h>

#include "tests/support/pair_scene.hpp"
#include "tests/support/temp_dir.hpp"

namespace support {
namespace {

TEST(SystemdUnit, StartsWatchesRestartsAndStopsTheAgent) {
  const Lan lan;
  const TempDir directory;
  const Agent agent(lan.a(), lan.b(), {with_priority(100)});
  const std::string source = TANDEM_SOURCE_DIR;
  const Outcome outcome =
      run({"unshare", "--mount", source + "/tests/netns/systemd_unit.sh",
           source + "/systemd/tandem.service", tandemd_path(), agent.config(), directory.path()},
          lan.a().netns, Millis(60000));
  EXPECT_EQ(outcome.output,
            "start: notify active\n"
            "capabilities: cap_kill,cap_setgid,cap_setuid,cap_net_admin,cap_net_raw,cap_ipc_lock,"
            "cap_sys_nice\n"
            "system calls: filter 2\n"
            "without memory: -900\n"
            "reload: 0, active\n"
            "reload of a bad file: 1, active, exit-code\n"
            "killed: restarted\n"
            "hung: restarted by the watchdog\n"
            "stop: success inactive\n"
            "bad configuration: failed 2, 0 restarts\n");
  EXPECT_EQ(outcome.exit_code, 0);
}

}  // namespace
}  // namespace support
