// The client's side of TLS to a server: TLS 1.2 or later, the server's certificate verified by its
// chain and by its name, and a certificate of our own where one is configured. Moves no bytes:
// ServerSocket does. What goes wrong becomes one clause for the operator.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "health/tls.hpp"

namespace health::io {

// Why the server's certificate was refused, if it was.
struct TlsRefusal {
  std::string wanted;  // the name or address
  std::string why;
};

class TlsClient {
 public:
  using Made = std::variant<std::shared_ptr<TlsClient>, TlsProblem>;
  static Made make(const TlsMaterial& material);

  // For connections that begin from now on: certificates are renewed while the agent runs.
  std::optional<TlsProblem> replace(const TlsMaterial& material);
  // That the agent's own certificate is not valid today; nullopt: it is, or there is none.
  std::optional<std::string> certificate_warning() const;

  boost::asio::ssl::context& context() { return *context_; }

  // Names the server to `ssl` and has its certificate verified for that name; `address` counts when
  // no name is configured. A refusal of its certificate is written to `refusal`, which outlives
  // the connection.
  void prepare(SSL* ssl, const std::string& address, TlsRefusal& refusal) const;
  // Why the handshake, or the first words after it, failed; `error` is of the category of TLS.
  std::string words(const boost::system::error_code& error) const;
  // As above, for an error that only a server that speaks no TLS causes.
  static bool speaks_no_tls(const boost::system::error_code& error);
  // The other side's alert: it does speak TLS.
  static bool is_alert(const boost::system::error_code& error);

 private:
  TlsClient() = default;

  std::unique_ptr<boost::asio::ssl::context> context_;
  std::string server_name_;
  bool has_certificate_ = false;
};

}  // namespace health::io
