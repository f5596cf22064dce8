// Both hosts lost power (rule 11): whoever has the newest data leads, in whatever order they boot,
// and who cannot know waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using testing::HasSubstr;

enum class Files { rdb, aof };

class ColdStart : public testing::TestWithParam<Files> {
 protected:
  static SceneOptions options() {
    SceneOptions out = linked();
    out.quarantine = true;
    for (RedisOptions* server : {&out.server_a, &out.server_b}) {
      server->more = {GetParam() == Files::aof ? "appendonly yes" : "appendonly no"};
    }
    return out;
  }
  static void boot(PairScene::Side& side) {
    side.redis.start_and_wait();
    side.agent.start();
  }
  // What a host has on its disk when the power goes.
  static void lose_power(PairScene::Side& side) {
    side.agent.kill();
    if (GetParam() == Files::rdb) side.redis.command({"SAVE"});
    side.redis.kill();
  }
  static testing::AssertionResult whole(PairScene& scene) {
    const auto one = eventually("one leads, the other is in sync", kSoon, [&] {
      const std::string picture = scene.picture();
      return Seen{picture == kALeads || picture == kBLeads, picture};
    });
    if (!one) return one;
    const std::string data = scene.data();
    return data == kDataIntact ? testing::AssertionSuccess() : testing::AssertionFailure() << data;
  }

  PairScene scene_{options()};
};

TEST_P(ColdStart, OfBothFirstTheOneThenTheOther) {
  ASSERT_TRUE(scene_.start());
  for (const bool a_first : {true, false}) {
    SCOPED_TRACE(a_first ? "A first" : "B first");
    lose_power(scene_.a);
    lose_power(scene_.b);
    boot(a_first ? scene_.a : scene_.b);
    boot(a_first ? scene_.b : scene_.a);
    ASSERT_TRUE(whole(scene_));
    ASSERT_TRUE(PairScene::protects(scene_.leader() == "A" ? scene_.a.agent : scene_.b.agent));
  }
}

// The standby's server died first, as its agent saw, and the leader took writes alone. It boots
// first, and waits.
TEST_P(ColdStart, TheOlderDataWaitForTheNewer) {
  ASSERT_TRUE(scene_.start());
  if (GetParam() == Files::rdb) scene_.b.redis.command({"SAVE"});
  scene_.b.redis.kill();
  ASSERT_TRUE(eventually("B's record says so", kSoon, [&] {
    std::ifstream file(scene_.b.agent.state_dir() + "/redis.json");
    const std::string record{std::istreambuf_iterator<char>(file), {}};
    return Seen{record.find("\"in_sync\":false") != std::string::npos, record};
  }));
  lose_power(scene_.b);
  ASSERT_TRUE(
      eventually("A knows that it is alone", kSoon,
                 equals([&] { return scene_.a.agent.field("/standby_in_sync"); }, "false")));
  ASSERT_EQ(scene_.a.redis.command({"SET", "newer", "yes"}).text, "OK");
  wait_a_moment(Millis(1200));  // appendfsync everysec, and the record of A
  lose_power(scene_.a);

  boot(scene_.b);
  ASSERT_TRUE(eventually("B says why it waits", kSoon, [&] {
    const std::string alarms = scene_.b.agent.field("/alarms");
    return Seen{alarms.find("nobody leads") != std::string::npos, alarms};
  }));
  EXPECT_TRUE(
      stays("standby", Millis(3000), equals([&] { return scene_.b.agent.state(); }, "standby")));
  boot(scene_.a);
  ASSERT_TRUE(scene_.reaches(kALeads));
  EXPECT_EQ(scene_.b.redis.command({"GET", "newer"}).text, "yes");
  EXPECT_EQ(scene_.data(), kDataIntact);
}

// The other host never comes back, and was in sync: after wait_for_peer there is nothing to wait
// for.
TEST_P(ColdStart, OneAloneThatWasInSyncLeadsAfterAWhile) {
  ASSERT_TRUE(scene_.start());
  lose_power(scene_.a);
  lose_power(scene_.b);
  boot(scene_.b);
  ASSERT_TRUE(scene_.led_by("B"));
  EXPECT_EQ(scene_.b.redis.missing(1000), 0);
}

TEST_P(ColdStart, AnEmptyOneFollows) {
  ASSERT_TRUE(scene_.start());
  lose_power(scene_.a);
  lose_power(scene_.b);
  for (const char* name : {"dump.rdb", "appendonlydir"}) {
    std::filesystem::remove_all(scene_.a.redis.directory() / name);
  }
  boot(scene_.a);
  boot(scene_.b);
  ASSERT_TRUE(scene_.reaches(kBLeads));
  EXPECT_EQ(scene_.data(), kDataIntact);
}

// The standby's server died first, the leader went on, and now one of the two has lost its memory:
// the lineage of their files says whose data are the newer, to whichever boots first. An
// append-only file names none.
class ColdStartOfDumps : public ColdStart {};
TEST_P(ColdStartOfDumps, ARejectedRecordHidesNoNewerData) {
  for (const bool of_the_leader : {true, false}) {
    SCOPED_TRACE(of_the_leader ? "A's record" : "B's record");
    PairScene scene(options());
    ASSERT_TRUE(scene.start());
    lose_power(scene.b);
    ASSERT_TRUE(
        eventually("A knows that it is alone", kSoon,
                   equals([&] { return scene.a.agent.field("/standby_in_sync"); }, "false")));
    ASSERT_EQ(scene.a.redis.command({"SET", "newer", "yes"}).text, "OK");
    lose_power(scene.a);

    PairScene::Side& forgetful = of_the_leader ? scene.a : scene.b;
    PairScene::Side& other = of_the_leader ? scene.b : scene.a;
    const std::string record = forgetful.agent.state_dir() + "/redis.json";
    std::filesystem::resize_file(record, std::filesystem::file_size(record) / 2);
    boot(forgetful);
    ASSERT_TRUE(eventually("it says so", kSoon, [&] {
      const std::string alarms = forgetful.agent.field("/alarms");
      return Seen{alarms.find("what this node remembered of the pair is lost") != std::string::npos,
                  alarms};
    }));
    EXPECT_TRUE(stays("it does not lead alone", Millis(3000),
                      equals([&] { return forgetful.agent.state(); }, "standby")));
    boot(other);
    ASSERT_TRUE(scene.reaches(kALeads));
    EXPECT_EQ(scene.b.redis.command({"GET", "newer"}).text, "yes");
    EXPECT_EQ(scene.data(), kDataIntact);
    EXPECT_TRUE(eventually("the alarm is over", kSoon,
                           equals([&] { return forgetful.agent.field("/alarms"); }, "[]")));
    const std::filesystem::directory_iterator files(forgetful.agent.state_dir());
    EXPECT_EQ(std::count_if(begin(files), end(files),
                            [](const auto& file) {
                              return file.path().string().find(".rejected-") != std::string::npos;
                            }),
              1)
        << "it is kept aside";
  }
}

INSTANTIATE_TEST_SUITE_P(With, ColdStartOfDumps, testing::Values(Files::rdb));
INSTANTIATE_TEST_SUITE_P(With, ColdStart, testing::Values(Files::rdb, Files::aof),
                         [](const auto& which) {
                           return which.param == Files::rdb ? "Rdb" : "Aof";
                         });

}  // namespace
}  // namespace support
