// kill -9 of an agent at each step of a planned move, of the leader's and of the standby's way, the
// agent that takes the step and the other one: what was begun is finished or undone, and nothing
// that was acknowledged is lost. A relay before each server keeps back the very command that the
// step consists of, so each death is at its step or the test fails. Every step that the rulebook
// knows is tried: a new one without a place here fails too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "agent/record.hpp"
#include "tests/netns/switchover_places.hpp"
#include "tests/netns/tripwire.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

using agent::LeaveStep;
using Moment = RedisRelay::Moment;
using Up = agent::Promoting::Step;

template <typename Step>
std::vector<Step> every() {
  std::vector<Step> steps;
  for (int number = 0; to_string(static_cast<Step>(number)) != "unknown"; ++number) {
    steps.push_back(static_cast<Step>(number));
  }
  return steps;
}

template <typename Step>
std::string name_of(const testing::TestParamInfo<Step>& info) {
  std::string name(to_string(info.param));
  std::ranges::replace(name, ' ', '_');
  return name;
}

SceneOptions asking() {
  SceneOptions options = linked();
  for (PairOptions* const pair : {&options.pair_a, &options.pair_b}) {
    pair->notify_lines = "pre_promote = \"HOST_DIR/pre.sh\"\npre_timeout = \"5s\"\n";
  }
  return options;
}

struct Relays {
  Relays(const Host& host, const Host& other)
      : local(host, 7001, "127.0.0.1"), peer(host, 7002, other.ip) {
    local.redirect();
    peer.redirect();
  }
  void release() {
    local.release();
    peer.release();
  }
  RedisRelay local;
  RedisRelay peer;
};

struct Death {
  bool other = false;    // not the agent that takes the step
  bool at_once = false;  // it comes back at once, and not when the other one has settled
};

class AtEachStep {
 public:
  AtEachStep() {
    for (const Host* host : {&scene_.a.host, &scene_.b.host}) {
      write_file(host->dir / "pre.sh",
                 "#!/bin/sh\ncd " + host->dir.string() +
                     "\n[ -p wait ] || exit 0\necho > asked\nread line < wait\n",
                 std::filesystem::perms(0755));
    }
  }

  testing::AssertionResult start() {
    if (const auto started = scene_.start(); !started) return started;
    writer_.emplace(scene_.lan.client());
    return testing::AssertionSuccess();
  }
  // The way down is taken by the leader's agent, the way up by the standby's.
  void dies(const Place& place, bool way_up, const Death& death);
  void expect_all_writes() {
    PairScene::Side& master = scene_.leader() == "A" ? scene_.a : scene_.b;
    EXPECT_TRUE(writer_->finds_all_on(master.redis));
    testing::Test::RecordProperty("acknowledged", writer_->acknowledged());
  }

 private:
  using Side = PairScene::Side;

  static std::string ask(Side& side, const Argv& words);
  testing::AssertionResult ready();
  Side& leader() { return scene_.leader() == "A" ? scene_.a : scene_.b; }
  Side& standby() { return scene_.leader() == "A" ? scene_.b : scene_.a; }
  Relays& relays_of(const Side& side) { return &side == &scene_.a ? relays_a_ : relays_b_; }
  void set_the_scene(const Place& place, Side& leads, Side& follows);
  testing::AssertionResult strikes(const Place& place, Side& holder, Side& victim);
  testing::AssertionResult meets(const Place& place, Side& holder, Side& victim);
  bool left(const Place& place, Side& victim);
  void settles(Side& victim, Side& survivor, const Death& death);

  PairScene scene_{asking()};
  Relays relays_a_{scene_.a.host, scene_.b.host};
  Relays relays_b_{scene_.b.host, scene_.a.host};
  std::optional<Writer> writer_;
  std::jthread asking_;
};

std::string AtEachStep::ask(Side& side, const Argv& words) {
  Argv all{"switchover"};
  all.insert(all.end(), words.begin(), words.end());
  const Outcome outcome = side.agent.command(all);
  return std::to_string(outcome.exit_code) + " " + outcome.output;
}

testing::AssertionResult AtEachStep::ready() {
  return eventually("nothing is in the way of a switchover", kSoon, [&] {
    const std::string who = scene_.leader();
    if (who != "A" && who != "B") return Seen{false, who};
    const std::string words = ask(standby(), {"--dry-run"});
    return Seen{words.starts_with("0 ") && PairScene::protects(leader().agent), words};
  });
}

