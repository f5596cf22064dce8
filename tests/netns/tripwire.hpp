// Acts at the moment at which something of an agent shows on its host: an advert of priority 0
// leaves, or the virtual address appears. In a thread that runs before the agent does, on the same
// processor, so that the agent has done nothing else in between.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "tests/support/lan.hpp"
#include "tests/support/process.hpp"

namespace support {

class Tripwire {
 public:
  enum class On : std::uint8_t { last_advert, address };
  // `agent`: the process that shows it.
  Tripwire(const Host& host, On on, pid_t agent, std::function<void()> sprung);
  ~Tripwire();
  Tripwire(const Tripwire&) = delete;
  Tripwire& operator=(const Tripwire&) = delete;

  bool wait_until_sprung(Millis deadline);

 private:
  [[nodiscard]] bool fits(const unsigned char* data, std::size_t size) const;
  void watch(const std::stop_token& stop);

  On on_;
  std::function<void()> sprung_;
  int fd_ = -1;
  std::atomic<bool> is_sprung_ = false;
  std::jthread thread_;
};

}  // namespace support
