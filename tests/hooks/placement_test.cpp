// A finished file takes the place of another: who owns it, what stays beside it, and what an
// interruption leaves.
#include "hooks/io/placement.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/hooks/fetching.hpp"
#include "tests/hooks/script_directory.hpp"

namespace hooks::io {
namespace {

using testing::names_in;
using testing::read_bytes;
using testing::write_bytes;

constexpr std::int64_t kNow = 951782400;  // 20000229T000000Z
const std::string kBefore = "dump.rdb.before-20000229T000000Z";

class Placing : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string target() const { return path("dump.rdb"); }
  TempFile written(const std::string& bytes) const {
    auto created = TempFile::create(target());
    EXPECT_TRUE(std::holds_alternative<TempFile>(created));
    EXPECT_EQ(std::get<TempFile>(created).write(bytes), std::nullopt);
    return std::get<TempFile>(std::move(created));
  }
  std::string problem(const std::string& bytes, std::size_t keep = 1, std::int64_t now = kNow) {
    const auto placed = place(written(bytes), {target(), now, keep});
    const auto* sentence = std::get_if<std::string>(&placed);
    return sentence == nullptr ? "" : *sentence;
  }
  static struct stat status_of(const std::string& file) {
    struct stat status {};
    EXPECT_EQ(lstat(file.c_str(), &status), 0);
    return status;
  }

  testing::ScriptDirectory base_;
  std::string directory_ = base_.make_directory("data", 0750);
};

TEST_F(Placing, TheOldFileStaysBesideTheNewOne) {
  write_bytes(target(), "old");
  const auto placed = place(written("new"), {target(), kNow, 1});
  ASSERT_TRUE(std::holds_alternative<Placed>(placed));
  EXPECT_EQ(std::get<Placed>(placed).kept, path(kBefore));
  EXPECT_EQ(read_bytes(target()), "new");
  EXPECT_EQ(read_bytes(path(kBefore)), "old");
  EXPECT_EQ(names_in(directory_).size(), 2U);
}

TEST_F(Placing, TheFirstFileHasNoneBeside) {
  EXPECT_EQ(problem("new"), "");
  EXPECT_EQ(names_in(directory_), std::set<std::string>{"dump.rdb"});
}

TEST_F(Placing, OldFilesAreCountedAndTheOldestGo) {
  write_bytes(path("dump.rdb.before-christmas"), "not ours");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(problem(std::to_string(i), 2, kNow + i), "");
  EXPECT_EQ(
      names_in(directory_),
      (std::set<std::string>{"dump.rdb", "dump.rdb.before-20000229T000003Z",
                             "dump.rdb.before-20000229T000004Z", "dump.rdb.before-christmas"}));
  EXPECT_EQ(problem("last", 0, kNow + 9), "");
  EXPECT_EQ(names_in(directory_).size(), 4U);
}

TEST_F(Placing, TwoInOneSecondAreBothKept) {
  write_bytes(target(), "first");
  EXPECT_EQ(problem("second", 5), "");
  EXPECT_EQ(problem("third", 5), "");
  EXPECT_EQ(read_bytes(path(kBefore)), "first");
  EXPECT_EQ(read_bytes(path("dump.rdb.before-20000229T000001Z")), "second");
}

TEST_F(Placing, OwnerAndModeAreThoseOfTheOldFile) {
  write_bytes(target(), "old");
  chmod(target().c_str(), 0644);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(target().c_str(), 1234, 2345), 0);
  }
  const struct stat before = status_of(target());
  EXPECT_EQ(problem("new"), "");
  const struct stat after = status_of(target());
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
}

TEST_F(Placing, WithoutAnOldFileTheyAreThoseOfTheDirectory) {
  if (geteuid() == 0) {
    ASSERT_EQ(chown(directory_.c_str(), 1234, 2345), 0);
  }
  EXPECT_EQ(problem("new"), "");
  EXPECT_EQ(status_of(target()).st_mode & 07777U, 0640U);
  EXPECT_EQ(status_of(target()).st_uid, status_of(directory_).st_uid);
  EXPECT_EQ(status_of(target()).st_gid, status_of(directory_).st_gid);
}

TEST_F(Placing, WhatIsNoFileIsNotReplaced) {
  write_bytes(path("elsewhere"), "other");
  ASSERT_EQ(symlink("elsewhere", target().c_str()), 0);
  EXPECT_EQ(problem("new"),
            target() + " is no regular file and is left as it is; name the file itself");
  EXPECT_EQ(read_bytes(path("elsewhere")), "other");
  EXPECT_EQ(names_in(directory_), (std::set<std::string>{"dump.rdb", "elsewhere"}));
}

TEST_F(Placing, NobodyElseReadsATemporary) {
  const TempFile file = written("secret");
  EXPECT_EQ(status_of(file.path()).st_mode & 07777U, 0600U);
}

// A process that dies between two steps: `begin` does the first ones of them.
template <typename Begin>
void interrupted_after(Begin begin) {
  const pid_t child = fork();
  if (child == 0) {
    begin();
    raise(SIGKILL);
  }
  waitpid(child, nullptr, 0);
}

TEST_F(Placing, WhatAnInterruptionLeavesIsRemovedAndTheOldFileIsWhole) {
  write_bytes(target(), "old");
  interrupted_after([&] { written("half").sync(); });
  interrupted_after([&] {
    const TempFile file = written("half");
    raise(SIGKILL);
  });
  EXPECT_EQ(read_bytes(target()), "old");
  EXPECT_EQ(remove_leftovers(directory_).size(), 1U);
  EXPECT_EQ(names_in(directory_), std::set<std::string>{"dump.rdb"});
}

TEST_F(Placing, InterruptedBeforeTheRenameItIsDoneAgain) {
  write_bytes(target(), "old");
  interrupted_after([&] {
    const TempFile file = written("new");
    if (link(target().c_str(), path(kBefore).c_str()) == 0) raise(SIGKILL);
  });
  EXPECT_EQ(read_bytes(target()), "old");
  EXPECT_EQ(remove_leftovers(directory_).size(), 1U);
  EXPECT_EQ(problem("new", 3), "");
  EXPECT_EQ(read_bytes(target()), "new");
  EXPECT_EQ(read_bytes(path(kBefore)), "old");
  EXPECT_EQ(names_in(directory_).size(), 2U);
}

TEST_F(Placing, OnlyLeftoversAreRemoved) {
  const TempFile being_written = written("other process");
  write_bytes(path(".tandem-fetch-readme.txt"), "a name of another length");
  base_.make_directory("data/.tandem-fetch-folder", 0700);
  ASSERT_EQ(symlink("dump.rdb", path(".tandem-fetch-linked").c_str()), 0);
  write_bytes(path(".tandem-fetch-abcdef"), "left");
  EXPECT_EQ(remove_leftovers(directory_), std::vector<std::string>{path(".tandem-fetch-abcdef")});
  EXPECT_EQ(read_bytes(being_written.path()), "other process");
  EXPECT_EQ(names_in(directory_).size(), 4U);
  EXPECT_EQ(remove_leftovers(path("none")), std::vector<std::string>{});
}

}  // namespace
}  // namespace hooks::io
