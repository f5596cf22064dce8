// See config_peer.hpp.
#include "agent/io/config_peer.hpp"

#include <algorithm>
#include <span>
#include <tuple>

#include "agent/io/config_secrets.hpp"
#include "vrrp/io/hmac.hpp"

namespace agent::io {
namespace {

constexpr std::size_t kMaxSecretFile = 4096;
constexpr std::size_t kMinSecret = 32;
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kSalt = "tandem peer link 1";
constexpr std::string_view kInfo = "external psk\x01";  // the last byte counts the blocks

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// How a secret is made, behind what is wrong with the one that is there.
Refusal no_secret(std::string what) {
  what += "; make one on one host, openssl rand -hex 32, and copy the file to the other";
  return {std::move(what)};
}

// Where an agent is reached from the other host.
Parsed<Endpoint> parse_agent(const ConfigNode& node, std::string_view whose) {
  if (node.kind == ValueKind::text && !node.text.empty() &&
      node.text.find(':') == std::string::npos) {
    return Refusal{"has no port; write \"" + node.text + ":7112\""};
  }
  auto parsed = parse_endpoint(node, UnixSocket::refused);
  if (const auto* endpoint = std::get_if<Endpoint>(&parsed)) {
    const auto address = vrrp::IpAddress::parse(endpoint->host);
    if (address && is_loopback(*address)) {
      return Refusal{quoted(endpoint->host) +
                     " is a loopback address, which the other host cannot reach; write " +
                     std::string(whose) + " address in the network"};
    }
  }
  return parsed;
}

const PairDraft* vip_owner(const std::vector<PairDraft>& pairs, const std::string& host) {
  const auto owner = std::find_if(pairs.begin(), pairs.end(), [&](const PairDraft& pair) {
    return std::any_of(pair.vips.begin(), pair.vips.end(), [&](const VipDraft& vip) {
      return vip.vip.prefix.address.to_string() == host;
    });
  });
  return owner == pairs.end() ? nullptr : &*owner;
}

void check_listen(const PeerLinkDraft& link, const std::vector<PairDraft>& pairs,
                  Problems& problems) {
  const std::string key = "agent.peer_link.listen";
  const auto& [host, port] = std::tie(link.config.host, link.config.port);
  if (const PairDraft* owner = vip_owner(pairs, host)) {
    problems.error(*link.listen, key,
                   host + " is a VIP of " + owner->label +
                       ", which moves to the other node; write this host's own address");
    return;
  }
  for (const PairDraft& pair : pairs) {
    const PairConfig& config = pair.config;
    const bool servers = (host == config.server.host && port == config.server.port) ||
                         (host == config.replication_host && port == config.replication_port);
    if (!servers) continue;
    problems.error(*link.listen, key,
                   "is where the server of " + pair.label +
                       " listens; write another port, as in \"" + host + ":7112\"");
    return;
  }
  const bool used = std::any_of(pairs.begin(), pairs.end(),
                                [](const PairDraft& pair) { return pair.peer_agent_given; });
  if (used) return;
  problems.warning(*link.listen, key,
                   "is not used, because no [pair.peer] names the other node's agent; write "
                   "agent = \"ADDRESS:7112\" there");
}

void check_agent(const PeerLinkDraft& link, const std::vector<PairDraft>& pairs,
                 const PairDraft& pair, Problems& problems) {
  const std::string key = pair.label + ".peer.agent";
  const PairConfig& config = pair.config;
  const auto& [host, port] = std::tie(config.peer_agent_host, config.peer_agent_port);
  if (!link.present) {
    problems.error(*pair.peer_agent, key,
                   "needs [agent.peer_link] with listen and secret_file, where the other node "
                   "reaches this agent");
  } else if (const PairDraft* owner = vip_owner(pairs, host)) {
    problems.error(*pair.peer_agent, key,
                   host + " is a VIP of " + owner->label + "; write the other host's own address");
  } else if (link.listen && host == link.config.host) {
    problems.error(*pair.peer_agent, key,
                   host +
                       " is the host of agent.peer_link.listen, this one; write the other "
                       "host's address");
  } else if (host == config.peer_server.host && port == config.peer_server.port) {
    problems.error(
        *pair.peer_agent, key,
        "is where the other node's server listens; write where its agent does, as in \"" + host +
            ":7112\"");
  }
}

}  // namespace

PeerLinkDraft read_peer_link(TableReader& agent) {
  PeerLinkDraft draft;
  draft.present = agent.find("peer_link") != nullptr;
  auto reader = agent.table("peer_link");
  if (!reader) return draft;
  Endpoint listen;
  if (reader->require(
          "listen", listen,
          [](const ConfigNode& node) { return parse_agent(node, "this host's own"); },
          "write this host's own address and a port, as in \"192.168.1.112:7112\"")) {
    draft.config.host = std::move(listen.host);
    draft.config.port = listen.port;
  }
  if (reader->require(
          "secret_file", draft.config.secret_file,
          [](const ConfigNode& node) { return parse_path(node, kMaxPath); },
          "write the path of the secret that both agents share, as in "
          "\"/etc/tandem/peer.secret\"")) {
    auto key = read_peer_key(draft.config.secret_file);
    if (auto* refusal = std::get_if<Refusal>(&key)) {
      reader->error("secret_file", std::move(refusal->what));
    } else {
      draft.config.key = std::get<0>(key);
    }
  }
  reader->finish();
  draft.listen = reader->accepted("listen");
  return draft;
}

void read_peer_agent(TableReader& peer, PairDraft& draft) {
  Endpoint agent;
  draft.peer_agent_given = peer.find("agent") != nullptr;
  if (!peer.read("agent", agent,
                 [](const ConfigNode& node) { return parse_agent(node, "the other host's"); })) {
    return;
  }
  draft.peer_agent = peer.accepted("agent");
  draft.config.peer_agent_host = std::move(agent.host);
  draft.config.peer_agent_port = agent.port;
}

void check_peer_link(const PeerLinkDraft& link, const std::vector<PairDraft>& pairs,
                     Problems& problems) {
  if (link.listen) check_listen(link, pairs, problems);
  for (const PairDraft& pair : pairs) {
    if (pair.peer_agent) check_agent(link, pairs, pair, problems);
  }
}

Parsed<std::array<std::uint8_t, 32>> read_peer_key(const std::string& path) {
  auto file = read_secret_file(path, kMaxSecretFile, "the secret of the peer link");
  if (const auto* refusal = std::get_if<Refusal>(&file)) {
    if (refusal->what.ends_with("does not exist")) return no_secret(refusal->what);
    return *refusal;
  }
  std::string_view secret = std::get<std::string>(file);
  secret.remove_prefix(std::min(secret.find_first_not_of(kBlanks), secret.size()));
  secret = secret.substr(0, secret.find_last_not_of(kBlanks) + 1);
  if (secret.find_first_of("\r\n") != std::string_view::npos) {
    return no_secret(quoted(path) + " has more than one line");
  }
  if (secret.size() < kMinSecret) {
    return no_secret(quoted(path) + " has a secret of " + std::to_string(secret.size()) +
                     " bytes, at least 32 are needed");
  }
  const vrrp::Mac extracted = vrrp::io::hmac_sha256(bytes_of(kSalt), bytes_of(secret));
  return vrrp::io::hmac_sha256(extracted, bytes_of(kInfo));
}

}  // namespace agent::io
