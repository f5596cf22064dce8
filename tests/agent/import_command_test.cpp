// `tandem import` as an operator uses it: files, exit codes, one sentence for each mistake; and the
// well-known recipe, whose result is kept beside it (UPDATE_RECIPE=1 rewrites it).
#include "agent/io/import_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/agent/keepalived_fixture.hpp"

namespace agent::io {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome run(const ImportOptions& options) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = import_configuration(options);
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

std::string content(const fs::path& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

class ImportCommand : public ::testing::Test {
 protected:
  Outcome import(const std::string& text) {
    ImportOptions options;
    options.file = folder_.write("keepalived.conf", text);
    options.output = output_;
    options.as_json = as_json_;
    return run(options);
  }
  // What stderr says to a file that is refused, without the folder.
  std::string refused(const std::string& text) {
    const Outcome outcome = import(text);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out, "");
    return without_folder(outcome.err);
  }
  std::string without_folder(std::string text) const {
    const std::string folder = folder_.path("");
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
      text.erase(at, folder.size());
    }
    return text;
  }

  ConfigFolder folder_;
  std::string output_;
  bool as_json_ = false;
};

TEST_F(ImportCommand, PrintsTheFileAndSaysTheRestOnStderr) {
  const Outcome outcome = import(keepalived::instance_with("use_vmac\n"));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("[[pair]]\nname = \"VI_1\"\n"));
  EXPECT_THAT(without_folder(outcome.err),
              HasSubstr("keepalived.conf:12: use_vmac is not carried over: "));
  EXPECT_THAT(outcome.err, HasSubstr("left to do by hand:\n"));
}

