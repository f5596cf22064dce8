// [agent.peer_link] and the key `agent` of [pair.peer]: each mistake alone in a good file, and what
// only link and pairs together can show.
#include "agent/io/config_peer.hpp"

#include <gtest/gtest.h>

#include "config_fixture.hpp"

namespace agent {
namespace {

using Strings = std::vector<std::string>;

const std::string kAgent = "agent = \"192.168.1.113:7112\"";
const std::string kSecret = "0123456789abcdef0123456789abcdef";
const std::string kHowTo =
    "; make one on one host, openssl rand -hex 32, and copy the file to the other";

// The small file with an agent of the peer (line 11) and [agent.peer_link] behind it.
std::string linked(const std::string& listen, const std::string& secret_file,
                   const std::string& agent = kAgent) {
  return peer_with(agent) + "[agent.peer_link]\nlisten = \"" + listen + "\"\nsecret_file = \"" +
         secret_file + "\"\n";
}

class ConfigPeer : public testing::Test {
 protected:
  Strings problems_with(const std::string& listen, const std::string& agent = kAgent) {
    return problems_of(linked(listen, secret_, agent));
  }

  const ConfigFolder folder_;
  const std::string secret_ = folder_.write("peer.secret", kSecret + "\n");
};

TEST_F(ConfigPeer, ALinkIsReadWithTheKeyOfItsSecret) {
  const LoadResult result = parse_config(linked("192.168.1.112:7112", secret_), "tandem.toml");
  const auto& config = std::get<LoadedConfig>(result).config;
  EXPECT_EQ(config.peer_link.host, "192.168.1.112");
  EXPECT_EQ(config.peer_link.port, 7112);
  EXPECT_EQ(config.pairs.front().peer_agent_host, "192.168.1.113");
  const auto same = io::read_peer_key(folder_.write("same", "  " + kSecret + " \r\n"));
  const auto other = io::read_peer_key(folder_.write("other", kSecret + "0\n"));
  EXPECT_EQ(std::get<0>(same), config.peer_link.key);
  EXPECT_NE(std::get<0>(other), config.peer_link.key);
}

// RFC 5869 with SHA-256, computed by `openssl kdf HKDF`: both nodes of a pair need the same one.
TEST_F(ConfigPeer, TheKeyIsHkdfOfTheSecret) {
  std::string hex;
  const auto key = io::read_peer_key(secret_);
  for (const auto byte : std::get<0>(key)) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  EXPECT_EQ(hex, "a5e28d4114399c5e29e7c2e918491b08e7bed2f8c522b1f4f03cec90b5808f1c");
}

TEST_F(ConfigPeer, KeysAreRequiredAndJudged) {
  const std::string place = "tandem.toml:11: agent.peer_link.";
  EXPECT_EQ(problems_of(small_config() + "[agent.peer_link]\n"),
            (Strings{place + "listen: is missing; write this host's own address and a port, as in "
                             "\"192.168.1.112:7112\"",
                     place + "secret_file: is missing; write the path of the secret that both "
                             "agents share, as in \"/etc/tandem/peer.secret\""}));
  const std::string listen = "tandem.toml:13: agent.peer_link.listen: ";
  EXPECT_EQ(problems_with("192.168.1.112"),
            Strings{listen + "has no port; write \"192.168.1.112:7112\""});
  EXPECT_EQ(problems_with("127.0.0.1:7112"),
            Strings{listen + "\"127.0.0.1\" is a loopback address, which the other host cannot "
                             "reach; write this host's own address in the network"});
  EXPECT_EQ(problems_with("0.0.0.0:7112"),
            Strings{listen + "\"0.0.0.0\" is not the address of one host"});
  EXPECT_EQ(problems_with("192.168.1.112:7112", "agent = \"127.0.0.1:7112\""),
            Strings{"tandem.toml:11: pair[redis].peer.agent: \"127.0.0.1\" is a loopback address, "
                    "which the other host cannot reach; write the other host's address in the "
                    "network"});
}

TEST_F(ConfigPeer, ASecretIsLongOnOneLineAndNobodyElses) {
  const auto problem = [&](const std::string& file) {
    const Strings problems = problems_of(linked("192.168.1.112:7112", file));
    const std::string place = "tandem.toml:14: agent.peer_link.secret_file: ";
    EXPECT_EQ(problems.size(), 1U);
    return problems.empty() ? "" : problems.front().substr(place.size());
  };
  const std::string none = folder_.path("none");
  EXPECT_EQ(problem(none), "\"" + none + "\" does not exist" + kHowTo);
  const std::string text = folder_.write("short", "0123456789\n");
  EXPECT_EQ(problem(text),
            "\"" + text + "\" has a secret of 10 bytes, at least 32 are needed" + kHowTo);
  const std::string lines = folder_.write("lines", kSecret + "\n" + kSecret + "\n");
  EXPECT_EQ(problem(lines), "\"" + lines + "\" has more than one line" + kHowTo);
  const std::string shared = folder_.write("shared", kSecret + "\n", 0640);
  EXPECT_EQ(problem(shared), "\"" + shared +
                                 "\" has mode 0640, which lets group or others at the secret of "
                                 "the peer link; run: chmod 0600 " +
                                 shared);
}

TEST_F(ConfigPeer, LinkAndPairsFitTogether) {
  EXPECT_EQ(problems_of(peer_with(kAgent)),
            Strings{"tandem.toml:11: pair[redis].peer.agent: needs [agent.peer_link] with listen "
                    "and secret_file, where the other node reaches this agent"});
  EXPECT_EQ(problems_with("192.168.1.120:7112"),
            Strings{"tandem.toml:13: agent.peer_link.listen: 192.168.1.120 is a VIP of "
                    "pair[redis], which moves to the other node; write this host's own address"});
  EXPECT_EQ(problems_with("192.168.1.112:6379"),
            Strings{"tandem.toml:13: agent.peer_link.listen: is where the server of pair[redis] "
                    "listens; write another port, as in \"192.168.1.112:7112\""});
  const std::string agent = "tandem.toml:11: pair[redis].peer.agent: ";
  EXPECT_EQ(problems_with("192.168.1.112:7112", "agent = \"192.168.1.112:7113\""),
            Strings{agent + "192.168.1.112 is the host of agent.peer_link.listen, this one; write "
                            "the other host's address"});
  EXPECT_EQ(problems_with("192.168.1.112:7112", "agent = \"192.168.1.120:7112\""),
            Strings{agent + "192.168.1.120 is a VIP of pair[redis]; write the other host's own "
                            "address"});
  EXPECT_EQ(problems_with("192.168.1.112:7112", "agent = \"192.168.1.113:6379\""),
            Strings{agent + "is where the other node's server listens; write where its agent "
                            "does, as in \"192.168.1.113:7112\""});
}

TEST_F(ConfigPeer, AListenerThatNobodyCallsIsToldOf) {
  EXPECT_EQ(warnings_of(small_config() + "[agent.peer_link]\nlisten = \"192.168.1.112:7112\"\n" +
                        "secret_file = \"" + secret_ + "\"\n"),
            Strings{"tandem.toml:12: agent.peer_link.listen: is not used, because no [pair.peer] "
                    "names the other node's agent; write agent = \"ADDRESS:7112\" there"});
}

}  // namespace
}  // namespace agent
