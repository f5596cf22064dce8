// A timer for a deadline that each packet or answer puts off. Putting it off costs next to nothing:
// the loop keeps the time it was told, and is told a new one now and then.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace vrrp::io {

class DeadlineTimer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Called once for each deadline, with it; never within wait_until().
  using Reached = std::function<void(Time due)>;

  DeadlineTimer(const boost::asio::any_io_executor& executor, Reached reached);
  ~DeadlineTimer();
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  // Replaces the deadline; nullopt: there is none.
  void wait_until(std::optional<Time> deadline);
  // As nullopt, and nothing is left with the loop.
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vrrp::io
