// The reserve of memory: what somebody gets who finds none, and when clients are turned away. Each
// runs in a process of its own, for a limit on memory is for all of it.
#include "agent/io/memory_reserve.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace agent::io {
namespace {

constexpr std::size_t kKilobyte = 1024;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// This process gets no more than it has.
void stay_as_large() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * 4 * kKilobyte;
  const struct rlimit limit { most, most };
  ::setrlimit(RLIMIT_AS, &limit);
}

// Nothing is left for anybody but for those who ask with `new`.
void use_up() {
  for (std::size_t size = 128 * kKilobyte; size >= 32; size /= 2) {
    while (void* const got = std::malloc(size)) *static_cast<void* volatile*>(got) = got;
  }
}

[[noreturn]] void end_with(bool good) {
  std::_Exit(good ? 0 : 1);
}

TEST(MemoryReserve, IsGivenToWhoeverFindsNothing) {
  EXPECT_EXIT(
      {
        auto& reserve = MemoryReserve::instance();
        reserve.set_aside();
        stay_as_large();
        use_up();
        std::vector<char> got(150 * kKilobyte);  // more than one block
        end_with(got.data() != nullptr && reserve.take_trouble().given >= 2);
      },
      testing::ExitedWithCode(0), "");
}

TEST(MemoryReserve, TurnsClientsAwayWhileHalfOfItIsOut) {
  EXPECT_EXIT(
      {
        auto& reserve = MemoryReserve::instance();
        reserve.set_aside();
        bool good = reserve.serve([] {});
        stay_as_large();
        use_up();
        {
          std::vector<char> much(2200 * kKilobyte);
          good = good && !reserve.serve([] {}) && reserve.take_trouble().turned_away == 1;
        }
        end_with(good && reserve.serve([] {}));
      },
      testing::ExitedWithCode(0), "");
}

TEST(MemoryReserve, WithNothingLeftThrowsAsEver) {
  EXPECT_EXIT(
      {
        auto& reserve = MemoryReserve::instance();
        reserve.set_aside();
        stay_as_large();
        use_up();
        const bool served = reserve.serve([] { std::vector<char>(64UL << 20U); });
        end_with(!served);
      },
      testing::ExitedWithCode(0), "");
}

#endif

TEST(MemoryReserve, NotSetAsideServesEverybody) {
  EXPECT_TRUE(MemoryReserve::instance().serve([] {}));
  EXPECT_FALSE(MemoryReserve::instance().serve([] { throw std::bad_alloc(); }));
}

}  // namespace
}  // namespace agent::io
