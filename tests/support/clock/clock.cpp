// Preloaded into an agent or a server: its wall clock is off by the seconds in the file named by
// TANDEM_CLOCK (eight bytes, as this machine stores them), which may change at any time. Other
// clocks are as they are.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "tests/support/next_call.hpp"

namespace {

using support::next_call;

const volatile std::int64_t* map_offset() {
  static const std::int64_t none = 0;
  const char* const file = std::getenv("TANDEM_CLOCK");
  const int fd = file == nullptr ? -1 : ::open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &none;
  void* const mapped = ::mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return mapped == MAP_FAILED ? &none : static_cast<const std::int64_t*>(mapped);
}

time_t offset() {
  static const volatile std::int64_t* const seconds = map_offset();
  return *seconds;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static auto* const real = next_call<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += offset();
  }
  return result;
}

int gettimeofday(timeval* now, void* zone) noexcept {
  static auto* const real = next_call<int(timeval*, void*)>("gettimeofday");
  const int result = real(now, zone);
  if (result == 0) now->tv_sec += offset();
  return result;
}

time_t time(time_t* now) noexcept {
  timespec read{};
  clock_gettime(CLOCK_REALTIME, &read);
  if (now != nullptr) *now = read.tv_sec;
  return read.tv_sec;
}
}
