// RFC 9568 section 6.1 and RFC 3768 section 6.1, in chrono. Starts no timer and asks no clock.
#include "vrrp/timing.hpp"

namespace vrrp {
namespace {

// One step of the advert field, and its smallest value: 0 is not an interval.
constexpr Duration interval_unit(Version version) {
  return version == Version::v2 ? Duration(std::chrono::seconds(1)) : Duration(Centiseconds(1));
}

constexpr int kInstantsPerInterval = 100;

constexpr int kMaxUnitsV2 = 0xff;
constexpr int kMaxUnitsV3 = 0xfff;

}  // namespace

Duration skew_time(Version version, Priority priority, Duration interval) {
  const Duration full = version == Version::v2 ? Duration(std::chrono::seconds(1)) : interval;
  return full * (256 - priority.value) / 256;
}

Duration master_down_interval(Version version, Priority priority, Duration interval,
                              int down_adverts) {
  return interval * down_adverts + skew_time(version, priority, interval);
}

TimePoint advert_due(TimePoint now, Duration interval) {
  const TimePoint due = now + interval;
  return due - due.time_since_epoch() % (interval / kInstantsPerInterval);
}

Duration min_interval(Version version) {
  return interval_unit(version);
}

Duration max_interval(Version version) {
  return interval_unit(version) * (version == Version::v2 ? kMaxUnitsV2 : kMaxUnitsV3);
}

bool is_valid_interval(Version version, Duration interval) {
  return interval >= min_interval(version) && interval <= max_interval(version) &&
         interval % interval_unit(version) == Duration::zero();
}

}  // namespace vrrp
