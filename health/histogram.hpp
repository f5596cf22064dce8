// How many durations were not longer than which bound: what Prometheus calls a histogram. A value,
// copied with what it belongs to; counting costs a look through a few bounds and no memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "health/types.hpp"

namespace health {

// Of what should take less than a moment: an answer to PING, the lateness of a timer.
inline constexpr std::array<Duration, 13> kShortBounds = {
    std::chrono::microseconds(50),  std::chrono::microseconds(100), std::chrono::microseconds(250),
    std::chrono::microseconds(500), std::chrono::milliseconds(1),   std::chrono::microseconds(2500),
    std::chrono::milliseconds(5),   std::chrono::milliseconds(10),  std::chrono::milliseconds(25),
    std::chrono::milliseconds(50),  std::chrono::milliseconds(100), std::chrono::milliseconds(250),
    std::chrono::seconds(1)};
// Of scripts.
inline constexpr std::array<Duration, 10> kLongBounds = {
    std::chrono::milliseconds(10),  std::chrono::milliseconds(50), std::chrono::milliseconds(100),
    std::chrono::milliseconds(500), std::chrono::seconds(1),       std::chrono::milliseconds(2500),
    std::chrono::seconds(5),        std::chrono::seconds(10),      std::chrono::seconds(30),
    std::chrono::seconds(60)};

class Histogram {
 public:
  static constexpr std::size_t kMostBounds = 16;

  // `bounds`: ascending, at most kMostBounds; they outlive the histogram.
  explicit Histogram(std::span<const Duration> bounds = kShortBounds)
      : bounds_(bounds.first(std::min(bounds.size(), kMostBounds))) {}

  void observe(Duration value) {
    const auto fits = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    ++counts_.at(static_cast<std::size_t>(fits - bounds_.begin()));
    ++count_;
    sum_ += value;
  }

  std::span<const Duration> bounds() const { return bounds_; }
  // Of bounds()[index] alone; bounds().size(): of what was longer than all.
  std::uint64_t in_class(std::size_t index) const { return counts_.at(index); }
  std::uint64_t count() const { return count_; }
  Duration sum() const { return sum_; }

 private:
  std::span<const Duration> bounds_;
  std::array<std::uint64_t, kMostBounds + 1> counts_{};
  std::uint64_t count_ = 0;
  Duration sum_{};
};

}  // namespace health
