// A long quiet life of a simulated pair. See pair_world.hpp.
#include "tests/sim/pair_world.hpp"

#ifdef __SANITIZE_ADDRESS__
// Of sanitizer/allocator_interface.h, which GCC does not install.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#else
#include <malloc.h>
#endif

namespace sim {

using namespace std::chrono_literals;

namespace {

constexpr int kFirstMoves = 100;  // what is kept of the last ones has come together by then
constexpr Duration kLastMoves = 10s;
constexpr Duration kAttention = 10ms;

std::size_t bytes_in_use() {
#ifdef __SANITIZE_ADDRESS__
  return __sanitizer_get_current_allocated_bytes();
#else
  return ::mallinfo2().uordblks;
#endif
}

// What a value holds is what a copy of it takes.
template <typename Value>
std::size_t held_by(const Value& value) {
  const std::size_t before = bytes_in_use();
  const auto copy = std::make_unique<Value>(value);
  return bytes_in_use() - before;
}

}  // namespace

std::size_t PairWorld::bytes_held() const {
  std::size_t bytes = 0;
  for (const auto& agent : agents_) bytes += held_by(*agent->pair) + held_by(*agent->instance);
  return bytes;
}

PairDay PairWorld::spend(Duration length) {
  writing_ = false;
  PairDay day;
  const TimePoint end = clock_.now() + length;
  std::optional<std::size_t> led;
  while (clock_.now() < end) {
    run_for(kAttention);
    if (!converged()) continue;
    if (led && led != leader() && ++day.moves == kFirstMoves) day.held_early = bytes_held();
    led = leader();
    if (clock_.now() + kLastMoves > end) day.held_late = bytes_held();
    agents_.at(*led)->switchover();
  }
  return day;
}

}  // namespace sim
