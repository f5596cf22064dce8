// The words of VRRP (RFC 9568 section 5.2, RFC 3768 section 5.3) as types, so that a VRID is never
// taken for a priority and seconds meet centiseconds only through chrono.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace vrrp {

// Monotonic time. Pure code gets it as an argument and never reads the clock itself.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
using Centiseconds = std::chrono::duration<std::int64_t, std::centi>;

enum class Version : std::uint8_t { v2 = 2, v3 = 3 };

// Virtual router identifier, 1 to 255. 0 is not a VRID (the configuration refuses it).
struct Vrid {
  std::uint8_t value = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): the check takes the 0 of a rewritten < for a pointer
  auto operator<=>(const Vrid&) const = default;
};

// 1 to 254 in use. 0 says "the master stops", 255 is the address owner's.
struct Priority {
  std::uint8_t value = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): as above
  auto operator<=>(const Priority&) const = default;
};
inline constexpr Priority kPriorityResign{0};
inline constexpr Priority kPriorityOwner{255};

}  // namespace vrrp
