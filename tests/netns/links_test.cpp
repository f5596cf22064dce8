// Somebody who may write where the agent keeps its files lays links there that lead elsewhere: what
// lies there is neither read as the agent's own nor touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

namespace fs = std::filesystem;

const std::string kPrecious = "somebody else's only copy\n";

TEST(Links, InPlaceOfTheAgentsFilesLeadNowhere) {
  PairScene scene(linked());
  scene.start_servers();
  const fs::path victims = scene.lan.dir() / "victims";
  fs::create_directory(victims);
  const fs::path state = scene.a.agent.state_dir();
  for (const char* name : {"redis.json.new", "events.jsonl", "diverged"}) {
    write_file(victims / name, kPrecious, fs::perms(0644));
    fs::create_symlink(victims / name, state / name);
  }
  scene.a.agent.start();
  scene.b.agent.start();
  ASSERT_TRUE(scene.reaches(kALeads)) << read_file(scene.a.agent.log());
  ASSERT_TRUE(PairScene::protects(scene.a.agent));
  ASSERT_EQ(scene.a.agent.command({"switchover"}).exit_code, 0);
  ASSERT_TRUE(scene.reaches(kBLeads));

  EXPECT_EQ(scene.a.agent.stop(), 0);
  for (const auto& entry : fs::directory_iterator(victims)) {
    EXPECT_EQ(read_file(entry.path()), kPrecious) << entry.path();
    EXPECT_EQ(fs::status(entry.path()).permissions(), fs::perms(0644)) << entry.path();
  }
  EXPECT_THAT(read_file(scene.a.agent.log()), testing::HasSubstr("events.jsonl"));
}

TEST(Links, InPlaceOfTheLogAreRefused) {
  PairScene scene;
  const fs::path victim = scene.lan.dir() / "victim";
  const fs::path log = scene.a.host.dir / "tandemd-file.log";
  write_file(victim, kPrecious, fs::perms(0644));
  fs::create_symlink(victim, log);
  std::string text = read_file(scene.a.agent.config());
  const std::string target = "target = \"stderr\"";
  const auto at = text.find(target);
  ASSERT_NE(at, std::string::npos) << text;
  text.replace(at, target.size(), "target = \"file\", file = \"" + log.string() + "\"");
  std::ofstream(scene.a.agent.config()) << text;
  const Outcome refused = run({tandemd_path(), "--config", scene.a.agent.config().string()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, testing::HasSubstr("is a link; name the file itself"));
  EXPECT_EQ(read_file(victim), kPrecious);
}

TEST(Links, InPlaceOfTheControlSocketIsRefused) {
  PairScene scene;
  const fs::path victim = scene.lan.dir() / "victim";
  write_file(victim, kPrecious, fs::perms(0644));
  fs::create_symlink(victim, scene.a.host.dir / "control.sock");
  scene.a.agent.start();
  EXPECT_EQ(scene.a.agent.wait(kSoon), 1);
  EXPECT_THAT(read_file(scene.a.agent.log()),
              testing::HasSubstr("control.sock cannot be opened: a file that is not a socket is in "
                                 "its place"));
  EXPECT_EQ(read_file(victim), kPrecious);
}

}  // namespace
}  // namespace support
