// Skew and master-down interval. Two formulas, one per version, in the clock's own unit and not in
// whole seconds or centiseconds:
// v2 (RFC 3768 section 6.1): skew = (256 - priority) / 256 seconds, whatever the interval.
// v3 (RFC 9568 section 6.1): skew = (256 - priority) * interval / 256.
#pragma once

#include "vrrp/types.hpp"

namespace vrrp {

inline constexpr int kDownAdverts = 3;

// `interval` is the one in force: the master's own in v3, the configured one in v2.
Duration skew_time(Version version, Priority priority, Duration interval);
// down_adverts * interval + skew.
Duration master_down_interval(Version version, Priority priority, Duration interval,
                              int down_adverts = kDownAdverts);

// When a master that advertises at `now` does so again: an interval later, or up to a hundredth of
// it sooner, so that all routers of a host with this interval speak at the same instants. It wakes
// once for all of them, and so does who hears them.
TimePoint advert_due(TimePoint now, Duration interval);

// What the advert field of the version can carry: v2 1 s to 255 s, v3 10 ms to 40.95 s.
Duration min_interval(Version version);
Duration max_interval(Version version);
// Whether `interval` is a whole number of the field's units and within its range.
bool is_valid_interval(Version version, Duration interval);

}  // namespace vrrp
