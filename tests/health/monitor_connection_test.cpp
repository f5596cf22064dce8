// The Monitor and its connection: the way in, the loss, the way back.
#include "health/monitor.hpp"
#include "tests/health/monitor_story.hpp"

namespace health {
namespace {

using MonitorConnection = MonitorStory;

TEST_F(MonitorWithPassword, AuthComesFirst) {
  tick(0);
  EXPECT_EQ(connected(10), MonitorEffects{kSendAuth});
  EXPECT_EQ(monitor.next_deadline(), at(110));
  EXPECT_EQ(auth(12, Reply::status("OK")), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(monitor.next_deadline(), at(112));
  EXPECT_EQ(pong(13), kNothing);
  EXPECT_EQ(info(13, info_of("first")), (MonitorEffects{FactsRead{false}, kUp}));
}

TEST_F(MonitorWithPassword, AServerWithoutPasswordLetsUsIn) {
  for (const char* error :
       {"ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?",
        "ERR Client sent AUTH, but no password is set"}) {
    monitor = Monitor(MonitorConfig{}, true);
    tick(0);
    connected(0);
    EXPECT_EQ(auth(1, Reply::error(error)), (MonitorEffects{kSendPing, kSendInfo}));
  }
}

TEST_F(MonitorWithPassword, ARefusedPasswordIsDeniedAndNeverQuoted) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"WRONGPASS invalid username-password pair or user is disabled.",
       "AUTH refused: wrong user or password"},
      {"ERR invalid password", "AUTH refused: check user and password"},
      {"ERR unknown command 'AUTH', with args beginning with: 'agent' 'secret'",
       "AUTH refused: check user and password"},
      {"secret", "AUTH refused: check user and password"},
      {"ERR max number of clients reached", "max number of clients reached"}};
  for (const auto& [error, detail] : cases) {
    monitor = Monitor(MonitorConfig{}, true);
    tick(0);
    connected(0);
    const HealthChanged denied{Health::denied, detail};
    EXPECT_EQ(auth(1, Reply::error(error)), (MonitorEffects{denied, kDisconnect})) << error;
    EXPECT_EQ(monitor.next_deadline(), at(1001));
  }
}

