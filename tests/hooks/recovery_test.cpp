// The steps of a recovery as a value: what is asked in which order, what a failure of each leaves,
// and where an agent that died goes on.
#include "hooks/recovery.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace hooks {
namespace {

using namespace std::chrono_literals;
using health::Health;

struct Words {
  std::string operator()(const RunStop& /*e*/) const { return "stop"; }
  std::string operator()(const ProbeServer& /*e*/) const { return "probe"; }
  std::string operator()(const InspectFiles& /*e*/) const { return "inspect"; }
  std::string operator()(const FetchDataset& e) const {
    return e.copy.empty() ? "fetch" : "fetch over " + e.copy;
  }
  std::string operator()(const CountSyncs& /*e*/) const { return "count"; }
  std::string operator()(const RunStart& /*e*/) const { return "start"; }
  std::string operator()(const CancelWork& /*e*/) const { return "cancel"; }
  std::string operator()(const KeepJournal& e) const {
    return "journal " + std::string(to_string(e.journal.step)) +
           (e.journal.placed ? " placed" : "") +
           (e.journal.starts > 0 ? " starts=" + std::to_string(e.journal.starts) : "");
  }
  std::string operator()(const DropJournal& /*e*/) const { return "drop journal"; }
  std::string operator()(const RecoverySay& e) const {
    return (e.warning ? "warn: " : "say: ") + e.text;
  }
  std::string operator()(const RecoveryEnd& e) const {
    return std::string(to_string(e.outcome)) + ": " + e.words;
  }
};

class RecoveryStory : public ::testing::Test {
 protected:
  explicit RecoveryStory(RecoveryRules rules = {.copy = true, .can_stop = true})
      : recovery_(rules) {}

  std::string give(const RecoveryInput& input) {
    std::string out;
    for (const auto& effect : recovery_.step(now_, input)) {
      out += (out.empty() ? "" : " | ") + std::visit(Words{}, effect);
    }
    return out;
  }
  std::string begin(std::optional<RecoveryJournal> journal = {}) {
    seen(Health::dead);
    return give(RecoveryBegin{journal});
  }
  std::string answer(const std::string& problem = {}, const std::string& words = {}) {
    return give(RecoveryAnswer{problem, words});
  }
  std::string probed(bool down) { return give(ServerProbed{down, "it still takes connections"}); }
  std::string seen(Health health) { return give(LocalSeen{health, {}}); }
  std::string seen_up(bool link, bool syncing = false, health::Role role = health::Role::replica) {
    health::ServerFacts facts;
    facts.role = role;
    facts.link_up = link;
    facts.sync_in_progress = syncing;
    return give(LocalSeen{Health::up, facts});
  }
  std::string counted(std::int64_t full, std::int64_t partial) {
    return give(SyncsCounted{SyncCounts{full, partial}});
  }
  std::string later(health::Duration time) {
    now_ += time;
    const auto deadline = recovery_.next_deadline();
    if (!deadline || now_ < *deadline) return "no deadline";
    return give(RecoveryTick{});
  }
  // Up to the step, all going well.
  void reach(RecoveryStep step) {
    begin();
    if (step == RecoveryStep::stop) return;
    answer();
    probed(true);
    if (step == RecoveryStep::look) return;
    answer();
    if (step == RecoveryStep::fetch) return;
    answer();
    if (step == RecoveryStep::start) return;
    answer();
    if (step == RecoveryStep::load) return;
    seen_up(false);
  }