// What leads to the step, up to the command that it consists of.
void AtEachStep::set_the_scene(const Place& place, Side& leads, Side& follows) {
  if (place.story == Story::gentle) {
    leads.agent.kill();
    return;
  }
  Argv words;
  if (place.story == Story::by_servers) words = {"--server-failover"};
  if (place.story == Story::given_up) {
    follows.redis.freeze();
    words = {"--timeout", "100ms"};
  }
  asking_ = std::jthread([this, words, &leads] { ask(leads, words); });
}

testing::AssertionResult AtEachStep::strikes(const Place& place, Side& holder, Side& victim) {
  Side& leads = leader();
  Side& follows = standby();
  const auto kill = [&] {
    // Written beside the promotion, whose answer is kept back meanwhile.
    if (place.leaves == "claimed" && &victim == &holder) {
      EXPECT_TRUE(eventually("the record claims the epoch", kSoon, [&] {
        return Seen{left(place, victim), place.leaves};
      }));
    }
    victim.agent.signal(SIGKILL);
  };
  Side& speaker = place.by_successor ? follows : holder;
  RedisRelay& relay = place.at_peer ? relays_of(speaker).peer : relays_of(speaker).local;
  const RedisRelay::Trap trap{place.commands, place.moment, kill};
  const bool awaiting = place.at_peer && place.story == Story::moves;
  const bool failing = place.commands == std::vector<Argv>{kOpen};
  const auto missed = [](const std::string& what) { return testing::AssertionFailure() << what; };
  switch (place.by) {
    case By::relay: break;
    case By::advert:
    case By::address: {
      const auto on = place.by == By::advert ? Tripwire::On::last_advert : Tripwire::On::address;
      Tripwire wire(holder.host, on, holder.agent.pid(), kill);
      set_the_scene(place, leads, follows);
      if (!wire.wait_until_sprung(kSoon)) return missed("it did not show");
      return testing::AssertionSuccess();
    }
    case By::script: {
      must_run({"mkfifo", (holder.host.dir / "wait").string()});
      set_the_scene(place, leads, follows);
      const auto asked =
          eventually("the script was asked", kSoon,
                     equals([&] { return exists(holder.host.dir / "asked"); }, true));
      if (asked) kill();
      return asked;
    }
  }
  if (awaiting) {
    // It waits for as long as its successor does not lead.
    relays_of(follows).local.set({{kPromote}, Moment::before, {}});
    relays_of(leads).local.set({{kKillClients}, Moment::before, {}});
    set_the_scene(place, leads, follows);
    if (!relays_of(leads).local.wait_until_sprung(kSoon)) return missed("it closed no clients");
    relays_of(leads).local.release();
    const auto gone = eventually(
        "it has no address", kSoon,
        equals([&] { return leads.host.has_address() || leads.host.has_address({}, "lo"); },
               false));
    if (!gone) return gone;
    relay.set(trap);
  } else if (failing) {
    // What was fenced is not drained: the standby's server has lost its link meanwhile.
    relay.set({{kFence}, Moment::after, {}});
    set_the_scene(place, leads, follows);
    if (!relay.wait_until_sprung(kSoon)) return missed("it fenced nobody");
    follows.redis.command({"CONFIG", "SET", "masterauth", "another"});
    leads.redis.command({"CLIENT", "KILL", "TYPE", "replica"});
    const auto cut =
        eventually("the link is down", kSoon,
                   equals([&] { return follows.redis.role(); }, "replica of " + leads.host.ip));
    if (!cut) return cut;
    relay.set(trap);
  } else {
    relay.set(trap);
    set_the_scene(place, leads, follows);
  }
  if (!relay.wait_until_sprung(kSoon)) return missed("the command was not sent");
  return testing::AssertionSuccess();
}

bool AtEachStep::left(const Place& place, Side& victim) {
  const std::string record = read_file(victim.host.dir / "state" / "redis.json");
  const bool eth0 = victim.host.has_address();
  const bool lo = victim.host.has_address({}, "lo");
  const auto says = [&](std::string_view words) {
    return place.leaves.find(words) != std::string::npos;
  };
  if (says("VIP on eth0") && (!eth0 || lo)) return false;
  if (says("VIP on lo") && (eth0 || !lo)) return false;
  if (says("no VIP") && (eth0 || lo)) return false;
  if (says("claimed") && record.find("\"claimed\"") == std::string::npos) return false;
  if (!says("fenced")) return true;
  return victim.redis.command({"CONFIG", "GET", "min-replicas-to-write"}).text.find("99") !=
         std::string::npos;
}

