// See server_access.hpp.
#include "agent/io/server_access.hpp"

#include <utility>
#include <variant>

#include "agent/io/config_tls.hpp"

namespace agent::io {

health::io::ServerAddress server_address(const ServerConfig& server) {
  health::io::ServerAddress address{server.host, server.port, server.unix_path};
  if (!server.tls) return address;
  auto made = health::io::TlsClient::make(server.tls->material);
  address.tls = std::get<std::shared_ptr<health::io::TlsClient>>(std::move(made));
  return address;
}

RenewedTls renew_tls(TlsConfig& tls, health::io::TlsClient& client) {
  TlsConfig fresh = tls;
  if (const auto problem = read_tls_files(fresh)) {
    return {false, "the certificates in force stay: tls." + problem->key + ": " + problem->what};
  }
  if (client.replace(fresh.material)) return {false, "the certificates in force stay"};
  tls = std::move(fresh);
  if (const auto warning = client.certificate_warning()) {
    return {false, "the certificate in " + tls.cert_file + " " + *warning};
  }
  std::string what = "certificates read from " + tls.ca_file;
  if (!tls.cert_file.empty()) what += " and " + tls.cert_file;
  return {true, std::move(what)};
}

}  // namespace agent::io
