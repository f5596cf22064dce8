// Questions, answers and verdicts of the Monitor on a connection that stays.
#include "health/monitor.hpp"

#include <vector>

#include "tests/health/monitor_story.hpp"

namespace health {
namespace {

using MonitorTest = MonitorStory;

TEST_F(MonitorTest, UpNeedsOnePongAndOneInfo) {
  EXPECT_EQ(monitor.next_deadline(), std::nullopt);
  EXPECT_EQ(tick(0), MonitorEffects{kConnect});
  EXPECT_EQ(monitor.next_deadline(), std::nullopt);
  EXPECT_EQ(connected(1), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(monitor.next_deadline(), at(101));
  EXPECT_EQ(pong(3), kNothing);
  EXPECT_EQ(info(4, info_of("first")), (MonitorEffects{FactsRead{false}, kUp}));

  const MonitorSnapshot& seen = monitor.snapshot();
  EXPECT_EQ(seen.health, Health::up);
  EXPECT_EQ(seen.since, at(4));
  EXPECT_TRUE(seen.connected);
  EXPECT_EQ(seen.last_answer, at(4));
  EXPECT_EQ(seen.last_round_trip, std::chrono::milliseconds(2));
  EXPECT_EQ(seen.facts.run_id, "first");
  EXPECT_EQ(seen.facts_at, at(4));
}

TEST_F(MonitorTest, PingsGoOutOnAScheduleThatDoesNotDrift) {
  bring_up();
  EXPECT_EQ(good_round(100), kNothing);
  EXPECT_EQ(tick(199), kNothing);
  EXPECT_EQ(good_round(230), kNothing);
  EXPECT_EQ(monitor.next_deadline(), at(300));
  EXPECT_EQ(good_round(300), kNothing);
}

TEST_F(MonitorTest, InfoComesEachSecondAndOnRequest) {
  bring_up();
  EXPECT_EQ(monitor.refresh(at(50)), MonitorEffects{kSendInfo});
  EXPECT_EQ(info(51, info_of("first")), MonitorEffects{FactsRead{false}});
  for (int now = 100; now < 1000; now += 100) EXPECT_EQ(good_round(now), kNothing);
  EXPECT_EQ(tick(1000), (MonitorEffects{kSendPing, kSendInfo}));
}

TEST_F(MonitorTest, ARequestDuringAnInfoAsksOnceMoreAfterIt) {
  bring_up();
  EXPECT_EQ(monitor.refresh(at(50)), MonitorEffects{kSendInfo});
  EXPECT_EQ(monitor.refresh(at(51)), kNothing);
  EXPECT_EQ(monitor.refresh(at(52)), kNothing);
  EXPECT_EQ(info(53, info_of("first")), (MonitorEffects{FactsRead{false}, kSendInfo}));
  EXPECT_EQ(info(54, info_of("first")), MonitorEffects{FactsRead{false}});
}

TEST_F(MonitorTest, ThereIsNothingToRefreshWithoutAConnection) {
  EXPECT_EQ(monitor.refresh(at(0)), kNothing);
  bring_up();
  closed(500);
  EXPECT_EQ(monitor.refresh(at(501)), kNothing);
}

TEST_F(MonitorTest, ThreeUnansweredIntervalsAreHungAndTwoAnswersAreUpAgain) {
  bring_up();
  EXPECT_EQ(tick(100), MonitorEffects{kSendPing});
  EXPECT_EQ(tick(200), kNothing);
  EXPECT_EQ(tick(300), kNothing);
  EXPECT_EQ(tick(400), MonitorEffects{kHung});
  EXPECT_EQ(tick(500), kNothing);
  EXPECT_TRUE(monitor.snapshot().connected);

  EXPECT_EQ(pong(550), kNothing) << "the late answer is the first good one";
  EXPECT_EQ(good_round(600), MonitorEffects{kUp});
  EXPECT_EQ(monitor.snapshot().last_round_trip, std::chrono::milliseconds(1));
}

TEST_F(MonitorTest, AHungServerIsAskedForInfoOnceAndNoMore) {
  bring_up();
  tick(100);
  for (int now = 200; now < 1000; now += 100) tick(now);
  EXPECT_EQ(tick(1000), MonitorEffects{kSendInfo});
  for (int now = 1100; now < 5000; now += 100) EXPECT_EQ(tick(now), kNothing);
}

TEST_F(MonitorTest, AnAnswerInTimeStartsTheCountAgain) {
  bring_up();
  tick(100);
  tick(200);
  tick(300);
  EXPECT_EQ(pong(350), kNothing);
  EXPECT_EQ(tick(400), MonitorEffects{kSendPing});
  EXPECT_EQ(tick(500), kNothing);
  EXPECT_EQ(tick(600), kNothing);
  EXPECT_EQ(pong(650), kNothing);
}

TEST_F(MonitorTest, AnAgentThatWasLateItselfCountsOneMiss) {
  bring_up();
  tick(100);
  EXPECT_EQ(tick(5000), MonitorEffects{kSendInfo});
  EXPECT_EQ(monitor.next_deadline(), at(5100));
  EXPECT_EQ(pong(5001), kNothing);
}

TEST_F(MonitorTest, AnInfoWithoutAnswerIsAHangToo) {
  tick(0);
  connected(0);
  EXPECT_EQ(pong(1), kNothing);
  EXPECT_EQ(tick(100), MonitorEffects{kSendPing});
  EXPECT_EQ(tick(200), kNothing);
  const HealthChanged hung{Health::hung, "no answer to INFO for 300 ms"};
  EXPECT_EQ(tick(300), MonitorEffects{hung});
}

TEST_F(MonitorTest, AnInfoBetweenTwoRoundsGetsAWholeInterval) {
  bring_up();
  EXPECT_EQ(monitor.refresh(at(50)), MonitorEffects{kSendInfo});
  EXPECT_EQ(tick(100), MonitorEffects{kSendPing});
  EXPECT_EQ(tick(200), kNothing);
  EXPECT_EQ(tick(300), kNothing);
  const HealthChanged hung{Health::hung, "no answer to INFO for 300 ms"};
  EXPECT_EQ(tick(400), MonitorEffects{hung});
}

struct Verdict {
  Reply reply;
  int answers_needed;
  Health health;
  std::string detail;
};

void PrintTo(const Verdict& verdict, std::ostream* out) {
  PrintTo(verdict.reply, out);
}

class EachReply : public MonitorStory, public testing::WithParamInterface<Verdict> {};

TEST_P(EachReply, HasItsVerdict) {
  const Verdict& verdict = GetParam();
  bring_up();
  int now = 100;
  for (int answer = 1; answer < verdict.answers_needed; ++answer, now += 100) {
    EXPECT_EQ(round(now, verdict.reply), kNothing);
  }
  const HealthChanged expected{verdict.health, verdict.detail};
  EXPECT_EQ(round(now, verdict.reply), MonitorEffects{expected});
  EXPECT_EQ(monitor.snapshot().last_answer, at(now + 1));
  EXPECT_EQ(round(now + 100, verdict.reply), kNothing) << "the same again is no news";

  EXPECT_EQ(good_round(now + 200), kNothing);
  EXPECT_EQ(round(now + 300, verdict.reply), kNothing) << "a bad answer starts the rise again";
  EXPECT_EQ(good_round(now + 400), kNothing);
  EXPECT_EQ(good_round(now + 500), MonitorEffects{kUp});
}

INSTANTIATE_TEST_SUITE_P(
    Monitor, EachReply,
    testing::Values(
        Verdict{Reply::error("LOADING Redis is loading the dataset in memory"), 1, Health::loading,
                "LOADING: the server reads its data"},
        Verdict{Reply::error("BUSY Redis is busy running a script."), 3, Health::hung,
                "busy: a script runs"},
        Verdict{Reply::error("MISCONF Errors writing to the AOF file: No space left on device"), 1,
                Health::degraded, "MISCONF: the server cannot save and refuses writes"},
        Verdict{Reply::error("ERR unknown command 'PING'"), 3, Health::degraded,
                "unexpected answer to PING: ERR unknown command 'PING'"},
        Verdict{Reply::status("HELLO"), 3, Health::degraded, "unexpected answer to PING: HELLO"},
        Verdict{Reply{}, 3, Health::degraded, "unexpected answer to PING: a reply that is no text"},
        Verdict{Reply::error("ERR \x1b[2J\xff" + std::string(500, 'x')), 3, Health::degraded,
                "unexpected answer to PING: ERR ?[2J?" + std::string(111, 'x')}));

TEST_F(MonitorTest, FailingAnswersCountOnlyInARow) {
  const Reply strange = Reply::error("ERR unknown command 'PING'");
  bring_up();
  round(100, strange);
  round(200, strange);
  EXPECT_EQ(good_round(300), kNothing);
  EXPECT_EQ(round(400, strange), kNothing);
  EXPECT_EQ(round(500, strange), kNothing);

  monitor.refresh(at(510));
  info(511, strange);
  monitor.refresh(at(520));
  info(521, strange);
  monitor.refresh(at(530));
  EXPECT_EQ(info(531, info_of("first")), MonitorEffects{FactsRead{false}});
  monitor.refresh(at(540));
  EXPECT_EQ(info(541, strange), kNothing);
}

TEST_F(MonitorTest, AServerThatReadsItsDataIsNotSilent) {
  const Reply loading = Reply::error("LOADING Redis is loading the dataset in memory");
  bring_up();
  tick(100);
  tick(200);
  tick(300);
  ASSERT_EQ(ping(301, loading).size(), 1U);
  EXPECT_EQ(tick(400), MonitorEffects{kSendPing});
  EXPECT_EQ(tick(500), kNothing) << "the first miss after the answer, not the third";
  EXPECT_EQ(ping(501, loading), kNothing);
}

class EachRefusal : public MonitorStory, public testing::WithParamInterface<Verdict> {};

TEST_P(EachRefusal, IsDeniedAtOnceAndTriedAgainAfterASecond) {
  const HealthChanged denied{GetParam().health, GetParam().detail};
  bring_up();
  EXPECT_EQ(round(100, GetParam().reply), (MonitorEffects{denied, kDisconnect}));
  EXPECT_FALSE(monitor.snapshot().connected);
  EXPECT_EQ(monitor.next_deadline(), at(1101));
  EXPECT_EQ(tick(1100), kNothing);
  EXPECT_EQ(tick(1101), MonitorEffects{kConnect});
  EXPECT_EQ(connected(1102), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(ping(1103, GetParam().reply), MonitorEffects{kDisconnect}) << "no news";
}

INSTANTIATE_TEST_SUITE_P(
    Monitor, EachRefusal,
    testing::Values(Verdict{Reply::error("NOAUTH Authentication required."), 1, Health::denied,
                            "the server asks for a password and none is configured"},
                    Verdict{Reply::error("NOPERM this user has no permissions to run the 'ping' "
                                         "command"),
                            1, Health::denied, "ACL: the agent's user may not run PING"},
                    Verdict{Reply::error("ERR max number of clients reached"), 1, Health::denied,
                            "max number of clients reached"},
                    Verdict{Reply::error("DENIED Redis is running in protected mode"), 1,
                            Health::denied,
                            "DENIED: protected mode, the server accepts local connections only"}));

TEST_F(MonitorTest, AnotherReasonOfARefusalIsNews) {
  bring_up();
  round(100, Reply::error("NOAUTH Authentication required."));
  tick(1101);
  connected(1101);
  const HealthChanged saturated{Health::denied, "max number of clients reached"};
  EXPECT_EQ(ping(1102, Reply::error("ERR max number of clients reached")),
            (MonitorEffects{saturated, kDisconnect}));
  EXPECT_EQ(monitor.snapshot().since, at(101)) << "denied since the first refusal";
}

TEST_F(MonitorTest, AScriptThatStopsAnsweringPingAndThenSaysBusyIsHungForANewReason) {
  bring_up();
  tick(100);
  tick(200);
  tick(300);
  EXPECT_EQ(tick(400), MonitorEffects{kHung});
  const HealthChanged busy{Health::hung, "busy: a script runs"};
  EXPECT_EQ(ping(450, Reply::error("BUSY Redis is busy running a script.")), MonitorEffects{busy});
}

TEST_F(MonitorTest, InfoThatIsRefusedForAWhileKeepsTheFacts) {
  bring_up();
  for (const char* error : {"LOADING Redis is loading", "BUSY Redis is busy", "MISCONF no disk"}) {
    monitor.refresh(at(10));
    EXPECT_EQ(info(11, Reply::error(error)), kNothing);
  }
  EXPECT_EQ(monitor.snapshot().facts.run_id, "first");
  EXPECT_EQ(monitor.snapshot().facts_at, at(0));
}

TEST_F(MonitorTest, InfoThatTheAclForbidsIsDenied) {
  bring_up();
  monitor.refresh(at(10));
  const HealthChanged denied{Health::denied, "ACL: the agent's user may not run INFO"};
  EXPECT_EQ(info(11, Reply::error("NOPERM this user has no permissions to run the 'info' command")),
            (MonitorEffects{denied, kDisconnect}));
  EXPECT_EQ(monitor.snapshot().facts.run_id, "first");
}

TEST_F(MonitorTest, InfoThatNobodyUnderstandsIsDegradedUntilItIsUnderstood) {
  bring_up();
  for (int again = 0; again < 2; ++again) {
    monitor.refresh(at(10));
    EXPECT_EQ(info(11, Reply::bulk("# Nothing\r\n")), kNothing);
  }
  monitor.refresh(at(10));
  const HealthChanged odd{Health::degraded, "INFO cannot be understood: a text without a role"};
  EXPECT_EQ(info(11, Reply::bulk("# Nothing\r\n")), MonitorEffects{odd});

  EXPECT_EQ(tick(100), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(pong(101), kNothing);
  EXPECT_EQ(info(102, info_of("first")), MonitorEffects{FactsRead{false}});
  EXPECT_EQ(good_round(200), MonitorEffects{kUp});
}

TEST_F(MonitorTest, UpWaitsForInfoWhileTheServerRefusesIt) {
  tick(0);
  connected(0);
  EXPECT_EQ(pong(1), kNothing);
  EXPECT_EQ(info(2, Reply::error("BUSY Redis is busy")), kNothing);
  EXPECT_EQ(tick(100), (MonitorEffects{kSendPing, kSendInfo})) << "asked again with the next PING";
  EXPECT_EQ(pong(101), kNothing);
  EXPECT_EQ(info(102, info_of("first")), (MonitorEffects{FactsRead{false}, kUp}));
}

TEST_F(MonitorTest, ANumberOfInfoThatCannotBeReadKeepsItsValue) {
  bring_up();
  monitor.refresh(at(10));
  info(11, Reply::bulk("run_id:first\nrole:master\nmaster_repl_offset:187\n"));
  monitor.refresh(at(20));
  info(21, Reply::bulk("run_id:first\nrole:master\nmaster_repl_offset:99999999999999999999\n"));
  EXPECT_EQ(monitor.snapshot().facts.offset, 187);
}

TEST_F(MonitorTest, NothingOfOneRunIsKeptForTheNext) {
  bring_up();
  monitor.refresh(at(10));
  info(11, Reply::bulk("run_id:first\nrole:master\nmaster_repl_offset:187\n"));
  monitor.refresh(at(20));
  EXPECT_EQ(info(21, Reply::bulk("run_id:second\nrole:master\nmaster_repl_offset:?\n")),
            MonitorEffects{FactsRead{true}});
  EXPECT_EQ(monitor.snapshot().facts.offset, 0);
}

TEST_F(MonitorTest, AnAnswerThatNobodyAskedForIsNoAnswer) {
  bring_up();
  EXPECT_EQ(ping(50, Reply::error("LOADING")), kNothing);
  EXPECT_EQ(auth(50, Reply::error("WRONGPASS")), kNothing);
  EXPECT_EQ(monitor.snapshot().last_answer, at(0));
}

TEST(AskedWithin, AsksMoreOftenWithTheSamePatience) {
  using std::chrono::milliseconds;
  MonitorConfig config;
  config.ping_interval = milliseconds(20);
  config.fall = 5;
  EXPECT_EQ(asked_within(config, milliseconds(20)), config);
  EXPECT_EQ(asked_within(config, milliseconds(100)), config);

  MonitorConfig expected = config;
  expected.ping_interval = milliseconds(10);
  expected.fall = 10;
  EXPECT_EQ(asked_within(config, milliseconds(10)), expected);
  expected.ping_interval = milliseconds(15);
  expected.fall = 7;  // never less than 100 ms
  EXPECT_EQ(asked_within(config, milliseconds(15)), expected);
}

}  // namespace
}  // namespace health
