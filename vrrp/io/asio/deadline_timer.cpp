// See deadline_timer.hpp.
#include "vrrp/io/asio/deadline_timer.hpp"

#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace vrrp::io {

struct DeadlineTimer::Impl : std::enable_shared_from_this<Impl> {
  Impl(const boost::asio::any_io_executor& executor, Reached what)
      : timer(executor), reached(std::move(what)) {}

  void arm() {
    if (!deadline || (armed && *armed <= *deadline)) return;
    armed = deadline;
    timer.expires_at(*deadline);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->expired();
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
  impl_->timer.cancel();
}

}  // namespace vrrp::io
