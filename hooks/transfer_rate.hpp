// How fast a transfer goes and how long it will last, from samples of what has arrived.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "health/types.hpp"

namespace hooks {

struct TransferProgress {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total;  // nullopt: the server tells no length
  std::uint64_t bytes_per_second = 0;  // of the last seconds
  std::optional<health::Duration> left;
  bool operator==(const TransferProgress&) const = default;
};

class TransferRate {
 public:
  // The rate is that of the last `span`.
  explicit TransferRate(health::Duration span = std::chrono::seconds(5)) : span_(span) {}
  TransferProgress sample(health::TimePoint now, std::uint64_t bytes,
                          std::optional<std::uint64_t> total);

 private:
  struct Sample {
    health::TimePoint at;
    std::uint64_t bytes = 0;
  };
  health::Duration span_;
  std::deque<Sample> samples_;
};

}  // namespace hooks
