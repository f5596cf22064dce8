// See maintenance_request.hpp.
#include "agent/io/maintenance_request.hpp"

#include "hooks/output_lines.hpp"

namespace agent::io {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestWord = 200;

std::string text_of(const json::object& arguments, const char* key) {
  const auto* value = arguments.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return hooks::printable(std::string(value->get_string()).substr(0, kLongestWord));
}

}  // namespace

json::object arguments_of(const MaintenanceWish& wish) {
  return {{"on", wish.on}, {"who", wish.who}, {"why", wish.why}, {"seconds", wish.length.count()}};
}

std::variant<MaintenanceWish, std::string> maintenance_of(const json::object& arguments) {
  const auto* on = arguments.if_contains("on");
  if (on == nullptr || !on->is_bool()) return std::string("on must be true or false");
  MaintenanceWish wish;
  wish.on = on->get_bool();
  wish.who = text_of(arguments, "who");
  wish.why = text_of(arguments, "why");
  if (wish.who.empty()) wish.who = "an operator";
  const auto* seconds = arguments.if_contains("seconds");
  const auto* number = seconds == nullptr ? nullptr : seconds->if_int64();
  const std::int64_t longest = std::chrono::seconds(kLongestMaintenance).count();
  if (seconds != nullptr && (number == nullptr || *number < 0 || *number > longest)) {
    return "seconds must be from 0 to " + std::to_string(longest);
  }
  if (number != nullptr) wish.length = std::chrono::seconds(*number);
  return wish;
}

MaintenanceOrdered order_of(const MaintenanceWish& wish, std::int64_t unix_time) {
  if (!wish.on) return {};
  Maintenance on{wish.who, wish.why, unix_time, 0};
  if (wish.length.count() > 0) on.until = unix_time + wish.length.count();
  return {on};
}

}  // namespace agent::io
