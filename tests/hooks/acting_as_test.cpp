// Files that are made in a directory of somebody else's are made with his rights, so that nothing
// he does to the directory meanwhile gets him what is not his.
#include "hooks/io/acting_as.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "hooks/io/fetch_file.hpp"
#include "hooks/io/recovery_disk.hpp"
#include "tests/hooks/fetching.hpp"
#include "tests/hooks/rdb_bytes.hpp"
#include "tests/hooks/script_directory.hpp"

namespace hooks::io {
namespace {

namespace fs = std::filesystem;
using testing::make_rdb;
using testing::names_in;
using testing::read_bytes;

constexpr FileUser kSomebody{65534, 65534};
constexpr FileUser kAnother{1, 1};

class ActingAsUser : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "this test needs root";
    give(theirs_, kSomebody);
  }
  static void give(const std::string& path, const FileUser& user) {
    ASSERT_EQ(::lchown(path.c_str(), user.uid, user.gid), 0);
  }
  // 0, or why a new file cannot be made there.
  static int make_file(const std::string& path) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
    return file ? 0 : errno;
  }
  static FileUser owner_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return {status.st_uid, status.st_gid};
  }
  FetchFileRequest request() const {
    FetchFileRequest request;
    request.target = theirs_ + "/dump.rdb";
    request.as = kSomebody;
    return request;
  }
  static void receive(FetchFile& file) {
    ASSERT_EQ(file.open(), std::nullopt);
    ASSERT_EQ(file.append(make_rdb("dataset")), std::nullopt);
  }
  // What an owner can do to his directory at any moment.
  void lead_to(const std::string& place) const {
    fs::rename(theirs_, theirs_ + ".away");
    fs::create_directory_symlink(place, theirs_);
  }

  testing::ScriptDirectory base_;
  std::string theirs_ = base_.make_directory("theirs", 0755);
  std::string ours_ = base_.make_directory("ours", 0700);
};

TEST_F(ActingAsUser, HasHisRightsAndNoOthers) {
  {
    const ActingAs user(kSomebody);
    EXPECT_EQ(user.problem(), std::nullopt);
    EXPECT_EQ(make_file(theirs_ + "/file"), 0);
    EXPECT_EQ(make_file(ours_ + "/file"), EACCES);
  }
  EXPECT_EQ(owner_of(theirs_ + "/file"), kSomebody);
  EXPECT_EQ(make_file(ours_ + "/file"), 0);
  EXPECT_EQ(owner_of(ours_ + "/file"), FileUser{});
}

TEST_F(ActingAsUser, EndsWhereItBegan) {
  const ActingAs user(kSomebody);
  { const ActingAs inner(kAnother); }
  EXPECT_EQ(make_file(theirs_ + "/file"), 0);
  EXPECT_EQ(owner_of(theirs_ + "/file"), kSomebody);
}

TEST_F(ActingAsUser, ChangesOneThread) {
  const ActingAs user(kSomebody);
  int other = -1;
  std::thread([&] { other = make_file(ours_ + "/file"); }).join();
  // A thread begins with the rights of the one that starts it; ours were started before.
  EXPECT_EQ(other, EACCES);
  EXPECT_EQ(::geteuid(), 0U);
}

TEST_F(ActingAsUser, WhoeverOwnsSomethingOnTheWayCounts) {
  using Answer = std::variant<FileUser, std::string>;
  const std::string deeper = theirs_ + "/deeper";
  fs::create_directory(deeper);
  EXPECT_EQ(who_rearranges(deeper), Answer(kSomebody));
  EXPECT_EQ(who_rearranges(ours_), Answer(FileUser{}));
  EXPECT_EQ(who_rearranges(base_.path("none")),
            Answer(base_.path("none") + " does not exist; create it or correct the path"));
  // By a link of root's, and by one of his own.
  fs::create_directory_symlink(deeper, base_.path("link"));
  EXPECT_EQ(who_rearranges(base_.path("link")), Answer(kSomebody));
  fs::create_directory_symlink(ours_, theirs_ + "/out");
  EXPECT_EQ(who_rearranges(theirs_ + "/out"), Answer(kSomebody));
  give(deeper, kAnother);
  EXPECT_EQ(who_rearranges(deeper),
            Answer(deeper + " belongs to uid 1 and " + theirs_ +
                   " on the way to it to uid 65534, who could put something else in its place; "
                   "nothing is written there: run chown root " +
                   theirs_));
}

TEST_F(ActingAsUser, AFetchedFileCannotBeLedElsewhere) {
  lead_to(ours_);
  FetchFile file(request());
  EXPECT_EQ(file.open(), theirs_ + " cannot be written to: Permission denied");
  EXPECT_TRUE(names_in(ours_).empty());
}

TEST_F(ActingAsUser, AFetchThatWasLedElsewhereLaterReplacesNothing) {
  testing::write_bytes(ours_ + "/dump.rdb", "of root");
  FetchFile file(request());
  ASSERT_NO_FATAL_FAILURE(receive(file));
  lead_to(ours_);
  EXPECT_TRUE(std::holds_alternative<std::string>(file.finish(0)));
  EXPECT_EQ(read_bytes(ours_ + "/dump.rdb"), "of root");
}

TEST_F(ActingAsUser, WhatIsFetchedBelongsToTheDirectorysOwner) {
  testing::write_bytes(theirs_ + "/dump.rdb", "an administrator put it there");
  FetchFile file(request());
  ASSERT_NO_FATAL_FAILURE(receive(file));
  ASSERT_TRUE(std::holds_alternative<FetchedFile>(file.finish(0)));
  EXPECT_EQ(owner_of(theirs_ + "/dump.rdb"), kSomebody);
}

TEST_F(ActingAsUser, AStagingDirectoryCannotBeLedElsewhere) {
  lead_to(ours_);
  for (const auto& made :
       {StagingDirectory::create(theirs_ + "/appendonlydir", kSomebody),
        StagingDirectory::create_for(kAnother.uid, theirs_ + "/dump.rdb", kSomebody)}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(made));
  }
  EXPECT_TRUE(names_in(ours_).empty());
}

TEST_F(ActingAsUser, WhatACommandBroughtIsReadFromItsOwnDirectory) {
  auto made = StagingDirectory::create_for(kAnother.uid, theirs_ + "/dump.rdb", kSomebody);
  ASSERT_TRUE(std::holds_alternative<StagingDirectory>(made));
  const auto& brought = std::get<StagingDirectory>(made);
  EXPECT_EQ(owner_of(brought.path()).uid, kAnother.uid);
  testing::write_bytes(brought.path() + "/dump.rdb", "brought");
  // The owner of the directory around it puts another one in its place.
  testing::write_bytes(ours_ + "/dump.rdb", "of root");
  fs::rename(brought.path(), brought.path() + ".away");
  fs::create_directory_symlink(ours_, brought.path());
  std::string bytes(16, ' ');
  const UniqueFd file = brought.open("dump.rdb");
  ASSERT_TRUE(file);
  bytes.resize(static_cast<std::size_t>(::read(file.get(), bytes.data(), bytes.size())));
  EXPECT_EQ(bytes, "brought");
  fs::remove(brought.path());
}

}  // namespace
}  // namespace hooks::io
