// The watch against a real redis-server that speaks TLS: what is right is up, what is wrong is
// denied with a reason, and life and death are seen as without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "health/io/redis_watch.hpp"
#include "health/io/tls_client.hpp"
#include "tests/health/loop.hpp"
#include "tests/health/print.hpp"
#include "tests/health/redis_process.hpp"
#include "tests/support/certificates.hpp"

namespace health::io {
namespace {

using support::Authority;
using support::Issued;
using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::filesystem::path new_directory() {
  std::string pattern = testing::TempDir() + "tandem_tls." + std::string(6, 'X');
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory");
  return pattern;
}

class RedisTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisProcess::is_installed()) GTEST_SKIP() << "redis-server is not installed";
  }
  ~RedisTlsTest() override { std::filesystem::remove_all(dir); }

  // The server's side: its certificate, whose CA it also expects of its clients.
  Words tls_options(const Issued& own) const {
    return {"--port",
            "0",
            "--tls-port",
            "PORT",
            "--tls-cert-file",
            own.cert,
            "--tls-key-file",
            own.key,
            "--tls-ca-cert-file",
            authority.certificate()};
  }
  void serve(const Issued& own, const Words& more = {}) {
    Words options = tls_options(own);
    options.insert(options.end(), more.begin(), more.end());
    server = std::make_unique<RedisProcess>(options);
  }
  TlsMaterial material(const std::optional<Issued>& own) const {
    TlsMaterial out;
    out.ca = content(authority.certificate());
    if (own) {
      out.cert = content(own->cert);
      out.key = content(own->key);
    }
    return out;
  }
  void look(const TlsMaterial& with) {
    auto made = TlsClient::make(with);
    client = std::get<std::shared_ptr<TlsClient>>(made);
    look(client);
  }
  void look(std::shared_ptr<TlsClient> tls) {
    ServerAddress address = server->address();
    address.tls = std::move(tls);
    watch = std::make_unique<RedisWatch>(
        loop.get_executor(), address, Credentials{}, MonitorConfig{},
        WatchEvents{.health_changed = [this](const HealthChanged& changed) { last = changed; },
                    .facts_read = {},
                    .answered = {}});
    watch->start();
  }
  void wait_for(Health health) {
    ASSERT_TRUE(run_until(loop, [&] { return last.health == health; }))
        << "no " << to_string(health) << ", last " << testing::PrintToString(last);
  }
  std::string denial() {
    EXPECT_TRUE(run_until(loop, [&] { return last.health == Health::denied; }))
        << testing::PrintToString(last);
    return last.detail;
  }

  std::filesystem::path dir = new_directory();
  Authority authority{dir};
  Issued good = authority.issue({.name = "server", .names = {"127.0.0.1", "redis.test"}});
  Issued agent = authority.issue({.name = "agent", .names = {}});
  boost::asio::io_context loop;
  HealthChanged last;
  std::unique_ptr<RedisProcess> server;
  std::shared_ptr<TlsClient> client;
  std::unique_ptr<RedisWatch> watch;
};

TEST_F(RedisTlsTest, AGoodCertificateOnBothSidesOpens) {
  serve(good);
  look(material(agent));
  wait_for(Health::up);
  EXPECT_EQ(watch->snapshot().facts.role, Role::master);
}

TEST_F(RedisTlsTest, TheNameOfTheConfigurationCountsInsteadOfTheAddress) {
  serve(authority.issue({.name = "named", .names = {"redis.test"}}));
  TlsMaterial with = material(agent);
  with.server_name = "redis.test";
  look(with);
  wait_for(Health::up);
}

TEST_F(RedisTlsTest, ATlsTwoServerOpensToo) {
  serve(good, {"--tls-protocols", "TLSv1.2"});
  look(material(agent));
  wait_for(Health::up);
}

TEST_F(RedisTlsTest, ACertificateForSomebodyElseIsDenied) {
  serve(authority.issue({.name = "other", .names = {"other.test", "192.0.2.1"}}));
  look(material(agent));
  EXPECT_EQ(denial(),
            "the server's certificate is for other.test, 192.0.2.1 and not for 127.0.0.1; name in "
            "tls.server_name what it is for");
}

TEST_F(RedisTlsTest, ACertificateOfAnUnknownAuthorityIsDenied) {
  serve(good);
  const Authority stranger(dir, "stranger");
  TlsMaterial with = material(agent);
  with.ca = content(stranger.certificate());
  look(with);
  EXPECT_EQ(denial(), "the server's certificate leads to /CN=ca, which is no CA of tls.ca");
}

