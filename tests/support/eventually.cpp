// See eventually.hpp.
#include "tests/support/eventually.hpp"

namespace support {
namespace {

constexpr Millis kBetweenLooks{25};

}  // namespace

testing::AssertionResult eventually(std::string_view what, Millis deadline,
                                    const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (true) {
    const Seen seen = condition();
    if (seen.holds) return testing::AssertionSuccess() << what << ": " << seen.state;
    if (std::chrono::steady_clock::now() >= end) {
      return testing::AssertionFailure() << "not within " << deadline.count() << " ms: " << what
                                         << "; last seen: " << seen.state;
    }
    wait_a_moment(kBetweenLooks);
  }
}

testing::AssertionResult stays(std::string_view what, Millis time, const Condition& condition) {
  const auto begin = std::chrono::steady_clock::now();
  while (true) {
    const Seen seen = condition();
    const auto passed = std::chrono::steady_clock::now() - begin;
    if (!seen.holds) {
      return testing::AssertionFailure()
             << "after " << std::chrono::duration_cast<Millis>(passed).count()
             << " ms no longer: " << what << "; seen: " << seen.state;
    }
    if (passed >= time) return testing::AssertionSuccess() << what << ": " << seen.state;
    wait_a_moment(kBetweenLooks);
  }
}

}  // namespace support
