// What an agent may that somebody has started as root by hand: as much as its unit lets it, and not
// what root may.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "tests/support/pair_scene.hpp"
#include "tests/support/unit_file.hpp"

namespace support {
namespace {

using testing::HasSubstr;

const std::string kRecovery =
    "start = \"/bin/true\"\nstop = \"/bin/true\"\nrecovery = \"rdb\"\nauto_recover = false\n";

constexpr std::array kNames{
    std::pair{CAP_CHOWN, "CAP_CHOWN"},         std::pair{CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
    std::pair{CAP_FOWNER, "CAP_FOWNER"},       std::pair{CAP_KILL, "CAP_KILL"},
    std::pair{CAP_SETGID, "CAP_SETGID"},       std::pair{CAP_SETUID, "CAP_SETUID"},
    std::pair{CAP_NET_ADMIN, "CAP_NET_ADMIN"}, std::pair{CAP_NET_RAW, "CAP_NET_RAW"},
    std::pair{CAP_IPC_LOCK, "CAP_IPC_LOCK"},   std::pair{CAP_SYS_NICE, "CAP_SYS_NICE"}};

// Of /proc/PID/status, in words; one that is not among the ten stands as its number.
std::set<std::string> held(const Agent& agent, const std::string& set) {
  const auto bits = static_cast<std::uint64_t>(agent.of_process(set, 16));
  std::set<std::string> out;
  for (int number = 0; number < 64; ++number) {
    if ((bits >> number & 1U) == 0) continue;
    const auto* known =
        std::ranges::find(kNames, number, [](const auto& each) { return each.first; });
    out.insert(known == kNames.end() ? std::to_string(number) : known->second);
  }
  return out;
}

std::set<std::string> granted_by(const std::string& file) {
  return words_of_unit(file, "CapabilityBoundingSet");
}

TEST(Privileges, AreThoseOfTheUnitAlsoWithoutSystemd) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  for (const std::string set : {"CapEff", "CapPrm"}) {
    EXPECT_EQ(held(scene.a.agent, set), granted_by("tandem.service")) << set;
  }
}

TEST(Privileges, OverFilesAreThereOnlyForRecoveryByCopy) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const std::string text = read_file(scene.b.agent.config());
  const std::string table = "[pair.server]\n";
  const auto at = text.find(table) + table.size();
  std::ofstream(scene.b.agent.config()) << text.substr(0, at) << kRecovery << text.substr(at);

  const Outcome refused = scene.b.agent.command({"reload"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("tandem restart takes them"));
  ASSERT_EQ(scene.b.agent.command({"restart"}).exit_code, 0);

  std::set<std::string> all = granted_by("tandem.service");
  all.merge(granted_by("tandem-recovery.conf"));
  EXPECT_TRUE(eventually("all ten", kSoon, [&] {
    const auto now = held(scene.b.agent, "CapEff");
    return Seen{now == all, std::to_string(now.size()) + " capabilities"};
  }));
  EXPECT_TRUE(scene.b.agent.running()) << "it is the same process";
  EXPECT_EQ(scene.b.agent.command({"reload"}).exit_code, 0);
  EXPECT_TRUE(scene.reaches(kALeads));
}

// Root's, which execve() would give all capabilities.
TEST(Privileges, OfAHookAreNotMoreThanTheAgents) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const auto status = scene.b.host.dir / "status-of-hook";
  write_file(scene.b.host.dir / "notify.sh",
             "#!/bin/sh\ncat /proc/self/status > " + status.string(), std::filesystem::perms(0755));
  ASSERT_EQ(scene.a.agent.command({"switchover"}).exit_code, 0);
  ASSERT_TRUE(eventually("the hook has run", kSoon, [&] {
    const std::string text = read_file(status);
    return Seen{text.find("nonvoluntary") != std::string::npos, text};
  }));
  const std::string text = read_file(status);
  const auto agents = static_cast<std::uint64_t>(scene.b.agent.of_process("CapPrm", 16));
  for (const std::string set : {"CapEff", "CapPrm"}) {
    const auto at = text.find(set + ":\t") + set.size() + 2;
    const auto hooks = std::stoull(text.substr(at, 16), nullptr, 16);
    EXPECT_EQ(hooks & ~agents, 0U) << set << "\n" << text;
  }
  EXPECT_THAT(text, HasSubstr("Uid:\t0\t0\t0\t0"));
}

TEST(Privileges, AreNotUsedForWhatOthersCanWrite) {
  PairScene scene;
  const auto starts = [&] {
    return run({tandemd_path(), "--config", scene.a.agent.config().string(), "--foreground"});
  };
  std::filesystem::permissions(scene.a.agent.config(), std::filesystem::perms(0666));
  const Outcome written = starts();
  EXPECT_EQ(written.exit_code, 2);
  EXPECT_THAT(written.output,
              HasSubstr("mode 0666) is writable by everybody, who could change which programs run "
                        "as root; mend it with: chmod go-w "));
  std::filesystem::permissions(scene.a.agent.config(), std::filesystem::perms(0644));
  std::filesystem::permissions(scene.a.agent.state_dir(), std::filesystem::perms(0777));
  const Outcome state = starts();
  EXPECT_EQ(state.exit_code, 2);
  EXPECT_THAT(state.output,
              HasSubstr("mode 0777) is writable by everybody, who could change what decides who "
                        "leads"));
}

// RLIMIT_CORE says yes, the agent says no. The shell says "(core dumped)" of a child that left one.
TEST(Privileges, LeaveNoCoreWithItsSecrets) {
  PairScene scene(linked());
  const std::string script =
      "ulimit -c unlimited; cd \"$1\" || exit 9; \"$2\" --config tandem.toml --foreground >log "
      "2>&1 & "
      "until [ -S control.sock ]; do kill -0 $! || exit 8; sleep 0.02; done; kill -SEGV $!; wait "
      "$!";
  const Outcome end = run(
      {"bash", "-c", script, "bash", scene.a.agent.config().parent_path().string(), tandemd_path()},
      scene.a.host.netns);
  EXPECT_EQ(end.exit_code, 128 + SIGSEGV) << end.output;
  EXPECT_THAT(end.output, testing::Not(HasSubstr("core dumped")));
}

}  // namespace
}  // namespace support
