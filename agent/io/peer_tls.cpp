// See peer_tls.hpp.
#include "agent/io/peer_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <stdexcept>
#include <string_view>

namespace agent::io {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::string_view kIdentity = "tandem peer link 1";
constexpr const char* kCipherSuite = "TLS_AES_128_GCM_SHA256";
constexpr std::array<unsigned char, 2> kCipherSuiteId{0x13, 0x01};

// Where the key hangs on an SSL_CTX. Asio keeps the application data for itself.
int key_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

// The secret in the form of a session that could have been, as OpenSSL takes external PSKs.
// nullptr: no memory.
SSL_SESSION* make_session(SSL* connection) {
  const auto* key =
      static_cast<const PeerKey*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), key_index()));
  const SSL_CIPHER* cipher = SSL_CIPHER_find(connection, kCipherSuiteId.data());
  SSL_SESSION* session = SSL_SESSION_new();
  const bool good = key != nullptr && cipher != nullptr && session != nullptr &&
                    SSL_SESSION_set1_master_key(session, key->data(), key->size()) == 1 &&
                    SSL_SESSION_set_cipher(session, cipher) == 1 &&
                    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
  if (good) return session;
  SSL_SESSION_free(session);
  return nullptr;
}

int use_session(SSL* connection, const EVP_MD* /*digest*/, const unsigned char** identity,
                std::size_t* length, SSL_SESSION** session) {
  *session = make_session(connection);
  *identity = reinterpret_cast<const unsigned char*>(kIdentity.data());
  *length = kIdentity.size();
  return *session == nullptr ? 0 : 1;
}

int find_session(SSL* connection, const unsigned char* identity, std::size_t length,
                 SSL_SESSION** session) {
  *session = nullptr;
  const std::string_view named(reinterpret_cast<const char*>(identity), length);
  // Unknown: the handshake goes on to look for a certificate, and there is none.
  if (named != kIdentity) return 1;
  *session = make_session(connection);
  return *session == nullptr ? 0 : 1;
}

}  // namespace

PeerTls::PeerTls(const PeerKey& key) : key_(key), context_(ssl::context::tls) {
  SSL_CTX* context = context_.native_handle();
  const bool good = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_ciphersuites(context, kCipherSuite) == 1 &&
                    SSL_CTX_set_num_tickets(context, 0) == 1 &&
                    SSL_CTX_set_ex_data(context, key_index(), &key_) == 1;
  if (!good) throw std::runtime_error("OpenSSL cannot do TLS 1.3 with a shared secret");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_psk_use_session_callback(context, use_session);
  SSL_CTX_set_psk_find_session_callback(context, find_session);
}

std::string PeerTls::words(const boost::system::error_code& error) {
  if (error.category() != boost::asio::error::get_ssl_category()) {
    const bool closed = error == boost::asio::error::eof || error == ssl::error::stream_truncated ||
                        error == boost::asio::error::connection_reset ||
                        error == boost::asio::error::broken_pipe;
    return closed ? "the other side closed the connection" : error.message();
  }
  // The binder is the proof of the secret: it fails here, or the alert says that ours failed there.
  // RFC 8446 asks for decrypt_error; OpenSSL sends illegal_parameter, and for nothing else here.
  switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
    case SSL_R_BINDER_DOES_NOT_VERIFY:
    case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR: return "the other side has another secret (secret_file)";
    default: return "this is no agent's TLS handshake: " + error.message();
  }
}

}  // namespace agent::io
