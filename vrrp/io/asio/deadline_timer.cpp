// See deadline_timer.hpp.
#include "vrrp/io/asio/deadline_timer.hpp"

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <utility>

namespace vrrp::io {

using Clock = std::chrono::steady_clock;

struct DeadlineTimer::Impl : std::enable_shared_from_this<Impl> {
  Impl(const boost::asio::any_io_executor& executor, Reached what)
      : timer(executor), reached(std::move(what)) {}

  // Put off by more than what is left, the time is told anew: the loop is awake now, and would have
  // to wake up for the old one.
  bool is_armed_well() const {
    if (!armed || *armed > *deadline) return false;
    return *armed == *deadline || *deadline - *armed <= *armed - Clock::now();
  }

  void arm() {
    if (!deadline || is_armed_well()) return;
    armed = deadline;
    timer.expires_at(*deadline);
    timer.async_wait(
        [weak = weak_from_this(), wait = ++waits](const boost::system::error_code& error) {
          const auto self = weak.lock();
          // What has run out cannot be taken back from the loop any more.
          if (!error && self && self->waits == wait) self->expired();
        });
  }

  void expired() {
    const Time at = *std::exchange(armed, std::nullopt);
    if (!deadline || at < *deadline) return arm();
    reached(*std::exchange(deadline, std::nullopt));
  }

  boost::asio::steady_timer timer;
  Reached reached;
  std::optional<Time> deadline;
  std::optional<Time> armed;  // what the loop waits for: never later than the deadline
  std::uint64_t waits = 0;    // begun
};

DeadlineTimer::DeadlineTimer(const boost::asio::any_io_executor& executor, Reached reached)
    : impl_(std::make_shared<Impl>(executor, std::move(reached))) {}

DeadlineTimer::~DeadlineTimer() {
  cancel();
}

void DeadlineTimer::wait_until(std::optional<Time> deadline) {
  impl_->deadline = deadline;
  impl_->arm();
}

void DeadlineTimer::cancel() {
  impl_->deadline.reset();
  impl_->armed.reset();
  ++impl_->waits;
  impl_->timer.cancel();
}

}  // namespace vrrp::io