TEST_F(MonitorWithPassword, AnAuthWithoutAnswerIsAHang) {
  tick(0);
  connected(0);
  EXPECT_EQ(tick(100), kNothing);
  EXPECT_EQ(tick(200), kNothing);
  EXPECT_EQ(tick(300),
            (MonitorEffects{HealthChanged{Health::hung, "no answer to AUTH for 300 ms"}}));
  EXPECT_EQ(auth(350, Reply::status("OK")), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(pong(351), kNothing);
  EXPECT_EQ(info(351, info_of("first")), MonitorEffects{FactsRead{false}});
  EXPECT_EQ(tick(450), MonitorEffects{kSendPing});
  EXPECT_EQ(pong(451), MonitorEffects{kUp});
}

TEST_F(MonitorWithPassword, AnAuthThatMustWaitIsSentAgain) {
  tick(0);
  connected(0);
  EXPECT_EQ(auth(1, Reply::error("LOADING Redis is loading")),
            (MonitorEffects{HealthChanged{Health::loading, "LOADING: the server reads its data"}}));
  EXPECT_EQ(tick(100), MonitorEffects{kSendAuth});
  EXPECT_EQ(auth(101, Reply::status("OK")), (MonitorEffects{kSendPing, kSendInfo}));
}

TEST_F(MonitorWithPassword, AnAnswerToAuthThatIsNotOfRedisIsDegradedAndNotQuoted) {
  tick(0);
  connected(0);
  EXPECT_EQ(auth(1, Reply::status("secret")), kNothing);
  tick(100);
  EXPECT_EQ(auth(101, Reply::status("secret")), kNothing);
  tick(200);
  EXPECT_EQ(auth(201, Reply::status("PONG")),
            (MonitorEffects{
                HealthChanged{Health::degraded, "unexpected answer to AUTH: not one of Redis"}}));
}

TEST_F(MonitorWithPassword, AnAuthThatIsNoLongerAcceptedSaysSo) {
  tick(0);
  connected(0);
  auth(0, Reply::status("OK"));
  const HealthChanged denied{Health::denied, "the server does not accept our AUTH any more"};
  EXPECT_EQ(ping(1, Reply::error("NOAUTH Authentication required.")),
            (MonitorEffects{denied, kDisconnect}));
}

TEST_F(MonitorConnection, AClosedConnectionAndOneRefusalAreDeath) {
  bring_up();
  EXPECT_EQ(closed(150), MonitorEffects{kConnect});
  EXPECT_FALSE(monitor.snapshot().connected);
  EXPECT_EQ(monitor.snapshot().health, Health::up);
  EXPECT_EQ(refused(151), MonitorEffects{kDead});
  EXPECT_EQ(monitor.next_deadline(), at(251));
  EXPECT_EQ(tick(251), MonitorEffects{kConnect});
  EXPECT_EQ(refused(252), kNothing);
  EXPECT_EQ(monitor.snapshot().since, at(151));
}

TEST_F(MonitorConnection, AServerThatWasNeverThereIsDeadAtOnce) {
  tick(0);
  EXPECT_EQ(refused(1), MonitorEffects{kDead});
}

TEST_F(MonitorConnection, ALostHostIsUnreachableAtOnceAndHowItIsLostIsNoNews) {
  tick(0);
  const HealthChanged lost{Health::unreachable, "No route to host"};
  EXPECT_EQ(unreachable(1), MonitorEffects{lost});
  EXPECT_EQ(tick(101), MonitorEffects{kConnect});
  EXPECT_EQ(unreachable(401, "no answer within 300 ms"), kNothing);
  EXPECT_EQ(monitor.snapshot().detail, "no answer within 300 ms");
  EXPECT_EQ(tick(501), MonitorEffects{kConnect});
  EXPECT_EQ(refused(502), MonitorEffects{kDead}) << "the host is back, its server is not";
}

TEST_F(MonitorConnection, AttemptsComeNeitherTooOftenNorTooRarely) {
  using std::chrono::milliseconds;
  for (const auto& [interval, retry] : {std::pair{10, 50}, {100, 100}, {5000, 1000}}) {
    monitor = Monitor(MonitorConfig{.ping_interval = milliseconds(interval)}, false);
    tick(0);
    refused(1);
    EXPECT_EQ(monitor.next_deadline(), at(1 + retry));
  }
}

TEST_F(MonitorConnection, AQuickReconnectChangesNoVerdictAndTellsARestart) {
  bring_up();
  closed(150);
  EXPECT_EQ(connected(152), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(pong(153), kNothing);
  EXPECT_EQ(info(154, info_of("first")), MonitorEffects{FactsRead{false}});

  closed(1150);
  connected(1152);
  pong(1153);
  EXPECT_EQ(info(1154, info_of("second")), MonitorEffects{FactsRead{true}});
  EXPECT_EQ(monitor.snapshot().health, Health::up);
}

TEST_F(MonitorConnection, ADeadServerRisesByTwoAnswers) {
  bring_up();
  closed(150);
  refused(151);
  tick(251);
  EXPECT_EQ(connected(252), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(pong(253), kNothing);
  EXPECT_EQ(info(254, info_of("second")), MonitorEffects{FactsRead{true}});
  EXPECT_EQ(good_round(352), MonitorEffects{kUp});
}

TEST_F(MonitorConnection, FactsOfTheConnectionBeforeDoNotMakeItUp) {
  bring_up();
  closed(150);
  refused(151);
  tick(251);
  connected(252);
  pong(253);
  info(254, Reply::error("BUSY Redis is busy"));
  EXPECT_EQ(tick(352), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(pong(353), kNothing);
  EXPECT_EQ(info(354, info_of("second")), (MonitorEffects{FactsRead{true}, kUp}));
}

TEST_F(MonitorConnection, AHungServerThatIsKilledIsDead) {
  bring_up();
  for (int now = 100; now <= 400; now += 100) tick(now);
  EXPECT_EQ(monitor.snapshot().health, Health::hung);
  EXPECT_EQ(closed(450), MonitorEffects{kConnect});
  EXPECT_EQ(refused(451), MonitorEffects{kDead});
}

TEST_F(MonitorConnection, ADeadServerThatAcceptsAndStaysSilentIsHung) {
  bring_up();
  closed(150);
  refused(151);
  tick(251);
  connected(252);
  EXPECT_EQ(tick(352), kNothing);
  EXPECT_EQ(tick(452), kNothing);
  EXPECT_EQ(tick(552), MonitorEffects{kHung});
}

TEST_F(MonitorConnection, AServerThatClosesAtOnceIsNotTriedInATightLoopAndIsHungAtLast) {
  tick(0);
  // Three attempts a millisecond apart, for a server that is just dying ...
  for (const int now : {1, 3, 5}) {
    connected(now);
    EXPECT_EQ(closed(now + 1), kNothing);
    EXPECT_EQ(monitor.next_deadline(), at(now + 2));
    EXPECT_EQ(tick(now + 2), MonitorEffects{kConnect});
  }
  // ... then at the pace of PINGs, and counted.
  connected(8);
  EXPECT_EQ(closed(9), kNothing);
  EXPECT_EQ(monitor.next_deadline(), at(107));
  EXPECT_EQ(tick(107), MonitorEffects{kConnect});
  connected(108);
  EXPECT_EQ(closed(109), kNothing);
  EXPECT_EQ(tick(207), MonitorEffects{kConnect});
  connected(208);
  const HealthChanged hung{Health::hung,
                           "each connection ends without an answer: protocol error: HTTP"};
  EXPECT_EQ(closed(209, "protocol error: HTTP"), MonitorEffects{hung});
}

TEST_F(MonitorConnection, AKilledServerThatAcceptsOnceMoreIsDeadAMillisecondLater) {
  bring_up();
  EXPECT_EQ(closed(150), MonitorEffects{kConnect});
  connected(151);
  EXPECT_EQ(closed(152, "reset"), kNothing);
  EXPECT_EQ(tick(153), MonitorEffects{kConnect});
  EXPECT_EQ(refused(154), MonitorEffects{kDead});
}

TEST_F(MonitorConnection, AQuestionIsForgottenWithItsConnection) {
  bring_up();
  tick(100);
  closed(150);
  EXPECT_EQ(pong(151), kNothing);
  EXPECT_EQ(monitor.snapshot().last_answer, at(0));
  EXPECT_EQ(connected(152), (MonitorEffects{kSendPing, kSendInfo}));
  EXPECT_EQ(tick(252), kNothing) << "one miss of the new PING, none of the old one";
  EXPECT_EQ(tick(352), kNothing);
  EXPECT_EQ(tick(452), MonitorEffects{kHung});
}

TEST_F(MonitorConnection, EventsThatDoNotFitAreIgnored) {
  EXPECT_EQ(closed(0), kNothing);
  EXPECT_EQ(connected(0), kNothing);
  EXPECT_EQ(refused(0), kNothing);
  bring_up();
  EXPECT_EQ(connected(1), kNothing);
  EXPECT_EQ(refused(1), kNothing);
  EXPECT_EQ(monitor.snapshot().health, Health::up);
}

}  // namespace
}  // namespace health
