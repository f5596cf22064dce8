// What of a pair's configuration the two nodes must agree about, in words that people compare.
#pragma once

#include "agent/config.hpp"
#include "agent/peer_message.hpp"

namespace agent {

// Nothing secret is in it: of authentication only the kind.
PeerPair peer_pair(const PairConfig& pair);

// How often the agents speak of it. A word of the other agent must be as fresh as the other
// witnesses of its life, adverts and its server's answers, so it is sent as often.
Duration peer_heartbeat(const PairConfig& pair);

// "192.168.1.113:7112", by which nodes call an agent; empty: the pair names none.
std::string peer_agent(const PairConfig& pair);
std::string own_agent(const PeerLinkConfig& link);

}  // namespace agent
