// Which scripts may run: the judgement over what stat() said, and the walk over a real path.
#include "hooks/script_policy.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "hooks/io/process_runner.hpp"
#include "hooks/io/script_check.hpp"
#include "tests/hooks/script_directory.hpp"

namespace hooks {
namespace {

constexpr uid_t kNobody = 65534;
constexpr gid_t kStaff = 50;
constexpr mode_t kDirectory = S_IFDIR | 0755;
constexpr mode_t kScript = S_IFREG | 0755;
constexpr mode_t kLink = S_IFLNK | 0777;

using Path = std::vector<PathComponent>;

std::string judged(const Path& path, uid_t run_as = kNobody, const std::vector<gid_t>& groups = {});
std::string checked(const std::string& command, uid_t run_as = kNobody);
Path tandem_path(PathComponent script);
Path tandem_path(PathComponent directory, PathComponent script);

TEST(ScriptPolicy, AcceptsRootsScriptBelowRootsDirectories) {
  EXPECT_EQ(judged(tandem_path({"/etc/tandem/n.sh", 0, kScript})), "fine");
}

TEST(ScriptPolicy, AcceptsAScriptOfTheUserThatRunsIt) {
  EXPECT_EQ(judged(tandem_path({"/etc/tandem/n.sh", kNobody, S_IFREG | 0700})), "fine");
}

TEST(ScriptPolicy, RefusesAScriptOfSomebodyElse) {
  EXPECT_EQ(
      judged(tandem_path({"/etc/tandem/n.sh", 1000, kScript})),
      "/etc/tandem/n.sh (owner uid 1000, mode 0755) belongs to neither root nor the user that "
      "runs the script, so its owner could change what runs; mend it with: chown root "
      "/etc/tandem/n.sh");
}

TEST(ScriptPolicy, RefusesAScriptThatItsGroupMayWrite) {
  EXPECT_EQ(judged(tandem_path({"/etc/tandem/n.sh", 0, S_IFREG | 0775})),
            "/etc/tandem/n.sh (owner uid 0, mode 0775) is writable by its group, who could change "
            "what runs; mend it with: chmod go-w /etc/tandem/n.sh");
}

TEST(ScriptPolicy, RefusesAWorldWritableDirectoryAndNamesIt) {
  EXPECT_EQ(judged(tandem_path({"/etc/tan dem's", 0, S_IFDIR | 0777},
                               {"/etc/tan dem's/n.sh", 0, kScript})),
            "/etc/tan dem's (owner uid 0, mode 0777) is writable by everybody, who could change "
            "what runs; mend it with: chmod go-w '/etc/tan dem'\\''s'");
}

TEST(ScriptPolicy, AStickyDirectoryIsFineAsLongAsTheEntryHasTheRightOwner) {
  const PathComponent sticky = {"/etc/tmp", 0, S_IFDIR | 01777};
  EXPECT_EQ(judged(tandem_path(sticky, {"/etc/tmp/n.sh", 0, kScript})), "fine");
  EXPECT_EQ(judged(tandem_path(sticky, {"/etc/tmp/n.sh", 1000, kScript})).substr(0, 40),
            "/etc/tmp/n.sh (owner uid 1000, mode 0755");
}

TEST(ScriptPolicy, AStickyBitOnAScriptExcusesNothing) {
  EXPECT_EQ(judged(tandem_path({"/etc/tandem/n.sh", 0, S_IFREG | 01777})).substr(0, 59),
            "/etc/tandem/n.sh (owner uid 0, mode 1777) is writable by ev");
}

TEST(ScriptPolicy, OfALinkOnlyTheOwnerCounts) {
  const PathComponent script = {"/opt/n.sh", 0, kScript};
  EXPECT_EQ(judged(tandem_path({"/etc/tandem", 0, kLink}, script)), "fine");
  EXPECT_EQ(
      judged(tandem_path({"/etc/tandem", 1000, kLink}, script)),
      "/etc/tandem (owner uid 1000, mode 0777) belongs to neither root nor the user that runs "
      "the script, so its owner could change what runs; mend it with: chown -h root "
      "/etc/tandem");
}

TEST(ScriptPolicy, RefusesADirectoryOrDeviceInPlaceOfTheScript) {
  EXPECT_EQ(judged(tandem_path({"/etc/tandem/n.d", 0, kDirectory})),
            "/etc/tandem/n.d (owner uid 0, mode 0755) is a directory; name the script itself");
  EXPECT_EQ(
      judged(tandem_path({"/etc/tandem/null", 0, S_IFCHR | 0755})),
      "/etc/tandem/null (owner uid 0, mode 0755) is not a regular file; name the script itself");
}

TEST(ScriptPolicy, RefusesAFileAmongTheDirectories) {
  EXPECT_EQ(
      judged(tandem_path({"/etc/tandem", 0, kScript}, {"/etc/tandem/n.sh", 0, kScript})),
      "/etc/tandem (owner uid 0, mode 0755) is not a directory; correct the path of the script");
}

TEST(ScriptPolicy, RefusesWhatTheUserCannotExecute) {
  const std::string sentence =
      "/etc/tandem/n.sh (owner uid 0, mode 0750) cannot be executed by uid 65534; mend it with: "
      "chmod a+x /etc/tandem/n.sh";
  const PathComponent of_staff = {"/etc/tandem/n.sh", 0, S_IFREG | 0750, kStaff};
  EXPECT_EQ(judged(tandem_path(of_staff)), sentence);
  EXPECT_EQ(judged(tandem_path(of_staff), kNobody, {kStaff}), "fine");
  EXPECT_EQ(judged(tandem_path(of_staff), 0), "fine");
}

TEST(ScriptPolicy, TheFirstMatchingClassDecidesAsInTheKernel) {
  const PathComponent not_for_staff = {"/etc/tandem/n.sh", 0, S_IFREG | 0705, kStaff};
  EXPECT_EQ(judged(tandem_path(not_for_staff)), "fine");
  EXPECT_NE(judged(tandem_path(not_for_staff), kNobody, {kStaff}), "fine");
  const PathComponent not_for_owner = {"/etc/tandem/n.sh", kNobody, S_IFREG | 0455};
  EXPECT_NE(judged(tandem_path(not_for_owner)), "fine");
}

TEST(ScriptPolicy, RootNeedsAnyExecuteBit) {
  EXPECT_EQ(judged(tandem_path({"/etc/tandem/n.sh", 0, S_IFREG | 0601}), 0), "fine");
  EXPECT_EQ(judged(tandem_path({"/etc/tandem/n.sh", 0, S_IFREG | 0644}), 0),
            "/etc/tandem/n.sh (owner uid 0, mode 0644) cannot be executed by uid 0; mend it with: "
            "chmod a+x /etc/tandem/n.sh");
}

TEST(ScriptPolicy, RefusesADirectoryTheUserCannotEnter) {
  const auto path = tandem_path({"/root", 0, S_IFDIR | 0700}, {"/root/n.sh", 0, kScript});
  EXPECT_EQ(judged(path),
            "/root (owner uid 0, mode 0700) cannot be entered by uid 65534, which runs the script; "
            "move the script elsewhere, or mend it with: chmod a+x /root");
  EXPECT_EQ(judged(path, 0), "fine");
}

TEST(ScriptPolicy, RefusesNoPathAtAll) {
  EXPECT_EQ(judged({}), "the script has no path; give its absolute path");
}

class ScriptCheck : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: scripts must belong to root";
  }
  testing::ScriptDirectory directory_;
};

