// A dataset fetched over TLS from a real redis-server, and the sentences of those who may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "health/io/tls_client.hpp"
#include "tests/hooks/fetching.hpp"
#include "tests/hooks/live_servers.hpp"
#include "tests/support/certificates.hpp"

namespace hooks {
namespace {

using health::io::TlsClient;
using support::Authority;
using support::Issued;
using testing::Fetching;
using ::testing::HasSubstr;
using testing::problem_of;
using testing::request_to;

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class RdbFetchTls : public ::testing::Test {
 protected:
  // The server's tls-port; it keeps its plain one.
  std::uint16_t tls_port(const Issued& own) {
    source_.ask({"CONFIG", "SET", "tls-cert-file", own.cert, "tls-key-file", own.key,
                 "tls-ca-cert-file", authority_.certificate()});
    // Above those that the kernel gives away, and apart from the plain one's neighbours.
    for (std::uint16_t port = 61300; port < 61400; ++port) {
      if (source_.ask({"CONFIG", "SET", "tls-port", std::to_string(port)}).is_ok()) return port;
    }
    return 0;
  }
  std::shared_ptr<TlsClient> client(const Issued* own) const {
    health::TlsMaterial with{content(authority_.certificate()), {}, {}, {}};
    if (own != nullptr) with.cert = content(own->cert);
    if (own != nullptr) with.key = content(own->key);
    return std::get<std::shared_ptr<TlsClient>>(TlsClient::make(with));
  }
  io::FetchResult fetch(std::uint16_t port, std::shared_ptr<TlsClient> tls) {
    io::FetchRequest request = request_to(source_, scratch_.directory() + "/dump.rdb");
    request.server.port = port;
    request.server.tls = std::move(tls);
    return Fetching().run(request);
  }

  LiveServer source_;
  LiveServer scratch_;
  Authority authority_{source_.directory()};
  Issued own_ = authority_.issue({.name = "server", .names = {LiveServer::kHost}});
  Issued agent_ = authority_.issue({.name = "agent", .names = {}});
};

TEST_F(RdbFetchTls, TheDatasetIsTheSameOnAnotherServer) {
  source_.ask({"DEBUG", "POPULATE", "50000", "key", "20"});
  const auto result = fetch(tls_port(own_), client(&agent_));
  ASSERT_EQ(problem_of(result), "");
  ASSERT_TRUE(scratch_.ask({"DEBUG", "RELOAD", "NOSAVE"}).is_ok());
  EXPECT_EQ(scratch_.ask({"DEBUG", "DIGEST"}).text, source_.ask({"DEBUG", "DIGEST"}).text);
}

TEST_F(RdbFetchTls, WithoutACertificateItIsRefusedByName) {
  EXPECT_THAT(problem_of(fetch(tls_port(own_), client(nullptr))),
              HasSubstr("cannot be reached: the server wants a certificate of its clients"));
}

TEST_F(RdbFetchTls, ACertificateForSomebodyElseIsRefusedByName) {
  const auto port = tls_port(authority_.issue({.name = "other", .names = {"other.test"}}));
  EXPECT_THAT(problem_of(fetch(port, client(&agent_))),
              HasSubstr("is for other.test and not for 127.0.0.1"));
}

TEST_F(RdbFetchTls, AnExpiredCertificateIsRefusedByName) {
  const auto port = tls_port(authority_.issue(
      {.name = "old", .names = {LiveServer::kHost}, .from_days = -9, .to_days = -1}));
  EXPECT_THAT(problem_of(fetch(port, client(&agent_))), HasSubstr("certificate expired on"));
}

TEST_F(RdbFetchTls, WhoSpeaksTheOtherKindIsToldSo) {
  const auto port = tls_port(own_);
  EXPECT_THAT(problem_of(fetch(source_.endpoint().port, client(&agent_))),
              HasSubstr("the server speaks no TLS on this port"));
  EXPECT_THAT(problem_of(fetch(port, nullptr)),
              HasSubstr("the server speaks TLS on this port, and no CA for it is named"));
}

}  // namespace
}  // namespace hooks
