// The Debian package on a host: installed, upgraded, removed and purged by dpkg itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/process.hpp"

namespace package {
namespace {

namespace fs = std::filesystem;

// Made by the test package.build, which ctest runs first.
std::string package_file() {
  for (const auto& entry : fs::directory_iterator(fs::path(TANDEM_BINARY_DIR) / "package-test")) {
    if (entry.path().extension() == ".deb") return entry.path();
  }
  return {};
}

constexpr auto kWholeLife = support::Millis(280000);

constexpr const char* kLife = R"(-- install
systemd: daemon-reload
group: tandem:
verified: 0 differences
755 root:root /etc/tandem
755 root:root /etc/tandem/notify.d
755 root:root /usr/sbin/tandemd
755 root:root /usr/bin/tandem
644 root:root /usr/lib/systemd/system/tandem.service
755 root:root /usr/share/doc/tandem/examples/notify.d/master.sh
conffiles: 0
writable by others: 0
/etc/tandem/tandem.toml: 1 pair(s), no problem found
-- again
systemd: daemon-reload
-- upgrade, the agent does not run
systemd: daemon-reload
-- upgrade, the agent runs
systemd: daemon-reload;tandem --socket /run/tandem/control.sock restart
-- configuration that the new version refuses
tandem: the running agent was NOT restarted (see above) and is still the old version;
        when that is mended: tandem restart
systemd: daemon-reload
operator's files: notify.d peer.secret redis.password tandem.toml
-- remove
systemd: stop tandem.service;daemon-reload
stays: etc/tandem: notify.d peer.secret redis.password tandem.toml  var/lib/tandem: redis.json
-- back, and remove
systemd: daemon-reload
systemd: stop tandem.service;daemon-reload
-- purge beside a kept copy
tandem: removing the configuration, scripts and secrets in /etc/tandem
tandem: removing the records and the history in /var/lib/tandem
tandem: KEPT /var/lib/tandem/diverged: writes that nobody else holds; remove it by hand
systemd: daemon-reload
left: var/lib/tandem/diverged/redis/20261121T120102Z-7/dump.rdb
-- install, configure, purge
systemd: daemon-reload
tandem: removing the configuration, scripts and secrets in /etc/tandem
tandem: removing the records and the history in /var/lib/tandem
systemd: stop tandem.service;daemon-reload
traces: 
)";

TEST(Package, InstallsUpgradesAndGoesWithoutATrace) {
  if (::geteuid() != 0) GTEST_SKIP() << "dpkg installs as root only";
  const std::string file = package_file();
  ASSERT_NE(file, "") << "no package: cpack -G DEB -B package-test";
  const std::string source = TANDEM_SOURCE_DIR;
  const auto outcome = support::run(
      {"unshare", "--mount", source + "/tests/package/life.sh", file, source + "/etc/tandem.toml"},
      {}, kWholeLife);
  EXPECT_EQ(outcome.output, kLife);
  EXPECT_EQ(outcome.exit_code, 0);
}

// lintian is no part of what the tests need.
TEST(Package, LintianFindsNoError) {
  if (support::run({"sh", "-c", "command -v lintian"}).exit_code != 0) {
    GTEST_SKIP() << "lintian is not installed";
  }
  const auto outcome =
      support::run({"lintian", "--allow-root", "--fail-on", "error", package_file()}, {},
                   support::Millis(250000));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

}  // namespace
}  // namespace package
