// `tls` of [pair.server] and [pair.peer]: the files are read, and each mistake in them has its
// sentence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdio>

#include "config_fixture.hpp"
#include "tests/support/certificates.hpp"

namespace agent {
namespace {

using support::Authority;
using support::Issued;
using testing::ElementsAre;
using testing::HasSubstr;
using Strings = std::vector<std::string>;

class ConfigTls : public testing::Test {
 protected:
  std::string tls(const std::string& keys) const {
    return "tls = { " + folder_.in_text(keys) + " }";
  }
  Strings problems(const std::string& keys) const { return problems_of(server_with(tls(keys))); }
  std::string at(const std::string& key) const {
    return "tandem.toml:9: pair[redis].server." + key;
  }
  std::string file(const std::string& name) const { return "\"" + folder_.path(name) + "\" "; }

  ConfigFolder folder_;
  Authority authority_{folder_.path("")};
  Issued own_ = authority_.issue({.name = "own", .names = {}});
};

constexpr const char* kAll = R"(ca = "DIR/ca.crt", cert = "DIR/own.crt", key = "DIR/own.key")";

TEST_F(ConfigTls, IsReadWithTheContentsOfItsFiles) {
  const PairConfig pair = load_pair(server_with(tls(kAll + std::string(", server_name = \"a\""))));
  ASSERT_TRUE(pair.server.tls);
  EXPECT_EQ(pair.server.tls->ca_file, folder_.path("ca.crt"));
  EXPECT_THAT(pair.server.tls->material.key, HasSubstr("PRIVATE KEY"));
  EXPECT_EQ(pair.server.tls->material.server_name, "a");
  // The other host's server has the same CA and takes the same certificate, under its own name.
  ASSERT_TRUE(pair.peer_server.tls);
  EXPECT_EQ(pair.peer_server.tls->material.cert, pair.server.tls->material.cert);
  EXPECT_EQ(pair.peer_server.tls->material.server_name, "");
}

TEST_F(ConfigTls, ThePeersTableSaysOnlyWhatDiffers) {
  std::string text = server_with(tls(kAll));
  const PairConfig named = load_pair(text + "tls = { server_name = \"b\" }\n");
  EXPECT_EQ(named.peer_server.tls->material.server_name, "b");
  EXPECT_EQ(named.peer_server.tls->cert_file, folder_.path("own.crt"));
  const PairConfig plain = load_pair(text + "tls = false\n");
  EXPECT_TRUE(plain.server.tls);
  EXPECT_FALSE(plain.peer_server.tls);
}

TEST_F(ConfigTls, NeedsItsFiles) {
  EXPECT_EQ(problems(""), Strings{at("tls.ca: is missing; write the path of the CA's certificate, "
                                     "or that of all public CAs, "
                                     "/etc/ssl/certs/ca-certificates.crt")});
  EXPECT_EQ(problems(R"(ca = "DIR/none.crt")"),
            Strings{at("tls.ca: " + file("none.crt") + "does not exist")});
  EXPECT_EQ(problems(R"(ca = "DIR/ca.crt", cert = "DIR/own.crt")"),
            Strings{at("tls.key: is missing; cert needs the path of its key")});
  EXPECT_EQ(problems(R"(ca = "DIR/ca.crt", key = "DIR/own.key")"),
            Strings{at("tls.cert: is missing; key needs the path of its cert")});
  EXPECT_EQ(problems(R"(ca = "ca.crt")").size(), 1U);
  EXPECT_EQ(problems_of(server_with("tls = true")),
            Strings{at("tls: is true, must be false or a table, as in { ca = "
                       "\"/etc/tandem/ca.crt\" }")});
  EXPECT_THAT(problems(kAll + std::string(", keys = \"\"")),
              ElementsAre(HasSubstr("tls.keys: unknown key; did you mean")));
}

TEST_F(ConfigTls, SaysWhatIsWrongInAFile) {
  folder_.write("text", "no certificate\n");
  EXPECT_EQ(problems(R"(ca = "DIR/text")"),
            Strings{at("tls.ca: " + file("text") +
                       "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")});
  EXPECT_EQ(problems(R"(ca = "DIR/ca.crt", cert = "DIR/text", key = "DIR/own.key")"),
            Strings{at("tls.cert: " + file("text") +
                       "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")});
  EXPECT_EQ(problems(R"(ca = "DIR/ca.crt", cert = "DIR/own.crt", key = "DIR/text")"),
            Strings{at("tls.key: " + file("text") + "holds no private key in PEM form")});
}

TEST_F(ConfigTls, AKeyIsOfItsCertificateAndNobodyElseReadsIt) {
  authority_.issue({.name = "other", .names = {}});
  EXPECT_EQ(problems(R"(ca = "DIR/ca.crt", cert = "DIR/own.crt", key = "DIR/other.key")"),
            Strings{at("tls.key: " + file("other.key") +
                       "is not the key of the certificate in tls.cert")});
  std::filesystem::permissions(own_.key, std::filesystem::perms(0640));
  EXPECT_EQ(problems(kAll),
            Strings{at("tls.key: " + file("own.key") +
                       "has mode 0640, which lets group or others at the private key; run: chmod "
                       "0600 " +
                       folder_.path("own.key"))});
}

// OpenSSL would ask for the passphrase on the terminal.
TEST_F(ConfigTls, AKeyBehindAPassphraseIsRefused) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  std::FILE* const out = std::fopen(own_.key.c_str(), "w");
  const unsigned char word[] = "word";
  PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), word, 4, nullptr, nullptr);
  std::fclose(out);
  EVP_PKEY_free(key);
  EXPECT_THAT(problems(kAll), ElementsAre(HasSubstr("is protected by a passphrase")));
}

TEST_F(ConfigTls, AnExpiredCertificateIsAWarning) {
  authority_.issue({.name = "own", .names = {}, .from_days = -9, .to_days = -1});
  EXPECT_THAT(warnings_of(server_with(tls(kAll))),
              ElementsAre(HasSubstr("servers will refuse it; renew it")));
}

TEST_F(ConfigTls, IsNotForAUnixSocket) {
  std::string text = server_with("address = \"unix:/run/redis/redis.sock\"");
  text.insert(text.find("[pair.peer]"), tls(kAll) + "\n");
  EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("Redis has no TLS on a Unix socket")));
}

}  // namespace
}  // namespace agent
