// OpenSSL's half is kept behind owning pointers; its words are translated, because they name its
// own functions and not what an operator can change.
#include "health/io/tls_client.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ssl/error.hpp>
#include <ctime>
#include <utility>

namespace health::io {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using Part = TlsProblem::Part;

constexpr int kFirstAlert = 1000;  // SSL_AD_REASON_OFFSET: reasons from here on are alerts
constexpr std::size_t kMostNames = 8;

template <auto Free>
struct Freed {
  template <typename Object>
  void operator()(Object* object) const {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

Memory reader_of(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL asks on the terminal when nobody else answers.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Certificate next_certificate(BIO* from) {
  bool asked = false;
  Certificate certificate(PEM_read_bio_X509(from, nullptr, no_passphrase, &asked));
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  return certificate;
}

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

std::string name_text(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name.d.dNSName))};
  }
  if (name.type != GEN_IPADD) return {};
  const int size = ASN1_STRING_length(name.d.iPAddress);
  const int family = size == sizeof(in6_addr) ? AF_INET6 : AF_INET;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (size != sizeof(in_addr) && size != sizeof(in6_addr)) return {};
  inet_ntop(family, ASN1_STRING_get0_data(name.d.iPAddress), text.data(), text.size());
  return text.data();
}

// A foreign text, fit for one line.
std::string printable(std::string text) {
  constexpr std::size_t kMost = 80;
  if (text.size() > kMost) text.resize(kMost);
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

// "redis-a.example, 192.168.1.112"
std::string names_of(X509* certificate) {
  std::string out;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  std::size_t shown = 0;
  for (int i = 0; i < count && shown < kMostNames; ++i) {
    const std::string text = printable(name_text(*sk_GENERAL_NAME_value(names.get(), i)));
    if (text.empty()) continue;
    if (shown++ > 0) out += ", ";
    out += text;
  }
  if (!out.empty()) return out;
  std::array<char, 80> common{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common.data(),
                            static_cast<int>(common.size()));
  return common.front() == '\0' ? "no name" : printable(common.data());
}

std::string issuer_of(X509* certificate) {
  std::array<char, 160> text{};
  X509_NAME_oneline(X509_get_issuer_name(certificate), text.data(), static_cast<int>(text.size()));
  return printable(text.data());
}

// Where the refusal of a server's certificate goes. Asio keeps the application data for itself.
int refusal_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

std::string refusal_of(X509_STORE_CTX* store, const std::string& wanted) {
  X509* const certificate = X509_STORE_CTX_get_current_cert(store);
  const int error = X509_STORE_CTX_get_error(store);
  const bool of_server = X509_STORE_CTX_get_error_depth(store) == 0;
  std::string out = of_server ? "the server's certificate " : "the CA of the server's certificate ";
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return out += "expired on " + date_of(X509_get0_notAfter(certificate)) + "; renew it";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return out += "is valid only from " + date_of(X509_get0_notBefore(certificate)) +
                    "; is the clock of this host right?";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return out += "is for " + names_of(certificate) + " and not for " + wanted +
                    "; name in tls.server_name what it is for";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      // Of whichever certificate in the chain: it is the way to tls.ca that is missing.
      return "the server's certificate leads to " + issuer_of(certificate) +
             ", which is no CA of tls.ca";
    default: return out += std::string("is refused: ") + X509_verify_cert_error_string(error);
  }
}

int verify(int good, X509_STORE_CTX* store) {
  if (good == 1) return good;
  auto* const connection =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const refusal =
      connection == nullptr
          ? nullptr
          : static_cast<TlsRefusal*>(SSL_get_ex_data(connection, refusal_index()));
  if (refusal != nullptr) refusal->why = refusal_of(store, refusal->wanted);
  return 0;
}

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

std::optional<TlsProblem> add_authorities(SSL_CTX* context, const std::string& text) {
  const Memory from = reader_of(text);
  int count = 0;
  while (const Certificate certificate = next_certificate(from.get())) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
    ++count;
  }
  if (count > 0) return std::nullopt;
  return TlsProblem{Part::ca, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"};
}

