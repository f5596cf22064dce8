// See vip_watch.hpp.
#include "tests/support/vip_watch.hpp"

#include "tests/support/process.hpp"

namespace support {

// The first host is looked at before and after the second one, so that an address that just moves
// from one to the other is not taken for two.
VipWatch::VipWatch(const Host& one, const Host& other)
    : thread_([this, one, other](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          if (one.has_address() && other.has_address() && one.has_address()) both_ = true;
          wait_a_moment(Millis(5));
        }
      }) {}

}  // namespace support
