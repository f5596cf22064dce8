// What operators can choose beside the RFC's event table (instance_test.cpp): preemption and its
// delay, holds, patience, tracked priority; and what one election in two families and a way that is
// broken in one direction come to.
#include <gtest/gtest.h>

#include "router.hpp"

namespace vrrp {
namespace {

const IpAddress kOther6 = *IpAddress::parse("fe80::1");
const IpAddress kThird6 = *IpAddress::parse("fe80::3");

InstanceConfig with(void (*change)(InstanceConfig&)) {
  InstanceConfig config = config_of();
  change(config);
  return config;
}

void preempt_after_a_second(InstanceConfig& config) {
  config.preempt = true;
  config.preempt_delay = 1s;
}

// ---- preemption (section 6.1, Preempt_Mode) -----------------------------------------------------

TEST(Preemption, TakesTheRoleWhenTheTimerHasRunOut) {
  Instance instance = backup(true, config_of(Priority{240}, true));
  instance.step(kStart + 50ms, advert(kHigher, 100));
  EXPECT_EQ(instance.step(kStart + kDown, DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}, BecameMaster{Change::preempted}}));
}

TEST(Preemption, WaitsForItsDelay) {
  Instance instance = backup(true, with(preempt_after_a_second));
  const TimePoint first = kStart + 50ms;
  EXPECT_EQ(instance.step(first, advert(kHigher, 100)),
            (Effects{Report{Notice::leader_heard, kHigher, Priority{100}}}));
  EXPECT_EQ(instance.step(first + 999ms, advert(kHigher, 100)), Effects{}) << "still its leader";
  EXPECT_EQ(instance.next_deadline(), first + 999ms + kDown);
  EXPECT_EQ(instance.step(first + 1s, advert(kHigher, 100)), Effects{});
  EXPECT_EQ(instance.next_deadline(), first + 999ms + kDown) << "no longer";
}

TEST(Preemption, TheDelayBeginsAgainAfterAHigherLeader) {
  Instance instance = backup(true, with(preempt_after_a_second));
  instance.step(kStart, advert(kHigher, 100));
  instance.step(kStart + 900ms, advert(kLower, 250));
  instance.step(kStart + 1000ms, advert(kHigher, 100));
  EXPECT_EQ(instance.next_deadline(), kStart + 1000ms + kDown);
  instance.step(kStart + 1100ms, advert(kHigher, 100));
  EXPECT_EQ(instance.next_deadline(), kStart + 1100ms + kDown);
}

TEST(Preemption, MayBeAllowedToWhoMayNotReplaceALostLeader) {
  Instance instance(config_of(Priority{240}, true));
  instance.step(kStart, EligibilityChanged{.may_lead = false, .may_preempt = true});
  instance.step(kStart, LinkChanged{true, kOwn});
  Instance lost = instance;
  EXPECT_EQ(lost.step(kStart + kDown, DeadlineReached{}),
            (Effects{Report{Notice::leader_lost, IpAddress{}, Priority{}}}));
  instance.step(kStart + 50ms, advert(kHigher, 100));
  EXPECT_EQ(instance.step(kStart + kDown, DeadlineReached{}),
            (Effects{SendAdvert{Priority{240}}, BecameMaster{Change::preempted}}));
  EXPECT_EQ(instance.step(kStart + kDown + 1ms, EligibilityChanged{false}),
            (Effects{SendAdvert{kPriorityResign}, LeftMaster{Change::resigned},
                     BecameBackup{Change::resigned}}))
      << "and resigns when it may lead no more";
}

// ---- holds --------------------------------------------------------------------------------------

