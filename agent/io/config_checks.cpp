// What only all pairs together can show: names, VRIDs and addresses that are used twice, and
// servers that would be reached through a VIP or through themselves.
#include <string>

#include "agent/io/config_pair.hpp"

namespace agent::io {
namespace {

std::string at_line(const Place& place) {
  return " (line " + std::to_string(place.line) + ")";
}

const PairDraft* find_vip_owner(const std::vector<PairDraft>& pairs,
                                const vrrp::IpAddress& address) {
  for (const PairDraft& pair : pairs) {
    for (const vrrp::Prefix& vip : pair.config.vips) {
      if (vip.address == address) return &pair;
    }
  }
  return nullptr;
}

const PairDraft* find_vip_owner(const std::vector<PairDraft>& pairs, const std::string& host) {
  const auto address = vrrp::IpAddress::parse(host);
  return address ? find_vip_owner(pairs, *address) : nullptr;
}

void check_identity(const std::vector<PairDraft>& pairs, std::size_t index, Problems& problems) {
  const PairDraft& pair = pairs[index];
  for (std::size_t i = 0; i < index && pair.name; ++i) {
    if (!pairs[i].name || pairs[i].config.name != pair.config.name) continue;
    problems.error(
        *pair.name, pair.label + ".name",
        "is also the name of another pair" + at_line(*pairs[i].name) + "; each pair needs its own");
    break;
  }
  for (std::size_t i = 0; i < index && pair.identity; ++i) {
    const PairConfig& other = pairs[i].config;
    const bool same = pairs[i].identity && other.vrid == pair.config.vrid &&
                      other.version == pair.config.version &&
                      other.interface == pair.config.interface;
    if (!same) continue;
    problems.error(*pair.identity, pair.label + ".vrid",
                   std::to_string(pair.config.vrid.value) + " on " + pair.config.interface +
                       " is also the VRID of " + pairs[i].label + at_line(*pairs[i].identity) +
                       "; each pair on an interface needs its own");
    break;
  }
}

// Against the VIPs before it, in its own pair and in the pairs above.
void check_vip(const std::vector<PairDraft>& pairs, std::size_t index, std::size_t vip,
               Problems& problems) {
  const PairDraft& pair = pairs[index];
  const vrrp::IpAddress& address = pair.config.vips[vip].address;
  for (std::size_t i = 0; i <= index; ++i) {
    const std::size_t end = i == index ? vip : pairs[i].vips.size();
    for (std::size_t k = 0; k < end; ++k) {
      if (pairs[i].config.vips[k].address != address) continue;
      problems.error(pair.vips[vip].place, pair.vips[vip].key,
                     i == index ? address.to_string() + " is in the list twice"
                                : address.to_string() + " is also a VIP of " + pairs[i].label +
                                      at_line(pairs[i].vips[k].place));
      return;
    }
  }
}

void check_servers(const std::vector<PairDraft>& pairs, const PairDraft& pair, Problems& problems) {
  const PairConfig& config = pair.config;
  const auto refuse_vip = [&](const std::optional<Place>& place, const std::string& key,
                              const std::string& host, const std::string& advice) {
    const PairDraft* owner = place ? find_vip_owner(pairs, host) : nullptr;
    if (owner == nullptr) return;
    problems.error(*place, pair.label + key, host + " is a VIP of " + owner->label + "; " + advice);
  };
  refuse_vip(pair.server_address, ".server.address", config.server.host,
             "it moves to the other node; write where the local server listens");
  refuse_vip(pair.replication_address, ".server.replication_address", config.replication_host,
             "REPLICAOF through the VIP makes a replica follow itself; write this host's own "
             "address");
  refuse_vip(pair.peer_server, ".peer.server", config.peer_server.host,
             "REPLICAOF through the VIP makes a replica follow itself; write the other host's own "
             "address");
  if (!pair.peer_server) return;
  const auto same_as_peer = [&](const std::string& host, std::uint16_t port) {
    return host == config.peer_server.host && port == config.peer_server.port;
  };
  const bool same_replication =
      pair.replication_address && same_as_peer(config.replication_host, config.replication_port);
  const bool same_address =
      pair.server_address && same_as_peer(config.server.host, config.server.port);
  if (!same_replication && !same_address) return;
  problems.error(*pair.peer_server, pair.label + ".peer.server",
                 "is the same as " + pair.label + ".server." +
                     (same_replication ? "replication_address" : "address") +
                     ", so the server would replicate from itself; write the other host's address");
}

void check_unicast_peer(const std::vector<PairDraft>& pairs, const PairDraft& pair,
                        std::size_t index, Problems& problems) {
  const auto& [key, place] = pair.unicast_peers[index];
  const vrrp::IpAddress& address = pair.config.unicast_peers[index];
  const std::string text = address.to_string();
  for (std::size_t i = 0; i < index; ++i) {
    if (pair.config.unicast_peers[i] != address) continue;
    problems.error(place, key, text + " is in the list twice");
    return;
  }
  if (const PairDraft* owner = find_vip_owner(pairs, address)) {
    problems.error(place, key,
                   text + " is a VIP of " + owner->label + "; write the other host's own address");
  } else if (pair.replication_address && text == pair.config.replication_host) {
    problems.error(place, key,
                   text +
                       " is the host of server.replication_address, this one; write the other "
                       "host's own address");
  }
}

}  // namespace

void check_pairs(const std::vector<PairDraft>& pairs, Problems& problems) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    check_identity(pairs, i, problems);
    for (std::size_t vip = 0; vip < pairs[i].vips.size(); ++vip) {
      check_vip(pairs, i, vip, problems);
    }
    check_servers(pairs, pairs[i], problems);
    for (std::size_t peer = 0; peer < pairs[i].unicast_peers.size(); ++peer) {
      check_unicast_peer(pairs, pairs[i], peer, problems);
    }
  }
}

}  // namespace agent::io
