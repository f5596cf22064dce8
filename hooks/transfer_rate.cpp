// The oldest sample that is kept is the last one outside the span, so that the rate is always that
// of at least the span, once that has passed.
#include "hooks/transfer_rate.hpp"

#include <chrono>

namespace hooks {

TransferProgress TransferRate::sample(health::TimePoint now, std::uint64_t bytes,
                                      std::optional<std::uint64_t> total) {
  samples_.push_back({now, bytes});
  while (samples_.size() > 2 && now - samples_[1].at >= span_) samples_.pop_front();
  TransferProgress progress{bytes, total, 0, std::nullopt};
  const std::chrono::duration<double> took = now - samples_.front().at;
  if (took.count() <= 0) return progress;
  const double rate = static_cast<double>(bytes - samples_.front().bytes) / took.count();
  progress.bytes_per_second = static_cast<std::uint64_t>(rate);
  if (total && rate >= 1) {
    const std::uint64_t missing = *total > bytes ? *total - bytes : 0;
    progress.left = std::chrono::duration_cast<health::Duration>(
        std::chrono::duration<double>(static_cast<double>(missing) / rate));
  }
  return progress;
}

}  // namespace hooks
