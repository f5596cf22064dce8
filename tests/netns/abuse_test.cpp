// A live pair under bad packets: they are refused and counted, and neither the state, nor a timer,
// nor the memory of an agent answers to them.
#include <gtest/gtest.h>

#include <thread>

#include "tests/netns/attacker.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

constexpr int kFlood = 100'000;
constexpr std::chrono::milliseconds kInterval{100};
constexpr long kMoreMemory = 1024;  // KiB

// State, since when, epoch: of one moment.
std::string word_of(PairScene::Side& side) {
  return side.agent.fields({"/state", "/since", "/epoch"});
}

std::string words_of(PairScene& scene) {
  return "A " + word_of(scene.a) + " | B " + word_of(scene.b) + " | told: " + scene.told();
}

std::string refused_by(PairScene& scene) {
  return "A " + scene.a.agent.field("/vrrp/refused") + " | B " +
         scene.b.agent.field("/vrrp/refused");
}

testing::AssertionResult counted(PairScene& scene, const Attacker& attacker) {
  return eventually(
      "every bad packet is counted, by its reason", kSoon,
      equals([&] { return refused_by(scene); }, "A " + attacker.refused_by(scene.a.host) + " | B " +
                                                    attacker.refused_by(scene.b.host)));
}

testing::AssertionResult hears_one_more(AdvertEar& adverts) {
  const auto before = adverts.times().size();
  return eventually("one more advert", kSoon, [&] {
    const auto heard = adverts.times().size();
    return Seen{heard > before, std::to_string(heard)};
  });
}

TEST(Abuse, AFloodOfBadPacketsIsCountedAndChangesNothing) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Attacker attacker(scene.lan);
  attacker.flood(kFlood / 10);  // whatever is allocated once is allocated now
  ASSERT_TRUE(counted(scene, attacker));
  const std::string before = words_of(scene);
  const long memory_of_a = scene.a.agent.of_process("VmRSS");
  const long memory_of_b = scene.b.agent.of_process("VmRSS");
  AdvertEar adverts(scene.lan, scene.a.host);
  ASSERT_TRUE(hears_one_more(adverts));

  attacker.flood(kFlood);

  EXPECT_TRUE(hears_one_more(adverts));
  const auto gap = adverts.longest_gap();
  EXPECT_TRUE(counted(scene, attacker));
  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(words_of(scene), before);
  // Held by the flood, an advert would be as late as the flood is long.
  EXPECT_LT(gap, 5 * kInterval) << "in " << adverts.times().size() << " adverts";
  EXPECT_LE(scene.a.agent.of_process("VmRSS"), memory_of_a + kMoreMemory);
  EXPECT_LE(scene.b.agent.of_process("VmRSS"), memory_of_b + kMoreMemory);
  RecordProperty("longest_gap_ms", static_cast<int>(gap.count()));
}

// Nobody waits for the hosts: sockets overflow, and adverts are lost among the rest. Who leads is
// seen by other witnesses too, and the agents stay as large as they are.
TEST(Abuse, AStormThatNobodyCanReadMovesNothing) {
  PairScene scene(linked());
  ASSERT_TRUE(scene.start());
  Writer writer(scene.lan.client());
  ASSERT_TRUE(writer.goes_on());
  Attacker attacker(scene.lan);
  for (const Host* host : {&scene.a.host, &scene.b.host}) {
    attacker.storm(*host, Millis(500));  // whatever is allocated once is allocated now
  }
  const std::string before = words_of(scene);
  const long memory_of_a = scene.a.agent.of_process("VmRSS");
  const long memory_of_b = scene.b.agent.of_process("VmRSS");

  constexpr Millis kLength(3000);
  const long sent = attacker.storm(scene.a.host, kLength) + attacker.storm(scene.b.host, kLength);

  EXPECT_TRUE(scene.reaches(kALeads));
  EXPECT_EQ(words_of(scene), before);
  EXPECT_TRUE(writer.goes_on());
  EXPECT_LE(scene.a.agent.of_process("VmRSS"), memory_of_a + kMoreMemory);
  EXPECT_LE(scene.b.agent.of_process("VmRSS"), memory_of_b + kMoreMemory);
  RecordProperty("sent_each_second", static_cast<int>(sent * 1000 / (2 * kLength.count())));
}

// Between two adverts many bad packets arrive: an advert timer that each of them sets back would
// never run out.
TEST(Abuse, BadPacketsDoNotHoldTheLeadersAdverts) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Attacker attacker(scene.lan);
  const std::string before = words_of(scene);
  AdvertEar adverts(scene.lan, scene.a.host);

  EXPECT_TRUE(eventually("30 adverts", kSoon, [&] {
    for (int count = 0; count < 8; ++count) attacker.send_one();
    const auto heard = adverts.times().size();
    return Seen{heard >= 30, std::to_string(heard)};
  }));

  EXPECT_TRUE(counted(scene, attacker));
  EXPECT_EQ(words_of(scene), before);
}

// In the leader's name they neither keep it alive nor declare it dead.
TEST(Abuse, BadPacketsInTheLeadersNameDoNotStandForIt) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  Attacker attacker(scene.lan);
  const std::string leader = scene.a.host.ip;
  const std::jthread talker([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      attacker.send_one(leader);
      wait_a_moment(Millis(5));
    }
  });

  EXPECT_TRUE(scene.keeps(kALeads));
  scene.lan.power_off(scene.a.host);
  EXPECT_TRUE(scene.led_by("B"));
}

}  // namespace
}  // namespace support
