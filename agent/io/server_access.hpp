// From a server's configuration to what its connections need.
#pragma once

#include <string>

#include "agent/config.hpp"
#include "health/io/server_address.hpp"
#include "health/io/tls_client.hpp"

namespace agent::io {

// Of a configuration whose files were read.
health::io::ServerAddress server_address(const ServerConfig& server);

struct RenewedTls {
  bool good = false;
  std::string what;  // one clause for the log
};
// Reads the files again; bad ones change nothing.
RenewedTls renew_tls(TlsConfig& tls, health::io::TlsClient& client);

}  // namespace agent::io
