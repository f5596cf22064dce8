// How kept copies of diverged data are named and which of them have had their time. Names carry
// the moment and the epoch; sorting by them is sorting by age.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hooks {

// "20261121T120102Z" of seconds since 1970, UTC; the years 1970 to 9999.
std::string utc_name(std::int64_t seconds);
// The seconds; nullopt unless `name` is exactly what utc_name() gives.
std::optional<std::int64_t> parse_utc_name(std::string_view name);

// One kept copy: the directory "20261121T120102Z-7".
struct DivergedName {
  std::int64_t time = 0;  // seconds since 1970, UTC
  std::uint64_t epoch = 0;
  std::string to_string() const;
  // NOLINTNEXTLINE(modernize-use-nullptr): the check takes the 0 of a rewritten < for a pointer
  auto operator<=>(const DivergedName&) const = default;
};
std::optional<DivergedName> parse_diverged_name(std::string_view name);

// Of `kept`, those to remove so that the `keep` newest stay; the oldest first.
std::vector<DivergedName> surplus(std::vector<DivergedName> kept, std::size_t keep);
// Made within an hour of `now`, in seconds since 1970: a role that goes to and fro makes copies
// faster than anybody can look at them. One from further ahead is of a clock that was wrong.
bool is_recent(const DivergedName& name, std::int64_t now);

}  // namespace hooks
