// A deadline that moves: what is told is the last one, once, and never early.
#include "vrrp/io/asio/deadline_timer.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace vrrp::io {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Told {
  Clock::time_point due;
  bool in_time = false;  // not before it
};

class Deadline : public testing::Test {
 protected:
  boost::asio::io_context loop_;
  std::vector<Told> told_;
  std::unique_ptr<DeadlineTimer> timer_ =
      std::make_unique<DeadlineTimer>(loop_.get_executor(), [this](Clock::time_point due) {
        told_.push_back({due, Clock::now() >= due});
      });
  const Clock::time_point start_ = Clock::now();
};

TEST_F(Deadline, IsToldOnce) {
  timer_->wait_until(start_ + 1ms);
  loop_.run();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_.front().due, start_ + 1ms);
  EXPECT_TRUE(told_.front().in_time);
}

TEST_F(Deadline, ThatIsPutOffIsTheLastOne) {
  for (int i = 1; i <= 20; ++i) timer_->wait_until(start_ + i * 1ms);
  loop_.run();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_.front().due, start_ + 20ms);
  EXPECT_TRUE(told_.front().in_time);
}

TEST_F(Deadline, ThatComesNearerIsNotWaitedForAsLongAsBefore) {
  timer_->wait_until(start_ + 1h);
  timer_->wait_until(start_ + 1ms);
  loop_.run();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_.front().due, start_ + 1ms);
}

TEST_F(Deadline, ThatIsTakenBackIsNotTold) {
  timer_->wait_until(start_ + 1ms);
  timer_->wait_until(std::nullopt);
  loop_.run();
  EXPECT_TRUE(told_.empty());
}

TEST_F(Deadline, MayBeSetAgainByWhoIsTold) {
  std::unique_ptr<DeadlineTimer> again;
  again = std::make_unique<DeadlineTimer>(loop_.get_executor(), [&](Clock::time_point due) {
    told_.push_back({due, true});
    if (told_.size() < 3) again->wait_until(due + 1ms);
  });
  again->wait_until(start_);
  loop_.run();
  ASSERT_EQ(told_.size(), 3U);
  EXPECT_EQ(told_.back().due, start_ + 2ms);
}

TEST_F(Deadline, LeavesNothingWithTheLoopWhenCancelled) {
  timer_->wait_until(start_ + 1h);
  timer_->cancel();
  loop_.run();  // or this would not end
  EXPECT_TRUE(told_.empty());
  timer_->wait_until(start_ + 1ms);
  loop_.restart();
  loop_.run();
  EXPECT_EQ(told_.size(), 1U);
}

// Both timers have run out when the loop looks: who is told first moves the other one's deadline,
// which cannot be taken back from the loop any more.
TEST_F(Deadline, ThatIsMovedWhenItHasRunOutAlreadyIsToldOnce) {
  DeadlineTimer first(loop_.get_executor(), [this](Clock::time_point /*due*/) {
    timer_->wait_until(start_ - 1ms);
    timer_->wait_until(start_ - 2ms);
  });
  timer_->wait_until(start_ + 1ms);
  first.wait_until(start_);
  while (Clock::now() < start_ + 2ms) std::this_thread::yield();
  loop_.run();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_.front().due, start_ - 2ms);
}

TEST_F(Deadline, ThatIsTakenBackWhenItHasRunOutAlreadyIsNotTold) {
  DeadlineTimer first(loop_.get_executor(),
                      [this](Clock::time_point /*due*/) { timer_->cancel(); });
  timer_->wait_until(start_ + 1ms);
  first.wait_until(start_);
  while (Clock::now() < start_ + 2ms) std::this_thread::yield();
  loop_.run();
  EXPECT_TRUE(told_.empty());
}

// A flood that tells the same deadline again and again does not keep it from being told.
TEST_F(Deadline, ThatIsToldAgainAndAgainComes) {
  timer_->wait_until(start_);
  for (int i = 0; i < 1000 && told_.empty(); ++i) {
    timer_->wait_until(start_);
    loop_.poll_one();
  }
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(Deadline, EndsWithItsOwner) {
  timer_->wait_until(start_ + 1ms);
  timer_.reset();
  loop_.run();
  EXPECT_TRUE(told_.empty());
}

TEST_F(Deadline, MayEndItsOwnerWhenItIsTold) {
  timer_ = std::make_unique<DeadlineTimer>(loop_.get_executor(), [this](Clock::time_point due) {
    timer_.reset();
    told_.push_back({due, true});
  });
  timer_->wait_until(start_);
  loop_.run();
  EXPECT_EQ(told_.size(), 1U);
}

}  // namespace
}  // namespace vrrp::io
