// Who else could change what the agent relies on, or where its words go: what keeps it from a
// start.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/io/host_checks.hpp"
#include "agent/io/log.hpp"

namespace agent::io {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Ownership : public testing::Test {
 protected:
  Ownership() : root_("/tmp/tandem-ownership-" + std::to_string(::getpid())) {
    fs::remove_all(root_);
    fs::create_directory(root_);
    ::chmod(root_.c_str(), 0700);
    config_.file = (root_ / "tandem.toml").string();
    config_.state_dir = root_.string();
    config_.control_socket = at("socket", "control.sock");
    config_.log.target = LogTarget::file;
    config_.log.file = at("log", "tandem.log");
    config_.pairs.emplace_back();
    config_.pairs[0].name = "redis";
    config_.pairs[0].notify.fifo = at("fifo", "notify.fifo");
  }
  ~Ownership() override { fs::remove_all(root_); }

  std::string at(const std::string& directory, const std::string& name) const {
    fs::create_directories(root_ / directory);
    ::chmod((root_ / directory).c_str(), 0755);
    return (root_ / directory / name).string();
  }
  void open_up(const std::string& directory, mode_t mode) const {
    ASSERT_EQ(::chmod((root_ / directory).c_str(), mode), 0);
  }

  fs::path root_;
  Config config_;
};

TEST_F(Ownership, OfDirectoriesThatNobodyElseCanWriteIsFine) {
  EXPECT_THAT(ownership_problems(config_), ElementsAre());
}

TEST_F(Ownership, OfDirectoriesThatEverybodyCanWriteIsRefused) {
  for (const char* directory : {"socket", "log", "fifo"}) open_up(directory, 0777);
  EXPECT_THAT(
      ownership_problems(config_),
      ElementsAre(
          "control_socket " + (root_ / "socket").string() + " (owner uid " +
              std::to_string(::geteuid()) +
              ", mode 0777) is writable by everybody, who could change who answers operators; "
              "mend it with: chmod go-w " +
              (root_ / "socket").string(),
          HasSubstr("is writable by everybody, who could change where the log goes; mend"),
          HasSubstr("is writable by everybody, who could change who hears of the role; mend")));
  config_.log.target = LogTarget::journal;
  config_.pairs[0].notify.fifo.clear();
  EXPECT_EQ(ownership_problems(config_).size(), 1U);
}

// As /tmp: only its owner replaces what lies there, but anybody is the owner of what he has made
// there first.
TEST_F(Ownership, OfStickyDirectoriesIsFineOnlyOnTheWay) {
  config_.state_dir = fs::path(at("state", "redis.json")).parent_path().string();
  ASSERT_EQ(::chmod(root_.c_str(), 01777), 0);
  EXPECT_THAT(ownership_problems(config_), ElementsAre());
  for (const char* directory : {"socket", "log", "fifo"}) open_up(directory, 01777);
  EXPECT_THAT(ownership_problems(config_),
              ElementsAre(HasSubstr("others can put files, and so change who answers operators"),
                          HasSubstr("and so change where the log goes"),
                          HasSubstr("and so change who hears of the role")));
}

TEST_F(Ownership, OfAStickyStateDirectoryIsRefused) {
  ASSERT_EQ(::chmod(root_.c_str(), 01777), 0);
  EXPECT_THAT(ownership_problems(config_),
              ElementsAre(HasSubstr("others can put files, and so change what decides who leads")));
}

// As /var/log of Ubuntu, root:syslog 0775.
TEST_F(Ownership, OfALogsDirectoryMayBeGivenToAGroupByRootAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives a directory away";
  constexpr gid_t kSomeGroup = 4242;
  for (const char* directory : {"socket", "log"}) {
    open_up(directory, 0775);
    ASSERT_EQ(::chown((root_ / directory).c_str(), 0, kSomeGroup), 0);
  }
  EXPECT_THAT(ownership_problems(config_),
              ElementsAre(HasSubstr("is writable by its group, who could change who answers")));
  ASSERT_EQ(::chown((root_ / "log").c_str(), 4242, kSomeGroup), 0);
  EXPECT_THAT(ownership_problems(config_), testing::SizeIs(2));
}

TEST_F(Ownership, OfALogWithASecondNameIsRefused) {
  const fs::path victim = root_ / "victim";
  std::ofstream(victim) << "precious\n";
  fs::create_hard_link(victim, config_.log.file);
  const auto opened = open_log(config_.log);
  const auto* problem = std::get_if<std::string>(&opened);
  ASSERT_NE(problem, nullptr);
  EXPECT_EQ(*problem, "the log cannot be opened: " + config_.log.file +
                          " is a link: its file has a second name; remove it, or name another file "
                          "in [agent] log");
  EXPECT_EQ(fs::file_size(victim), 9U);
}

}  // namespace
}  // namespace agent::io