TEST(StartupHold, ListensAtLeastThatLong) {
  const InstanceConfig config = with([](InstanceConfig& c) { c.startup_hold = 5s; });
  Instance alone = backup(true, config);
  EXPECT_EQ(alone.next_deadline(), kStart + 5s);
  Instance after_adverts = backup(true, config);
  after_adverts.step(kStart + 1s, advert(kHigher, 250));
  EXPECT_EQ(after_adverts.next_deadline(), kStart + 5s);
  after_adverts.step(kStart + 2s, advert(kHigher, 0));
  EXPECT_EQ(after_adverts.next_deadline(), kStart + 5s) << "a resignation does not end it";
  Instance later = backup(true, config);
  later.step(kStart + 6s, advert(kHigher, 250));
  EXPECT_EQ(later.next_deadline(), kStart + 6s + kDown);
}

TEST(LinkUpDelay, DoesNotHoldTheStart) {
  Instance instance = backup(true, with([](InstanceConfig& c) { c.link_up_delay = 1s; }));
  EXPECT_EQ(instance.snapshot().state, State::backup);
}

TEST(LinkUpDelay, AFlappingLinkStaysUnusable) {
  Instance instance = backup(true, with([](InstanceConfig& c) { c.link_up_delay = 1s; }));
  instance.step(kStart + 1s, LinkChanged{false, {}});
  EXPECT_EQ(instance.step(kStart + 2s, LinkChanged{true, kOwn}), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + 3s);
  EXPECT_EQ(instance.step(kStart + 2900ms, LinkChanged{false, {}}), Effects{});
  EXPECT_EQ(instance.next_deadline(), std::nullopt);
  EXPECT_EQ(instance.step(kStart + 2950ms, LinkChanged{true, kOwn}), Effects{});
  EXPECT_EQ(instance.step(kStart + 3s, DeadlineReached{}), Effects{}) << "the first one's deadline";
  EXPECT_EQ(instance.step(kStart + 3950ms, DeadlineReached{}),
            (Effects{BecameBackup{Change::started}}));
}

TEST(DownAdverts, IsHowManyMayBeMissed) {
  Instance instance = backup(true, with([](InstanceConfig& c) { c.down_adverts = 5; }));
  EXPECT_EQ(instance.next_deadline(), kStart + 5 * kInterval + kSkew);
}

// ---- tracked priority ---------------------------------------------------------------------------

TEST(TrackedPriority, IsAdvertisedFromTheNextAdvertOn) {
  Instance instance = master();
  EXPECT_EQ(instance.step(kStart + kDown + 10ms, PriorityChanged{Priority{200}}), Effects{});
  EXPECT_EQ(instance.step(kStart + kDown + kInterval, DeadlineReached{}),
            (Effects{SendAdvert{Priority{200}}}));
}

TEST(TrackedPriority, DecidesWhoIsHigher) {
  Instance instance = master();
  instance.step(kStart + kDown + 10ms, PriorityChanged{Priority{200}});
  EXPECT_EQ(instance.step(kStart + kDown + 20ms, advert(kLower, 220)),
            (Effects{LeftMaster{Change::higher_priority}, BecameBackup{Change::higher_priority},
                     Report{Notice::leader_heard, kLower, Priority{220}}}));
}

// ---- two families, one election -----------------------------------------------------------------

TEST(TwoFamilies, OneLeaderInBothIsNoNews) {
  Instance instance = backup();
  EXPECT_EQ(instance.step(kStart, advert(kHigher, 250)),
            (Effects{Report{Notice::leader_heard, kHigher, Priority{250}}}));
  EXPECT_EQ(instance.step(kStart + 1ms, advert(kOther6, 250)), Effects{});
  EXPECT_EQ(instance.next_deadline(), kStart + 1ms + kDown) << "either keeps it alive";
  EXPECT_EQ(instance.step(kStart + 2ms, advert(kHigher, 250)), Effects{});
  EXPECT_EQ(instance.snapshot().leader->source, kHigher) << "known by the family that breaks ties";
}

