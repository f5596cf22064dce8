// Turns an event loop until something is true. The deadline is there to end a test that hangs, not
// to measure anything.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

namespace health {

template <typename Condition>
bool run_until(boost::asio::io_context& loop, Condition condition,
               std::chrono::seconds deadline = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(100));
  }
  return true;
}

}  // namespace health
