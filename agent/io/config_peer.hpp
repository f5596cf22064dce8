// The link between the two agents: [agent.peer_link] and the key `agent` of [pair.peer].
#pragma once

#include <array>
#include <string>
#include <vector>

#include "agent/io/config_pair.hpp"

namespace agent::io {

// What [agent.peer_link] says, with places for what only the pairs can show.
struct PeerLinkDraft {
  PeerLinkConfig config;
  bool present = false;
  std::optional<Place> listen;  // accepted
};

PeerLinkDraft read_peer_link(TableReader& agent);
// The key `agent` of [pair.peer].
void read_peer_agent(TableReader& peer, PairDraft& draft);

// The link and the pairs against each other.
void check_peer_link(const PeerLinkDraft& link, const std::vector<PairDraft>& pairs,
                     Problems& problems);

// The key of the link from a secret on one line of `path`, by HKDF-SHA256 (RFC 5869). No message
// holds a part of the secret.
Parsed<std::array<std::uint8_t, 32>> read_peer_key(const std::string& path);

}  // namespace agent::io