TEST_F(ScriptCheck, AcceptsAScriptBelowStickyTmp) {
  EXPECT_EQ(checked(directory_.script("n.sh", "true")), "fine");
}

TEST_F(ScriptCheck, AcceptsACommandOnThePathAndRefusesAMissingOne) {
  EXPECT_EQ(checked("env"), "fine");
  EXPECT_EQ(checked("tandem-no-such-command"),
            "tandem-no-such-command was not found in "
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; install it or give its "
            "absolute path");
}

TEST_F(ScriptCheck, RefusesARelativePath) {
  EXPECT_EQ(checked("notify.d/n.sh"),
            "notify.d/n.sh is a relative path; give the absolute path of the script");
}

TEST_F(ScriptCheck, NamesTheMissingPart) {
  EXPECT_EQ(checked(directory_.path("gone/n.sh")),
            directory_.path("gone") + " does not exist, it is part of " +
                directory_.path("gone/n.sh") + "; create it or correct the path");
  EXPECT_EQ(checked(directory_.path("gone.sh")),
            directory_.path("gone.sh") + " does not exist; create it or correct the path");
}

TEST_F(ScriptCheck, JudgesTheDirectoryThatHoldsALink) {
  directory_.script("n.sh", "true");
  directory_.make_directory("open", 0777);
  ASSERT_EQ(symlink("../n.sh", directory_.path("open/link.sh").c_str()), 0);
  EXPECT_EQ(checked(directory_.path("open/link.sh")),
            directory_.path("open") +
                " (owner uid 0, mode 0777) is writable by everybody, who could change what runs; "
                "mend it with: chmod go-w " +
                directory_.path("open"));
}