TEST_F(RedisTlsTest, AnExpiredCertificateOfTheServerIsDenied) {
  serve(authority.issue({.name = "old", .names = {"127.0.0.1"}, .from_days = -30, .to_days = -1}));
  look(material(agent));
  EXPECT_THAT(denial(), HasSubstr("the server's certificate expired on 20"));
}

TEST_F(RedisTlsTest, ACertificateOfTomorrowIsDenied) {
  serve(authority.issue({.name = "young", .names = {"127.0.0.1"}, .from_days = 1, .to_days = 30}));
  look(material(agent));
  EXPECT_THAT(denial(), HasSubstr("is the clock of this host right?"));
}

TEST_F(RedisTlsTest, AServerThatWantsACertificateSaysSo) {
  for (const char* const version : {"TLSv1.3", "TLSv1.2"}) {
    SCOPED_TRACE(version);
    last = {};
    serve(good, {"--tls-protocols", version});
    look(material(std::nullopt));
    EXPECT_EQ(denial(),
              "the server wants a certificate of its clients; name one in tls.cert and tls.key");
    watch.reset();
  }
}

TEST_F(RedisTlsTest, AServerThatWantsNoneOpensWithout) {
  serve(good, {"--tls-auth-clients", "no"});
  look(material(std::nullopt));
  wait_for(Health::up);
}

TEST_F(RedisTlsTest, OurCertificateOfAnUnknownAuthorityIsDenied) {
  serve(good);
  const Authority stranger(dir, "stranger");
  look(material(stranger.issue({.name = "strange", .names = {}})));
  EXPECT_THAT(denial(), HasSubstr("the server does not know the CA of the certificate"));
}

TEST_F(RedisTlsTest, OurExpiredCertificateIsDenied) {
  serve(good);
  look(material(authority.issue({.name = "late", .names = {}, .from_days = -30, .to_days = -1})));
  EXPECT_THAT(denial(), HasSubstr("it has expired"));
  EXPECT_THAT(client->certificate_warning().value_or("none"), HasSubstr("expired on 20"));
}

TEST_F(RedisTlsTest, ARenewedCertificateIsShownToTheNextConnection) {
  serve(good);
  look(material(authority.issue({.name = "late", .names = {}, .from_days = -30, .to_days = -1})));
  denial();
  ASSERT_FALSE(client->replace(material(agent)));
  wait_for(Health::up);
}

TEST_F(RedisTlsTest, APlainServerIsDeniedByName) {
  server = std::make_unique<RedisProcess>();
  look(material(agent));
  EXPECT_EQ(denial(), "the server speaks no TLS on this port; name its tls-port or leave tls away");
}

TEST_F(RedisTlsTest, ATlsServerIsDeniedByNameToAPlainClient) {
  serve(good);
  look(std::shared_ptr<TlsClient>());
  EXPECT_EQ(denial(), "the server speaks TLS on this port, and no tls is configured");
}

TEST_F(RedisTlsTest, AKilledServerIsDeadAndUpAgainAfterItsReturn) {
  serve(good);
  look(material(agent));
  wait_for(Health::up);
  const auto begin = std::chrono::steady_clock::now();
  server->send_signal(SIGKILL);
  wait_for(Health::dead);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begin);
  RecordProperty("kill_to_dead_us", std::to_string(took.count()));
  EXPECT_EQ(last.detail, "Connection refused");
  server->kill();
  server->start();
  wait_for(Health::up);
}

TEST_F(RedisTlsTest, AStoppedServerIsHungAndUpAgainWhenItGoesOn) {
  serve(good);
  look(material(agent));
  wait_for(Health::up);
  server->send_signal(SIGSTOP);
  wait_for(Health::hung);
  EXPECT_EQ(last.detail, "no answer to PING for 300 ms");
  server->send_signal(SIGCONT);
  wait_for(Health::up);
}

// The handshake waits as a command would, on one connection.
TEST_F(RedisTlsTest, AServerThatHangsBeforeTheHandshakeIsHungAndThenUp) {
  serve(good);
  look(material(agent));
  wait_for(Health::up);
  server->send_signal(SIGSTOP);
  watch.reset();
  look(material(agent));
  wait_for(Health::hung);
  server->send_signal(SIGCONT);
  wait_for(Health::up);
}

TEST_F(RedisTlsTest, LargeRepliesPass) {
  serve(good);
  look(material(agent));
  wait_for(Health::up);
  std::size_t size = 0;
  watch->command({"CONFIG", "GET", "*"},
                 [&](const Reply* reply) { size = reply == nullptr ? 1 : reply->elements.size(); });
  ASSERT_TRUE(run_until(loop, [&] { return size != 0; }));
  EXPECT_GT(size, 100U);
}

}  // namespace
}  // namespace health::io
