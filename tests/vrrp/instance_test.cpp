// The state machine over the event table of RFC 9568 section 6.4: one input, the whole list of
// effects. A router of priority 240 on 10.0.0.2 at 100 ms adverts unless a test says otherwise.
#include <gtest/gtest.h>

#include "router.hpp"

namespace vrrp {
namespace {

// ---- Initialize (section 6.4.1) ----------------------------------------------------------------

TEST(Initialize, StaysSilentUntilTheLinkIsUsable) {
  Instance instance(config_of());
  EXPECT_EQ(instance.step(kStart, EligibilityChanged{true}), Effects{});
  EXPECT_EQ(instance.step(kStart, advert(kHigher, 250)), Effects{});
  EXPECT_EQ(instance.step(kStart, DeadlineReached{}), Effects{});
  EXPECT_EQ(instance.next_deadline(), std::nullopt);
}

TEST(Initialize, StartupLeadsToBackupWithAFullMasterDownTimer) {
  Instance instance(config_of());
  EXPECT_EQ(instance.step(kStart, LinkChanged{true, kOwn}),
            (Effects{BecameBackup{Change::started}}));
  EXPECT_EQ(instance.next_deadline(), kStart + kDown);
}

TEST(Initialize, AnUnusableLinkChangesNothing) {
  Instance instance(config_of());
  EXPECT_EQ(instance.step(kStart, LinkChanged{false, {}}), Effects{});
}

// ---- Backup (section 6.4.2) --------------------------------------------------------------------

TEST(Backup, TakesOverWhenTheMasterDownTimerRunsOut) {
  Instance instance = backup();
  EXPECT_EQ(instance.step(kStart + kDown, DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}, BecameMaster{Change::leader_silent}}));
  EXPECT_EQ(instance.next_deadline(), advert_due(kStart + kDown, kInterval));
}

TEST(Backup, AnEarlyTimerDoesNothing) {
  Instance instance = backup();
  EXPECT_EQ(instance.step(kStart + kDown - 1ns, DeadlineReached{}), Effects{});
}

TEST(Backup, AnAdvertRestartsTheTimerAndIsReportedOnce) {
  Instance instance = backup();
  EXPECT_EQ(instance.step(kStart + 50ms, advert(kHigher, 250)),
            (Effects{Report{Notice::leader_heard, kHigher, Priority{250}}}));
  EXPECT_EQ(instance.next_deadline(), kStart + 50ms + kDown);
  EXPECT_EQ(instance.step(kStart + 150ms, advert(kHigher, 250)), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + 150ms + kDown);
}

TEST(Backup, AdoptsTheLeadersIntervalInVersion3) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250, 1s));
  EXPECT_EQ(instance.next_deadline(),
            kStart + master_down_interval(Version::v3, Priority{240}, 1s));
}

TEST(Backup, KeepsItsOwnIntervalInVersion2) {
  InstanceConfig config = config_of();
  config.version = Version::v2;
  config.advert_interval = 1s;
  Instance instance = backup(true, config);
  instance.step(kStart, advert(kHigher, 250, 1s));
  EXPECT_EQ(instance.next_deadline(),
            kStart + master_down_interval(Version::v2, Priority{240}, 1s));
}

TEST(Backup, PriorityZeroLeavesOnlyTheSkew) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250));
  EXPECT_EQ(instance.step(kStart + 10ms, advert(kHigher, 0)),
            (Effects{Report{Notice::leader_resigning, kHigher, kPriorityResign}}));
  EXPECT_EQ(instance.next_deadline(), kStart + 10ms + kSkew);
  EXPECT_EQ(instance.step(kStart + 10ms + kSkew, DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}, BecameMaster{Change::leader_resigned}}));
}

// Its sender may have led again since, and what said so may have been lost.
TEST(Backup, PriorityZeroThatWaitedToBeReadSaysNothing) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250));
  AdvertReceived stale = advert(kHigher, 0);
  stale.waited = 2 * kInterval + 1ms;
  EXPECT_EQ(instance.step(kStart + 10ms, stale), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + kDown);
  stale.waited = 2 * kInterval;
  EXPECT_EQ(instance.step(kStart + 10ms, stale),
            (Effects{Report{Notice::leader_resigning, kHigher, kPriorityResign}}));
}

TEST(Backup, ALeaderWasHeardWhenItsAdvertArrived) {
  Instance instance = backup(false);
  AdvertReceived late = advert(kHigher, 250);
  late.waited = 5s;
  instance.step(kStart + 6s, late);
  EXPECT_EQ(instance.snapshot().leader->last_heard, kStart + 1s);
}

TEST(Backup, ASecondPriorityZeroDoesNotRestartTheSkew) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250));
  instance.step(kStart + 10ms, advert(kHigher, 0));
  EXPECT_EQ(instance.step(kStart + 11ms, advert(kHigher, 0)), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + 10ms + kSkew);
}

