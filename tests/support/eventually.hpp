// Waiting for a condition with a deadline, and watching that one goes on to hold. Both say what was
// seen last, so that a failure explains itself.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "tests/support/process.hpp"

namespace support {

// Conditions end early; these only bound a failure, on a machine that may be loaded.
inline constexpr Millis kSoon{20000};

struct Seen {
  bool holds = false;
  std::string state;
};

using Condition = std::function<Seen()>;

testing::AssertionResult eventually(std::string_view what, Millis deadline,
                                    const Condition& condition);
// The condition must hold at every look during this time.
testing::AssertionResult stays(std::string_view what, Millis time, const Condition& condition);

// Conditions on a value that prints itself.
template <typename Observe, typename Expected>
Condition equals(Observe observe, Expected expected) {
  return [observe = std::move(observe), expected = std::move(expected)] {
    const auto value = observe();
    return Seen{value == expected, testing::PrintToString(value)};
  };
}

}  // namespace support