std::optional<TlsProblem> use_certificate(SSL_CTX* context, const TlsMaterial& material) {
  const Memory from = reader_of(material.cert);
  const Certificate own = next_certificate(from.get());
  if (!own) {
    return TlsProblem{Part::cert, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"};
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return TlsProblem{Part::cert, "holds a certificate that OpenSSL refuses: its key is too weak?"};
  }
  while (const Certificate between = next_certificate(from.get())) {
    SSL_CTX_add1_chain_cert(context, between.get());
  }
  bool asked = false;
  const Memory key_text = reader_of(material.key);
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_passphrase, &asked));
  if (!key && asked) {
    return TlsProblem{Part::key,
                      "is protected by a passphrase, which nobody can type in for a daemon; write "
                      "one without: openssl pkey -in FILE -out NEW"};
  }
  if (!key) return TlsProblem{Part::key, "holds no private key in PEM form"};
  if (X509_check_private_key(own.get(), key.get()) != 1) {
    return TlsProblem{Part::key, "is not the key of the certificate in tls.cert"};
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return TlsProblem{Part::key, "holds a key that OpenSSL refuses: is it too weak?"};
  }
  return std::nullopt;
}

}  // namespace

TlsClient::Made TlsClient::make(const TlsMaterial& material) {
  const std::shared_ptr<TlsClient> client(new TlsClient());
  if (auto problem = client->replace(material)) return std::move(*problem);
  return client;
}

std::optional<TlsProblem> TlsClient::replace(const TlsMaterial& material) {
  auto fresh = std::make_unique<ssl::context>(ssl::context::tls_client);
  SSL_CTX* const context = fresh->native_handle();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify);
  auto problem = add_authorities(context, material.ca);
  if (!problem && !material.cert.empty()) problem = use_certificate(context, material);
  ERR_clear_error();
  if (problem) return problem;
  context_ = std::move(fresh);
  server_name_ = material.server_name;
  has_certificate_ = !material.cert.empty();
  return std::nullopt;
}

std::optional<std::string> TlsClient::certificate_warning() const {
  const X509* const own = SSL_CTX_get0_certificate(context_->native_handle());
  if (own == nullptr) return std::nullopt;
  if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0) {
    return "expired on " + date_of(X509_get0_notAfter(own)) + ": servers will refuse it; renew it";
  }
  if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
    return "is valid only from " + date_of(X509_get0_notBefore(own)) + ": is the clock right?";
  }
  return std::nullopt;
}

void TlsClient::prepare(SSL* connection, const std::string& address, TlsRefusal& refusal) const {
  const std::string& name = server_name_.empty() ? address : server_name_;
  refusal = {name, {}};
  SSL_set_ex_data(connection, refusal_index(), &refusal);
  if (is_address(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), name.c_str());
    return;
  }
  SSL_set1_host(connection, name.c_str());
  SSL_set_tlsext_host_name(connection, name.c_str());
}

std::string TlsClient::words(const error_code& error) const {
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  std::string none =
      "the server wants a certificate of its clients; name one in tls.cert and tls.key";
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: return none;
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      // What TLS 1.2 says of a missing certificate, among others.
      return has_certificate_ ? "the server refuses the TLS handshake: no common cipher or curve?"
                              : none;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "the server does not know the CA of the certificate in tls.cert; put that CA into its "
             "tls-ca-cert-file";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "the server refuses the certificate in tls.cert: it has expired; renew it and reload";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return "the server refuses the certificate in tls.cert: it was revoked";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return "the server refuses the certificate in tls.cert; its log says why";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "the server speaks no TLS 1.2 or 1.3; see its tls-protocols";
    default: break;
  }
  if (speaks_no_tls(error)) return "the server speaks no TLS on this port";
  return "TLS fails: " + error.message();
}

bool TlsClient::speaks_no_tls(const error_code& error) {
  if (error.category() != boost::asio::error::get_ssl_category()) return false;
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST;
}

bool TlsClient::is_alert(const error_code& error) {
  return error.category() == boost::asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) >= kFirstAlert;
}

}  // namespace health::io
