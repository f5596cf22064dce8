// What an operator asks for with `tandem maintenance`: the same words in the JSON of the control
// socket and of the peer link.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "agent/pair_words.hpp"

namespace agent::io {

inline constexpr std::chrono::hours kLongestMaintenance{24 * 30};

struct MaintenanceWish {
  bool on = false;
  std::string who;
  std::string why;                // may be empty
  std::chrono::seconds length{};  // 0: until it is ended
  bool from_peer = false;         // the other node passes it on
};

boost::json::object arguments_of(const MaintenanceWish& wish);
// The wish, or a sentence why it is none. Texts are bounded and fit for a log line.
std::variant<MaintenanceWish, std::string> maintenance_of(const boost::json::object& arguments);

// `unix_time`: now, in seconds since 1970.
MaintenanceOrdered order_of(const MaintenanceWish& wish, std::int64_t unix_time);

}  // namespace agent::io
