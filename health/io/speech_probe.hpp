// Finds out whether a server that does not answer as it should speaks the other kind: plain where
// we speak TLS, or TLS where we speak plain. Redis itself says nothing to either: a plain one waits
// for the end of the line that it takes our handshake for, one with TLS hangs up.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>

#include "health/io/server_address.hpp"
#include "health/types.hpp"

namespace health::io {

enum class Speech : std::uint8_t { unknown, plain, tls };

// One connection, over after `patience` at the latest. `found` is called once, from the executor.
void probe_plain(const boost::asio::any_io_executor& executor, const ServerAddress& address,
                 Duration patience, std::function<void(Speech)> found);
void probe_tls(const boost::asio::any_io_executor& executor, const ServerAddress& address,
               Duration patience, std::function<void(Speech)> found);

}  // namespace health::io
