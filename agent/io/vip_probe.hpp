// Asks the network whether anybody holds a VIP: a TCP connection to it is answered (accepted or
// refused) by its holder and by nobody else.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>

#include "vrrp/address.hpp"

namespace agent::io {

// `answer` comes once, from the executor: true when somebody answered within `patience`.
void probe_vip(const boost::asio::any_io_executor& executor, const vrrp::IpAddress& vip,
               std::uint16_t port, std::chrono::steady_clock::duration patience,
               std::function<void(bool held)> answer);

}  // namespace agent::io