  Recovery recovery_;
  health::TimePoint now_{};
};

TEST_F(RecoveryStory, GoesThroughItsStepsInOrder) {
  EXPECT_EQ(begin(), "journal stop | stop");
  EXPECT_EQ(answer(), "probe");
  EXPECT_EQ(probed(true), "journal look | inspect");
  EXPECT_EQ(answer({}, "to dump.rdb"), "say: to dump.rdb | journal fetch | fetch");
  EXPECT_EQ(answer({}, "33 MB"), "say: 33 MB | journal start placed starts=1 | count | start");
  EXPECT_EQ(counted(1, 0), "");
  EXPECT_EQ(answer(), "journal load placed starts=1");
  EXPECT_EQ(seen(Health::loading), "");
  EXPECT_EQ(later(1h), "no deadline");  // loading takes as long as it takes
  EXPECT_EQ(seen_up(false), "journal sync placed starts=1");
  EXPECT_EQ(seen_up(true, true), "");
  EXPECT_EQ(seen_up(true), "count");
  EXPECT_EQ(counted(1, 1),
            "drop journal | done: the local server is a replica with its link up; the leader sent "
            "only what was missing (partial resync)");
  EXPECT_FALSE(recovery_.running());
}

TEST_F(RecoveryStory, SaysThatTheWholeDatasetWasSentAgain) {
  reach(RecoveryStep::start);
  counted(1, 7);
  answer();
  seen_up(true);
  EXPECT_EQ(counted(2, 7),
            "drop journal | done: the local server is a replica with its link up; the leader sent "
            "its whole dataset (full resync)");
}

TEST_F(RecoveryStory, SaysNothingOfTheResyncWhenTheLeaderWasNotAsked) {
  reach(RecoveryStep::load);
  seen_up(true);
  EXPECT_EQ(give(SyncsCounted{}),
            "drop journal | done: the local server is a replica with its link up");
}

// As while the AOF is rewritten after a full synchronisation.
TEST_F(RecoveryStory, AServerThatRefusesToStopIsAskedAgainAndThenLeft) {
  begin();
  int asked = 1;
  answer();
  while (recovery_.running()) {
    probed(false);
    if (!recovery_.running()) break;
    ASSERT_EQ(later(1s), "say: the local server still answers: it is told to stop again | stop");
    ++asked;
    ASSERT_EQ(answer(), "probe");
  }
  EXPECT_EQ(asked, 30);
  EXPECT_EQ(recovery_.at(), RecoveryStep::stop);
}

TEST_F(RecoveryStory, AStopCommandThatHangsIsCancelled) {
  begin();
  EXPECT_EQ(later(30s),
            "cancel | journal stop | failed: the stop command has not ended within 30 s");
}

TEST_F(RecoveryStory, AFailureOfEachStepNamesIt) {
  reach(RecoveryStep::stop);
  EXPECT_EQ(answer("exit code 5"), "journal stop | failed: the stop command failed: exit code 5");
  EXPECT_EQ(begin(), "journal stop | stop");
  answer();
  probed(true);
  EXPECT_EQ(answer("unknown place"), "journal look | failed: unknown place");
  EXPECT_EQ(begin(), "journal stop | stop");
  answer();
  probed(true);
  answer();
  EXPECT_EQ(answer("disk full"), "journal fetch | failed: disk full");
}

// What was fetched stays good for a few starts, then another dataset is fetched.
TEST_F(RecoveryStory, AStartThatFailsIsTriedAgainWithTheSameFile) {
  reach(RecoveryStep::start);
  EXPECT_EQ(answer("exit code 1"),
            "journal start placed starts=1 | failed: the start command failed: exit code 1");
  EXPECT_EQ(begin(), "journal start placed starts=2 | count | start");
  answer();
  EXPECT_EQ(later(60s),
            "journal load placed starts=2 | failed: the local server has not come up within 60 s "
            "of its start command; its log says why");
  EXPECT_EQ(begin(), "journal start placed starts=3 | count | start");
  answer("exit code 1");
  EXPECT_EQ(begin(),
            "warn: no server came up with the dataset that was fetched: another is | journal stop "
            "| stop");
}

// What is replaced then is the copy of before, and not what the server once had.
TEST_F(RecoveryStory, AnotherDatasetTakesThePlaceOfTheFirstOne) {
  reach(RecoveryStep::fetch);
  give(RecoveryAnswer{{}, {}, "the first"});
  for (int i = 0; i < 2; ++i) {
    answer("exit code 1");
    begin();
  }
  answer("exit code 1");
  begin();
  answer();
  probed(true);
  EXPECT_EQ(answer(), "journal fetch | fetch over the first");
  EXPECT_EQ(answer("no route"), "journal fetch | failed: no route");
  begin();
  answer();
  probed(true);
  EXPECT_EQ(answer(), "journal fetch | fetch over the first");
}

TEST_F(RecoveryStory, AServerThatBootsAsAMasterIsNamed) {
  reach(RecoveryStep::load);
  EXPECT_NE(seen_up(false, false, health::Role::master).find("came up as a master"),
            std::string::npos);
}

TEST_F(RecoveryStory, AServerThatIsMadeAMasterLaterIsNot) {
  reach(RecoveryStep::sync);
  EXPECT_EQ(seen_up(false, false, health::Role::master), "");
  EXPECT_EQ(seen_up(true), "count");
}

TEST_F(RecoveryStory, AServerThatDiesAgainAndAgainIsAFailure) {
  reach(RecoveryStep::load);
  for (int i = 0; i < 2; ++i) {
    seen(Health::loading);
    EXPECT_EQ(seen(Health::dead), "journal load placed starts=1");
  }
  seen(Health::loading);
  EXPECT_EQ(seen(Health::dead),
            "journal load placed starts=1 | failed: the local server died 3 times after its start; "
            "its log says why");
}

TEST_F(RecoveryStory, AServerThatSomebodyStartsMeanwhileIsLeftAlone) {
  reach(RecoveryStep::fetch);
  EXPECT_EQ(seen(Health::loading),
            "journal fetch | failed: somebody started the local server while its dataset was to be "
            "replaced; nothing was replaced");
  // It comes up: nothing is left to be done, now or by another agent.
  EXPECT_EQ(seen(Health::up), "drop journal");
}

TEST_F(RecoveryStory, AServerThatIsUpBeforeItsStartCommandEndsIsTakenAsItIs) {
  reach(RecoveryStep::start);
  EXPECT_EQ(seen(Health::loading), "journal load placed starts=1");
  EXPECT_EQ(answer("exit code 1"), "");
  EXPECT_EQ(seen_up(true), "journal sync placed starts=1 | count");
}

TEST_F(RecoveryStory, AMasterIsNamedAndWaitedFor) {
  reach(RecoveryStep::load);
  EXPECT_NE(seen_up(false, false, health::Role::master).find("does not start in quarantine"),
            std::string::npos);
  EXPECT_EQ(seen_up(false, false, health::Role::master), "");
  EXPECT_EQ(seen_up(true), "count");
}

// The leader is gone: what we stopped comes back with what it has.
TEST_F(RecoveryStory, AbandonedBeforeTheStartItIsStartedAllTheSame) {
  for (const auto step : {RecoveryStep::stop, RecoveryStep::look, RecoveryStep::fetch}) {
    recovery_ = Recovery({.copy = true, .can_stop = true});
    reach(step);
    EXPECT_EQ(give(RecoveryAbandon{"no leader advertises"}), "cancel | count | start");
    EXPECT_EQ(answer(), "drop journal | abandoned: no leader advertises");
  }
}

// The leader's death ends the fetch, too, and may be seen before it is known that nobody leads.
TEST_F(RecoveryStory, AbandonedAfterItFailedTheServerIsStartedAllTheSame) {
  reach(RecoveryStep::fetch);
  answer("the leader closed the connection");
  EXPECT_EQ(give(RecoveryAbandon{"no leader advertises"}), "count | start");
  EXPECT_EQ(answer(), "drop journal | abandoned: no leader advertises");

  recovery_ = Recovery({.copy = true, .can_stop = true});
  reach(RecoveryStep::fetch);
  answer("the leader closed the connection");
  seen(Health::loading);  // somebody was faster
  EXPECT_EQ(give(RecoveryAbandon{"no leader advertises"}),
            "drop journal | abandoned: no leader advertises");
}

TEST_F(RecoveryStory, AbandonedLaterItIsLeftToTheRulebook) {
  for (const auto step : {RecoveryStep::start, RecoveryStep::load, RecoveryStep::sync}) {
    recovery_ = Recovery({.copy = true, .can_stop = true});
    reach(step);
    EXPECT_EQ(give(RecoveryAbandon{"no leader advertises"}),
              "drop journal | abandoned: no leader advertises");
  }
}

TEST_F(RecoveryStory, AnAgentThatDiedGoesOnWhereItsJournalSays) {
  EXPECT_EQ(begin(RecoveryJournal{RecoveryStep::stop, false, 0}), "journal stop | stop");
  recovery_ = Recovery({.copy = true, .can_stop = true});
  EXPECT_EQ(begin(RecoveryJournal{RecoveryStep::fetch, false, 0}), "journal stop | stop");
  recovery_ = Recovery({.copy = true, .can_stop = true});
  EXPECT_EQ(begin(RecoveryJournal{RecoveryStep::start, true, 1}),
            "journal start placed starts=2 | count | start");
  recovery_ = Recovery({.copy = true, .can_stop = true});
  seen(Health::loading);
  EXPECT_EQ(give(RecoveryBegin{RecoveryJournal{RecoveryStep::load, true, 1}}), "");
  EXPECT_EQ(seen_up(true), "journal sync placed starts=1 | count");
}

class RecoveryWithoutCopy : public RecoveryStory {
 protected:
  RecoveryWithoutCopy() : RecoveryStory({.copy = false, .can_stop = false}) {}
};

TEST_F(RecoveryWithoutCopy, OnlyStartsAndWaits) {
  EXPECT_EQ(begin(), "journal start starts=1 | count | start");
  EXPECT_EQ(answer(), "journal load starts=1");
  EXPECT_EQ(seen_up(true), "journal sync starts=1 | count");
}

TEST_F(RecoveryWithoutCopy, CannotEndAServerThatHangs) {
  seen(Health::hung);
  EXPECT_EQ(give(RecoveryBegin{}),
            "journal stop | failed: the local server hangs, and there is no stop command to end "
            "it");
}

}  // namespace
}  // namespace hooks