testing::AssertionResult AtEachStep::meets(const Place& place, Side& holder, Side& victim) {
  const auto struck = strikes(place, holder, victim);
  victim.agent.kill();
  const bool proved = struck && (&victim != &holder || left(place, victim));
  // Whatever was in the way of the others is there no more.
  for (Side* const side : {&scene_.a, &scene_.b}) {
    relays_of(*side).release();
    side->redis.thaw();
    const auto wait = side->host.dir / "wait";
    // Whoever waits to read finds the end.
    ::close(::open(wait.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    remove(wait);
    remove(side->host.dir / "asked");
    side->redis.command({"CONFIG", "SET", "masterauth", kPassword});
  }
  if (!struck) return struck;
  if (proved) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "it did not leave: " << place.leaves;
}

// One leads, nobody waits for ever, and no intent stands open.
void AtEachStep::settles(Side& victim, Side& survivor, const Death& death) {
  const bool survives = survivor.agent.running();
  if (!death.at_once && survives) {
    ASSERT_TRUE(scene_.led_by(&survivor == &scene_.a ? "A" : "B")) << "without the dead one";
    ASSERT_TRUE(writer_->goes_on());
  }
  victim.agent.start();
  if (!survives) survivor.agent.start();
  if (asking_.joinable()) asking_.join();
  ASSERT_TRUE(eventually("one leads, the other is in sync", kSoon, [&] {
    const std::string picture = scene_.picture();
    return Seen{picture == kALeads || picture == kBLeads, picture};
  }));
  ASSERT_TRUE(writer_->goes_on());
  for (Side* const side : {&scene_.a, &scene_.b}) {
    EXPECT_TRUE(eventually("nothing stands open", kSoon, [&] {
      const std::string text = read_file(side->host.dir / "state" / "redis.json");
      const auto record = agent::parse_record("redis", text);
      const auto* const known = std::get_if<agent::Record>(&record);
      const Answer fence = side->redis.command({"CONFIG", "GET", "min-replicas-to-write"});
      const bool closed =
          known != nullptr && known->intent.empty() && fence.text.find("99") == std::string::npos;
      return Seen{closed, text + fence.text};
    }));
  }
}

void AtEachStep::dies(const Place& place, bool way_up, const Death& death) {
  constexpr int kTries = 10;  // only for what shows by itself and is not kept back
  for (int tries = 1;; ++tries) {
    ASSERT_TRUE(ready());
    const bool up = way_up || place.story == Story::gentle;
    Side& holder = up ? standby() : leader();
    Side& victim = (up != death.other) ? standby() : leader();
    Side& survivor = &victim == &scene_.a ? scene_.b : scene_.a;
    const auto met = meets(place, holder, victim);
    settles(victim, survivor, death);
    if (testing::Test::HasFatalFailure() || met) return;
    const bool again = place.by == By::advert || place.by == By::address;
    ASSERT_TRUE(again && tries < kTries) << met.message();
  }
}

void try_all(const std::vector<Place>& step, bool way_up) {
  ASSERT_FALSE(step.empty()) << "a step of the rulebook is not tried here";
  AtEachStep scene;
  ASSERT_TRUE(scene.start());
  for (std::size_t i = 0; i < step.size(); ++i) {
    for (const Death& death : {Death{}, Death{.at_once = true}, Death{.other = true}}) {
      if (death.other && step[i].story == Story::gentle) continue;  // it is dead already
      SCOPED_TRACE(testing::Message()
                   << "place " << i << ", other " << death.other << ", at once " << death.at_once);
      scene.dies(step[i], way_up, death);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  scene.expect_all_writes();
}

// A planned move does not begin with somebody's REPLICAOF.
std::vector<LeaveStep> steps_of_a_move() {
  auto steps = every<LeaveStep>();
  std::erase(steps, LeaveStep::hold);
  return steps;
}

class WayDown : public testing::TestWithParam<LeaveStep> {};
TEST_P(WayDown, SurvivesTheDeathOfAnAgent) {
  try_all(places(GetParam()), false);
}
INSTANTIATE_TEST_SUITE_P(Switchover, WayDown, testing::ValuesIn(steps_of_a_move()),
                         name_of<LeaveStep>);

class WayUp : public testing::TestWithParam<Up> {};
TEST_P(WayUp, SurvivesTheDeathOfAnAgent) {
  try_all(places(GetParam()), true);
}
INSTANTIATE_TEST_SUITE_P(Switchover, WayUp, testing::ValuesIn(every<Up>()), name_of<Up>);

}  // namespace
}  // namespace support
