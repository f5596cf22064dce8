// See certificates.hpp. Keys of P-256, because they are quick to make.
#include "tests/support/certificates.hpp"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace support {
namespace {

constexpr long kDay = 24L * 3600;
constexpr int kVersion3 = 2;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

void demand(bool good) {
  if (!good) throw std::runtime_error("OpenSSL cannot make a certificate");
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  demand(key != nullptr);
  return key;
}

File open_file(const std::filesystem::path& path) {
  File file(std::fopen(path.c_str(), "w"), std::fclose);
  demand(file != nullptr);
  return file;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  demand(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const bool address = inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
                         inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
    out += (out.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
  }
  return out;
}

Certificate new_certificate(const Authority::Wanted& wanted, EVP_PKEY* key) {
  static long serial = 1;
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), kVersion3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wanted.from_days * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wanted.to_days * kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1, -1,
                             0);
  return certificate;
}

void write(const std::filesystem::path& path, X509* certificate) {
  demand(PEM_write_X509(open_file(path).get(), certificate) == 1);
}

}  // namespace

struct Authority::Impl {
  Key key = new_key();
  Certificate certificate{nullptr, X509_free};
};

Authority::Authority(std::filesystem::path dir, const std::string& name)
    : impl_(std::make_unique<Impl>()), dir_(std::move(dir)), certificate_(dir_ / (name + ".crt")) {
  impl_->certificate = new_certificate({.name = name, .names = {}}, impl_->key.get());
  X509* const own = impl_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, own, NID_subject_key_identifier, "hash");
  demand(X509_sign(own, impl_->key.get(), EVP_sha256()) > 0);
  write(certificate_, own);
}

Authority::~Authority() = default;

Issued Authority::issue(const Wanted& wanted) const {
  const Key key = new_key();
  const Certificate certificate = new_certificate(wanted, key.get());
  X509* const issuer = impl_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  if (!wanted.names.empty()) {
    add_extension(certificate.get(), issuer, NID_subject_alt_name, alternative_names(wanted.names));
  }
  demand(X509_sign(certificate.get(), impl_->key.get(), EVP_sha256()) > 0);
  Issued issued{dir_ / (wanted.name + ".crt"), dir_ / (wanted.name + ".key")};
  write(issued.cert, certificate.get());
  demand(PEM_write_PrivateKey(open_file(issued.key).get(), key.get(), nullptr, nullptr, 0, nullptr,
                              nullptr) == 1);
  std::filesystem::permissions(issued.key, std::filesystem::perms(0600));
  return issued;
}

}  // namespace support
