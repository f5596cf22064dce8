// TLS 1.3 with one shared secret and no certificates (external PSK, RFC 8446 section 4.2.11, with
// ephemeral keys: a stolen secret does not open recorded traffic). Who does not know the secret is
// recognised in the handshake, on both sides.
#pragma once

#include <array>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace agent::io {

using PeerKey = std::array<std::uint8_t, 32>;

// For both sides of a handshake. Throws std::runtime_error when OpenSSL refuses to set it up.
class PeerTls {
 public:
  explicit PeerTls(const PeerKey& key);

  boost::asio::ssl::context& context() { return context_; }
  // Why a handshake failed, as a clause.
  static std::string words(const boost::system::error_code& error);

 private:
  PeerKey key_;
  boost::asio::ssl::context context_;
};

}  // namespace agent::io
