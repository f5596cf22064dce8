// How often one kind of trouble is worth a line: at once, then after 10 s, 20 s, 40 s ... up to an
// hour while it lasts, and at once again when it was away for ten minutes.
#pragma once

#include <cstdint>
#include <optional>

#include "health/monitor.hpp"

namespace agent {

class LogLimit {
 public:
  // Call it for each event. How many have come since the last line, this one included, when a line
  // is due now; nullopt: not yet.
  std::optional<std::uint64_t> event(health::TimePoint now);

 private:
  std::optional<health::TimePoint> last_event_;
  health::TimePoint next_line_{};
  health::Duration spacing_{};
  std::uint64_t unsaid_ = 0;
};

}  // namespace agent
