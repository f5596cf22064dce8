// Watches two hosts and remembers whether both had an address at the same moment.
#pragma once

#include <atomic>
#include <thread>

#include "tests/support/lan.hpp"

namespace support {

class VipWatch {
 public:
  VipWatch(const Host& one, const Host& other);

  [[nodiscard]] bool saw_both() const { return both_; }

 private:
  std::atomic<bool> both_{false};
  std::jthread thread_;
};

}  // namespace support