TEST(Backup, PriorityZeroOfAThirdRouterIsNotTheLeadersWord) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250));
  EXPECT_EQ(instance.step(kStart + 10ms, advert(kLower, 0)), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + kDown);
}

TEST(Backup, ALeaderThatResignsAndAdvertisesAgainLeadsOn) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250));
  instance.step(kStart + 1ms, advert(kHigher, 0));
  EXPECT_EQ(instance.step(kStart + 2ms, advert(kHigher, 250)),
            (Effects{Report{Notice::leader_heard, kHigher, Priority{250}}}));
  EXPECT_EQ(instance.next_deadline(), kStart + 2ms + kDown);
}

TEST(Backup, WithoutPreemptionALowerLeaderIsObeyed) {
  Instance instance = backup();
  EXPECT_EQ(instance.step(kStart + 50ms, advert(kHigher, 100)),
            (Effects{Report{Notice::leader_heard, kHigher, Priority{100}}}));
  EXPECT_EQ(instance.next_deadline(), kStart + 50ms + kDown);
}

TEST(Backup, WithPreemptionALowerLeaderDoesNotStopTheTimer) {
  Instance instance = backup(true, config_of(Priority{240}, true));
  EXPECT_EQ(instance.step(kStart + 50ms, advert(kHigher, 100)), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + kDown);
}

TEST(Backup, WithPreemptionButNotEligibleALowerLeaderIsObeyed) {
  Instance instance = backup(false, config_of(Priority{240}, true));
  EXPECT_EQ(instance.step(kStart + 50ms, advert(kHigher, 100)),
            (Effects{Report{Notice::leader_heard, kHigher, Priority{100}}}));
}

TEST(Backup, NotEligibleItStaysSilentAndSaysThatTheLeaderIsLost) {
  Instance instance = backup(false);
  instance.step(kStart, advert(kHigher, 250));
  EXPECT_EQ(instance.step(kStart + kDown, DeadlineReached{}),
            (Effects{Report{Notice::leader_lost, kHigher, Priority{}, kStart}}));
  EXPECT_EQ(instance.next_deadline(), std::nullopt);
  EXPECT_TRUE(instance.snapshot().leader_lost);
}

TEST(Backup, BecomingEligibleWithoutALeaderTakesOverAfterTheSkew) {
  Instance instance = backup(false);
  instance.step(kStart + kDown, DeadlineReached{});
  EXPECT_EQ(instance.step(kStart + 1s, EligibilityChanged{true}), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + 1s + kSkew);
  EXPECT_EQ(instance.step(kStart + 1s + kSkew, DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}, BecameMaster{Change::became_eligible}}));
}

TEST(Backup, ALeaderThatReturnsEndsTheSilence) {
  Instance instance = backup(false);
  instance.step(kStart + kDown, DeadlineReached{});
  EXPECT_EQ(instance.step(kStart + 1s, advert(kHigher, 250)),
            (Effects{Report{Notice::leader_heard, kHigher, Priority{250}}}));
  EXPECT_EQ(instance.next_deadline(), kStart + 1s + kDown);
}

TEST(Backup, LosingTheLinkLeadsToInitialize) {
  Instance instance = backup();
  EXPECT_EQ(instance.step(kStart + 1ms, LinkChanged{false, {}}),
            (Effects{BecameInitialize{Change::link_lost}}));
  EXPECT_EQ(instance.next_deadline(), std::nullopt);
}

TEST(Backup, StopsWithoutAWord) {
  Instance instance = backup();
  EXPECT_EQ(instance.step(kStart + 1ms, Stop{}), (Effects{BecameInitialize{Change::stopped}}));
}

// ---- Master (section 6.4.3) --------------------------------------------------------------------

TEST(Master, AdvertisesOnAnAbsoluteSchedule) {
  Instance instance = master();
  const TimePoint due = advert_due(kStart + kDown, kInterval);
  EXPECT_EQ(instance.step(due + 30ms, DeadlineReached{}), (Effects{SendAdvert{Priority{240}}}));
  EXPECT_EQ(instance.next_deadline(), due + kInterval);
}

TEST(Master, SkipsAdvertsThatItIsTooLateFor) {
  Instance instance = master();
  const TimePoint due = advert_due(kStart + kDown, kInterval);
  EXPECT_EQ(instance.step(due + 150ms, DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}, Report{Notice::late, kOwn, Priority{240}}}));
  EXPECT_EQ(instance.next_deadline(), due + 2 * kInterval);
}