TEST(TwoFamilies, ThePriorityZeroOfEitherCounts) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250));
  EXPECT_EQ(instance.step(kStart + 1ms, advert(kOther6, 0)),
            (Effects{Report{Notice::leader_resigning, kOther6, kPriorityResign}}));
  EXPECT_EQ(instance.step(kStart + 2ms, advert(kHigher, 0)), Effects{});
}

TEST(TwoFamilies, TheOtherFamilysAddressBreaksNoTie) {
  Instance instance = master();
  const TimePoint now = kStart + kDown + 10ms;
  EXPECT_EQ(instance.step(now, advert(kOther6, 240)),
            (Effects{SendAdvert{Priority{240}},
                     Report{Notice::lower_priority_leader, kOther6, Priority{240}}}));
  EXPECT_EQ(instance.step(now + 1ms, advert(kHigher, 240)),
            (Effects{LeftMaster{Change::tie_break}, BecameBackup{Change::tie_break},
                     Report{Notice::leader_heard, kHigher, Priority{240}}}));
}

TEST(TwoFamilies, AHigherPriorityIsObeyedInEither) {
  Instance instance = master();
  EXPECT_EQ(instance.step(kStart + kDown + 10ms, advert(kThird6, 250)),
            (Effects{LeftMaster{Change::higher_priority}, BecameBackup{Change::higher_priority},
                     Report{Notice::leader_heard, kThird6, Priority{250}}}));
}

// ---- a way that is broken in one direction ------------------------------------------------------

// Lets `instance` lead for a backup's whole patience while `rival` advertises; the last effects.
Effects hear_a_rival(Instance& instance, const IpAddress& rival, TimePoint from, TimePoint until) {
  Effects last;
  for (TimePoint now = from; now <= until; now += 10ms) {
    last = instance.step(now, advert(rival, 100));
    instance.step(now, DeadlineReached{});
  }
  return last;
}

TEST(OneWayLoss, IsReportedWhenARivalDoesNotHearTheAnswers) {
  Instance instance = master();
  const TimePoint first = kStart + kDown + 10ms;
  hear_a_rival(instance, kHigher, first, first + kDown - 10ms);
  EXPECT_EQ(instance.snapshot().not_heard_by, std::nullopt);
  const Effects effects = instance.step(first + kDown, advert(kHigher, 100));
  ASSERT_FALSE(effects.empty());
  EXPECT_EQ(effects.back(), (InstanceEffect{Report{Notice::not_heard, kHigher, Priority{100}}}));
  EXPECT_EQ(instance.snapshot().not_heard_by, kHigher);
}

TEST(OneWayLoss, IsReportedOnceAndEndsWithTheRivalsSilence) {
  Instance instance = master();
  const TimePoint first = kStart + kDown + 10ms;
  const TimePoint last = first + 2 * kDown;
  const Effects late_ones = hear_a_rival(instance, kHigher, first, last);
  EXPECT_NE(late_ones.back(), (InstanceEffect{Report{Notice::not_heard, kHigher, Priority{100}}}));
  Effects end;
  for (TimePoint now = last; now <= last + kDown + kInterval; now += 10ms) {
    const Effects effects = instance.step(now, DeadlineReached{});
    if (!effects.empty()) end = effects;
  }
  EXPECT_EQ(end.back(), (InstanceEffect{Report{Notice::rival_silent, kHigher, Priority{}}}));
  EXPECT_EQ(instance.snapshot().not_heard_by, std::nullopt);
}

TEST(Backup, AnOvertakenAdvertOfALowerLeaderDoesNotShortenTheTimer) {
  Instance instance = backup();
  instance.step(kStart, advert(kHigher, 250, 1s));
  const auto patience = instance.next_deadline();
  instance.step(kStart + 1ms, advert(kLower, 245, 10ms));
  EXPECT_EQ(instance.next_deadline(), patience);
  instance.step(kStart + 11ms, advert(kLower, 245, 10ms));
  EXPECT_LT(instance.next_deadline(), patience) << "it goes on: it leads";
}

}  // namespace
}  // namespace vrrp