TEST_F(ImportCommand, WritesANewFileForItsOwnerOnly) {
  output_ = folder_.path("tandem.toml");
  const Outcome outcome = import("vrrp_instance VI {\n interface eth0\n}\n");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "");
  struct stat status {};
  ASSERT_EQ(::stat(output_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_THAT(outcome.err, HasSubstr(": FILL IN pair[VI].vrid: a number from 1 to 255"));
  const std::string before = content(output_);
  EXPECT_EQ(refused("vrrp_instance VJ {\n}\n"),
            "tandem: tandem.toml is there already and is not replaced; name another file\n");
  EXPECT_EQ(content(output_), before);
  output_ = folder_.path("none/tandem.toml");
  EXPECT_EQ(refused("vrrp_instance VJ {\n}\n"),
            "tandem: none/tandem.toml cannot be written: No such file or directory\n");
}

TEST_F(ImportCommand, AnswersInJson) {
  as_json_ = true;
  const Outcome outcome = import(keepalived::instance_with("use_vmac\nnotify_stop /gone\n"));
  const auto value = boost::json::parse(outcome.out);
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(value.at("complete").as_bool());
  EXPECT_EQ(value.at("notes").at(0).at("line").as_int64(), 12);
  EXPECT_THAT(std::string(value.at("toml").as_string()), HasSubstr("[[pair]]"));
  EXPECT_GE(value.at("steps").as_array().size(), 3U);
}

TEST_F(ImportCommand, ReadsIncludesRelativeToTheirFile) {
  fs::create_directories(folder_.path("conf.d"));
  folder_.write("conf.d/a.conf", "include b.conf\n");
  folder_.write("conf.d/b.conf", keepalived::instance_with("use_vmac\n"));
  const Outcome outcome = import("include conf.d/a*.conf\ninclude conf.d/*.none\n");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(without_folder(outcome.err), HasSubstr("conf.d/b.conf:12: use_vmac is not"));
  EXPECT_THAT(outcome.err, HasSubstr("include \"conf.d/*.none\" matches no file"));
}

TEST_F(ImportCommand, RefusesBadFilesWithOneSentence) {
  folder_.write("loop.conf", "a\ninclude loop.conf\n");
  EXPECT_THAT(refused("include loop.conf\n"),
              testing::AllOf(testing::StartsWith("tandem: loop.conf:2: includes \"loop.conf\""),
                             HasSubstr("an endless loop")));
  EXPECT_EQ(refused("a\ninclude missing.conf\n"),
            "tandem: keepalived.conf:2: the included file \"missing.conf\" does not exist\n");
  EXPECT_EQ(refused("a\ninclude /\n"),
            "tandem: keepalived.conf:2: the included file \"/\" is a directory, must be a file\n");
  EXPECT_EQ(refused(std::string("\x7f"
                                "ELF\0\0",
                                6)),
            "tandem: keepalived.conf:1: holds bytes that are no text; name a keepalived.conf\n");
  EXPECT_EQ(refused(std::string(10UL << 20U, '\n')),
            "tandem: keepalived.conf is larger than 1048576 bytes\n");
  EXPECT_EQ(refused("vrrp_instance VI {\n"),
            "tandem: keepalived.conf:1: the block \"vrrp_instance\" begins here and is never "
            "closed; add the missing '}'\n");
  EXPECT_EQ(refused("# nothing\n"),
            "tandem: keepalived.conf has no vrrp_instance; there is nothing to import\n");
}

TEST_F(ImportCommand, RefusesFilesThatItCannotRead) {
  ImportOptions options;
  options.file = folder_.path("none.conf");
  EXPECT_EQ(without_folder(run(options).err), "tandem: none.conf does not exist\n");
  options.file = folder_.write("locked.conf", "a\n", 0);
  const AsNobody nobody;
  const Outcome outcome = run(options);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(without_folder(outcome.err), "tandem: locked.conf cannot be read: Permission denied\n");
}

// The recipe: its two hosts share their scripts, which name server11 as the one that they command.
class Recipe : public ::testing::TestWithParam<const char*> {
 protected:
  const fs::path folder_{fs::path(TANDEM_SOURCE_DIR) / "tests/agent/recipe"};

  keepalived::Import import() const {
    keepalived::FakeHost host;
    for (const auto& entry : fs::directory_iterator(folder_ / "scripts")) {
      host.files["/usr/local/scripts/" + entry.path().filename().string()] = content(entry);
    }
    const std::string name = GetParam();
    return keepalived::import_of(content(folder_ / (name + ".conf")), host);
  }
};

TEST_P(Recipe, BecomesAWorkingPair) {
  const keepalived::Import import = this->import();
  const fs::path golden = folder_ / (std::string(GetParam()) + ".toml");
  if (std::getenv("UPDATE_RECIPE") != nullptr) std::ofstream(golden) << import.toml;
  EXPECT_EQ(import.toml, content(golden));
  EXPECT_TRUE(import.gaps.empty());
  const ConfigFolder folder;
  const LoadedConfig loaded = keepalived::load(import, folder);
  EXPECT_TRUE(loaded.warnings.empty());
  ASSERT_EQ(loaded.config.pairs.size(), 1U);
  const PairConfig& pair = loaded.config.pairs.front();
  const bool master = std::string(GetParam()) == "master";
  const std::string own = master ? "192.168.1.112" : "192.168.1.113";
  const std::string other = master ? "192.168.1.113" : "192.168.1.112";
  EXPECT_EQ(pair.replication_host, own);
  EXPECT_EQ(pair.peer_server.host, other);
  EXPECT_EQ(pair.peer_agent_host, other);
  EXPECT_EQ(pair.priority.value, master ? 102 : 101);
  EXPECT_TRUE(pair.recovery.copy);
  EXPECT_EQ(pair.recovery.rdb_file, master ? "/usr/local/redis2/master_dump.rdb" : "");
  EXPECT_TRUE(pair.notify.master.empty() && pair.notify.backup.empty());
  EXPECT_TRUE(pair.tracking.scripts.empty());
  EXPECT_THAT(import.toml, Not(HasSubstr("-a 123")));
}

INSTANTIATE_TEST_SUITE_P(TheWellKnown, Recipe, ::testing::Values("master", "backup"));

}  // namespace
}  // namespace agent::io