TEST(Master, AnswersPriorityZeroAtOnce) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + 10ms;
  EXPECT_EQ(instance.step(now, advert(kHigher, 0)),
            (Effects{SendAdvert{Priority{240}},
                     Report{Notice::resign_heard_as_master, kHigher, kPriorityResign}}));
  EXPECT_EQ(instance.next_deadline(), advert_due(now, kInterval));
}

TEST(Master, AnswersPriorityZeroOnceAnInterval) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + 10ms;
  const Report report{Notice::resign_heard_as_master, kHigher, kPriorityResign};
  EXPECT_EQ(instance.step(now, advert(kHigher, 0)), (Effects{SendAdvert{Priority{240}}, report}));
  EXPECT_EQ(instance.step(now + 1ms, advert(kHigher, 0)), (Effects{report}));
}

TEST(Master, ObeysAHigherPriority) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + 10ms;
  EXPECT_EQ(instance.step(now, advert(kLower, 250)),
            (Effects{LeftMaster{Change::higher_priority}, BecameBackup{Change::higher_priority},
                     Report{Notice::leader_heard, kLower, Priority{250}}}));
  EXPECT_EQ(instance.next_deadline(), now + kDown);
}

TEST(Master, AtEqualPriorityTheHigherAddressWins) {
  Instance obeys = master();
  const TimePoint now = kStart + kDown + 10ms;
  EXPECT_EQ(obeys.step(now, advert(kHigher, 240)),
            (Effects{LeftMaster{Change::tie_break}, BecameBackup{Change::tie_break},
                     Report{Notice::leader_heard, kHigher, Priority{240}}}));
  Instance insists = master();
  EXPECT_EQ(insists.step(now, advert(kLower, 240)),
            (Effects{SendAdvert{Priority{240}},
                     Report{Notice::lower_priority_leader, kLower, Priority{240}}}));
}

TEST(Master, ThatHoldsAnswersAHigherPriorityUntilItHoldsNoMore) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + 10ms;
  instance.step(now, EligibilityChanged{.may_lead = true, .holds = true});
  const Report report{Notice::held_against, kHigher, Priority{250}};
  EXPECT_EQ(instance.step(now, advert(kHigher, 250)), (Effects{SendAdvert{Priority{240}}, report}));
  EXPECT_EQ(instance.step(now + 1ms, advert(kHigher, 250)), (Effects{report}));
  EXPECT_EQ(instance.next_deadline(), advert_due(now, kInterval));
  EXPECT_EQ(instance.step(now + 2ms, EligibilityChanged{.may_lead = true}), Effects{});
  EXPECT_EQ(instance.step(now + 3ms, advert(kHigher, 250)),
            (Effects{LeftMaster{Change::higher_priority}, BecameBackup{Change::higher_priority},
                     Report{Notice::leader_heard, kHigher, Priority{250}}}));
}

TEST(Master, AnswersALowerLeaderOnceAnInterval) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + 10ms;
  const Report report{Notice::lower_priority_leader, kHigher, Priority{100}};
  EXPECT_EQ(instance.step(now, advert(kHigher, 100)), (Effects{SendAdvert{Priority{240}}, report}));
  EXPECT_EQ(instance.step(now + 1ms, advert(kHigher, 100)), (Effects{report}));
  EXPECT_EQ(instance.next_deadline(), advert_due(now, kInterval));
}

TEST(Master, WarnsOfItsOwnAddress) {
  Instance instance = master();
  EXPECT_EQ(instance.step(kStart + kDown + 10ms, advert(kOwn, 240)),
            (Effects{Report{Notice::own_address_conflict, kOwn, Priority{240}}}));
}

TEST(Master, ResignsWhenItMayNotLead) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + 10ms;
  EXPECT_EQ(instance.step(now, EligibilityChanged{false}),
            (Effects{SendAdvert{kPriorityResign}, LeftMaster{Change::resigned},
                     BecameBackup{Change::resigned}}));
  EXPECT_EQ(instance.next_deadline(), now + kDown);
}

TEST(Master, StopsWithPriorityZero) {
  Instance instance = master();
  EXPECT_EQ(instance.step(kStart + kDown + 10ms, Stop{}),
            (Effects{SendAdvert{kPriorityResign}, LeftMaster{Change::stopped},
                     BecameInitialize{Change::stopped}}));
}

TEST(Master, ALostLinkLeavesNoTimeForAWord) {
  Instance instance = master();
  EXPECT_EQ(instance.step(kStart + kDown + 10ms, LinkChanged{false, {}}),
            (Effects{LeftMaster{Change::link_lost}, BecameInitialize{Change::link_lost}}));
}

TEST(Master, ThatWokeUpTooLateGivesWayBeforeItReadsItsMail) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + kDown;  // since the last advert: a backup's whole patience
  EXPECT_EQ(instance.step(now, advert(kHigher, 100)),
            (Effects{LeftMaster{Change::late}, BecameBackup{Change::late},
                     Report{Notice::leader_heard, kHigher, Priority{100}}}));
}