TEST_F(ScriptCheck, JudgesWhatALinkLeadsTo) {
  directory_.write("n.sh", "#!/bin/sh\n", 0775);
  ASSERT_EQ(symlink(directory_.path("n.sh").c_str(), directory_.path("link.sh").c_str()), 0);
  EXPECT_EQ(checked(directory_.path("link.sh")),
            directory_.path("n.sh") +
                " (owner uid 0, mode 0775) is writable by its group, who could change what runs; "
                "mend it with: chmod go-w " +
                directory_.path("n.sh"));
}

TEST_F(ScriptCheck, RefusesALinkToItself) {
  ASSERT_EQ(symlink("loop.sh", directory_.path("loop.sh").c_str()), 0);
  EXPECT_EQ(checked(directory_.path("loop.sh")),
            directory_.path("loop.sh") + " is a link that leads nowhere; correct the path " +
                directory_.path("loop.sh"));
}

TEST_F(ScriptCheck, RefusesADirectoryAndAFileThatIsNotExecutable) {
  EXPECT_EQ(
      checked(directory_.make_directory("n.d", 0755)),
      directory_.path("n.d") + " (owner uid 0, mode 0755) is a directory; name the script itself");
  EXPECT_EQ(checked(directory_.write("n.sh", "#!/bin/sh\n", 0644)),
            directory_.path("n.sh") +
                " (owner uid 0, mode 0644) cannot be executed by uid 65534; mend it with: chmod "
                "a+x " +
                directory_.path("n.sh"));
}

std::string judged(const Path& path, uid_t run_as, const std::vector<gid_t>& groups) {
  return refuse_script(path, run_as, groups).value_or("fine");
}

std::string checked(const std::string& command, uid_t run_as) {
  const auto refused = io::refuse_command(command, io::Identity{run_as, run_as, {run_as}});
  return refused ? refused->why : "fine";
}

Path tandem_path(PathComponent script) {
  return tandem_path({"/etc/tandem", 0, kDirectory}, std::move(script));
}

Path tandem_path(PathComponent directory, PathComponent script) {
  return {{"/", 0, kDirectory}, {"/etc", 0, kDirectory}, std::move(directory), std::move(script)};
}

// What a caller does about it depends on what kept it from being looked at.
TEST_F(ScriptCheck, SaysWhyAPathCouldNotBeLookedAt) {
  const auto refused = io::refuse_command("/" + std::string(300, 'x'), io::Identity{});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, ENAMETOOLONG);
  EXPECT_FALSE(io::is_shortage(refused->error));
  EXPECT_TRUE(io::is_shortage(ENOMEM));
  const auto nobody = io::refuse_command("/bin/sh", io::NoIdentity{"busy", EMFILE});
  ASSERT_TRUE(nobody);
  EXPECT_TRUE(io::is_shortage(nobody->error));
}

}  // namespace
}  // namespace hooks
