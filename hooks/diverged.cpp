// Dates by std::chrono's calendar: no time zone, no locale, no clock.
#include "hooks/diverged.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace hooks {
namespace {

constexpr std::size_t kTimeBytes = 16;
constexpr std::int64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z
constexpr std::int64_t kRecentSeconds = 3600;

std::string padded(std::int64_t value, std::size_t width) {
  std::string text = std::to_string(value);
  if (text.size() < width) text.insert(0, width - text.size(), '0');
  return text;
}

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string utc_name(std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLastSecond))};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return padded(static_cast<int>(date.year()), 4) + padded(unsigned{date.month()}, 2) +
         padded(unsigned{date.day()}, 2) + 'T' + padded(clock.hours().count(), 2) +
         padded(clock.minutes().count(), 2) + padded(clock.seconds().count(), 2) + 'Z';
}

std::optional<std::int64_t> parse_utc_name(std::string_view name) {
  using namespace std::chrono;
  if (name.size() != kTimeBytes) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t width) -> int {
    return static_cast<int>(parse_digits(name.substr(at, width)).value_or(0));
  };
  const year_month_day date(year(part(0, 4)), month(static_cast<unsigned>(part(4, 2))),
                            day(static_cast<unsigned>(part(6, 2))));
  if (!date.ok()) return std::nullopt;
  const sys_seconds time =
      sys_days(date) + hours(part(9, 2)) + minutes(part(11, 2)) + std::chrono::seconds(part(13, 2));
  const std::int64_t seconds = time.time_since_epoch().count();
  if (utc_name(seconds) != name) return std::nullopt;
  return seconds;
}

std::string DivergedName::to_string() const {
  return utc_name(time) + '-' + std::to_string(epoch);
}

std::optional<DivergedName> parse_diverged_name(std::string_view name) {
  if (name.size() < kTimeBytes + 2) return std::nullopt;
  const auto time = parse_utc_name(name.substr(0, kTimeBytes));
  const auto epoch = parse_digits(name.substr(kTimeBytes + 1));
  if (!time || !epoch) return std::nullopt;
  const DivergedName parsed{*time, *epoch};
  if (parsed.to_string() != name) return std::nullopt;
  return parsed;
}

std::vector<DivergedName> surplus(std::vector<DivergedName> kept, std::size_t keep) {
  std::sort(kept.begin(), kept.end());
  kept.resize(kept.size() - std::min(kept.size(), keep));
  return kept;
}

bool is_recent(const DivergedName& name, std::int64_t now) {
  return name.time > now - kRecentSeconds && name.time < now + kRecentSeconds;
}

}  // namespace hooks