// Of a master that has advertised last at kStart + kDown.
Instance listener() {
  InstanceConfig config = config_of();
  config.listens_after = 500ms;
  Instance instance(config);
  instance.step(kStart, LinkChanged{true, kOwn});
  instance.step(kStart, EligibilityChanged{true});
  instance.step(kStart + kDown, DeadlineReached{});
  return instance;
}

TEST(Listener, ThatWasHeldUpListensForOneAndAHalfIntervalsAndGoesOn) {
  Instance instance = listener();
  const TimePoint woke = kStart + kDown + kDown;
  EXPECT_EQ(instance.step(woke, DeadlineReached{}), Effects{});
  EXPECT_TRUE(instance.snapshot().listens);
  const TimePoint heard_out = woke + kInterval * 3 / 2;
  EXPECT_EQ(instance.next_deadline(), heard_out);
  EXPECT_EQ(instance.step(heard_out - 1ms, DeadlineReached{}), Effects{}) << "not before";
  EXPECT_EQ(instance.step(heard_out, DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}, Report{Notice::late, kOwn, Priority{240}}}));
  EXPECT_FALSE(instance.snapshot().listens);
  EXPECT_EQ(instance.step(*instance.next_deadline(), DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}}));
}

TEST(Listener, ThatBeganInTimeHearsOut) {
  Instance instance = listener();
  const TimePoint woke = kStart + kDown + kInterval + 499ms;
  instance.step(woke, DeadlineReached{});
  const Effects effects = instance.step(woke + kInterval * 3 / 2, DeadlineReached{});
  EXPECT_EQ(effects.front(), (InstanceEffect{SendAdvert{Priority{240}}}));
}

TEST(Listener, ThatIsHeldUpAgainForTooLongGivesWay) {
  Instance instance = listener();
  const TimePoint woke = kStart + kDown + kInterval + 400ms;
  instance.step(woke, DeadlineReached{});
  EXPECT_EQ(instance.step(woke + kInterval * 3 / 2 + kDown, DeadlineReached{}).front(),
            (InstanceEffect{LeftMaster{Change::late}}));
}

TEST(Listener, GivesWayToWhomeverItHears) {
  Instance instance = listener();
  const TimePoint woke = kStart + kDown + kDown;
  instance.step(woke, DeadlineReached{});
  EXPECT_EQ(instance.step(woke + kInterval, advert(kHigher, 100)),
            (Effects{LeftMaster{Change::late}, BecameBackup{Change::late},
                     Report{Notice::leader_heard, kHigher, Priority{100}}}));
}

TEST(Listener, GivesWayToWhatWasInItsQueue) {
  Instance instance = listener();
  const Effects effects = instance.step(kStart + kDown + kDown, advert(kHigher, 100));
  EXPECT_EQ(effects.front(), (InstanceEffect{LeftMaster{Change::late}}));
}

TEST(Listener, GivesWayToWhoeverResignsAfterLeadingInItsPlace) {
  Instance instance = listener();
  instance.step(kStart + kDown + kDown, advert(kHigher, 0));
  EXPECT_EQ(instance.snapshot().state, State::backup);
}

TEST(Listener, GivesWayUnheardAfterALongTime) {
  Instance instance = listener();
  const TimePoint due = advert_due(kStart + kDown, kInterval);
  EXPECT_EQ(instance.step(due + 500ms, DeadlineReached{}).front(),
            (InstanceEffect{LeftMaster{Change::late}}));
}

TEST(Listener, StillResignsWhenToldTo) {
  Instance instance = listener();
  instance.step(kStart + kDown + kDown, DeadlineReached{});
  EXPECT_EQ(instance.step(kStart + kDown + kDown + 1ms, Stop{}).front(),
            (InstanceEffect{SendAdvert{kPriorityResign}}));
}

TEST(Master, AChangeOfItsAddressKeepsItLeading) {
  Instance instance = master();
  EXPECT_EQ(instance.step(kStart + kDown + 10ms, LinkChanged{true, kLower}), Effects{});
  EXPECT_EQ(instance.snapshot().state, State::master);
}

TEST(Snapshot, NamesStateAndLeader) {
  Instance instance = backup();
  instance.step(kStart + 50ms, advert(kHigher, 250, 1s));
  const InstanceSnapshot shot = instance.snapshot();
  EXPECT_EQ(shot.state, State::backup);
  ASSERT_TRUE(shot.leader);
  EXPECT_EQ(shot.leader->source, kHigher);
  EXPECT_EQ(shot.leader->priority, Priority{250});
  EXPECT_EQ(shot.leader->interval, 1s);
  EXPECT_EQ(shot.leader->last_heard, kStart + 50ms);
}

}  // namespace
}  // namespace vrrp
