// What only all pairs together can show: names, VRIDs and addresses that are used twice, and
// servers that would be reached through a VIP or through themselves.
#include <algorithm>
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
    for (const VipDraft& draft : pair.vips) {
      if (draft.vip.prefix.address == address) return &pair;
    }
  }
  return nullptr;
}

const PairDraft* find_vip_owner(const std::vector<PairDraft>& pairs, const std::string& host) {
  const auto address = vrrp::IpAddress::parse(host);
  return address ? find_vip_owner(pairs, *address) : nullptr;
}

// The same number over IPv4 and over IPv6 is two groups.
bool share_a_family(const PairConfig& one, const PairConfig& other) {
  return std::any_of(one.vips.begin(), one.vips.end(), [&](const vrrp::VirtualAddress& vip) {
    return std::any_of(other.vips.begin(), other.vips.end(), [&](const auto& its) {
      return its.prefix.address.family() == vip.prefix.address.family();
    });
  });
}

// Link-local addresses may repeat on another link.
bool collide(const vrrp::VirtualAddress& one, const vrrp::VirtualAddress& other) {
  return one.prefix.address == other.prefix.address &&
         (!one.prefix.address.is_link_local() || one.interface == other.interface);
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
                      other.interface == pair.config.interface &&
                      share_a_family(other, pair.config);
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
  const auto& [checked, at] = pair.vips[vip];
  const std::string address = checked.prefix.address.to_string();
  for (std::size_t i = 0; i <= index; ++i) {
    const std::size_t end = i == index ? vip : pairs[i].vips.size();
    for (std::size_t k = 0; k < end; ++k) {
      const auto& [other, other_at] = pairs[i].vips[k];
      if (!collide(checked, other)) continue;
      const bool same_list = (k < pair.config.vips.size()) == (vip < pair.config.vips.size());
      std::string what = " is in the list twice";
      if (i == index && !same_list) what = " is also in vips" + at_line(other_at.place);
      if (i != index) what = " is also a VIP of " + pairs[i].label + at_line(other_at.place);
      problems.error(at.place, at.key, address + what);
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

// The adverts' own address, against what belongs to others.
void check_source(const std::vector<PairDraft>& pairs, const PairDraft& pair, std::size_t index,
                  Problems& problems) {
  const auto& [key, place] = pair.sources[index];
  const vrrp::IpAddress& address = pair.config.sources[index];
  const std::string text = address.to_string();
  const auto& peers = pair.config.unicast_peers;
  if (const PairDraft* owner = find_vip_owner(pairs, address)) {
    problems.error(place, key,
                   text + " is a VIP of " + owner->label + "; write this host's own address");
  } else if (std::find(peers.begin(), peers.end(), address) != peers.end()) {
    problems.error(place, key,
                   text + " is in unicast_peers, the other host's; write this host's own address");
  } else if (pair.peer_server && text == pair.config.peer_server.host) {
    problems.error(place, key,
                   text +
                       " is the host of peer.server, the other one; write this host's own "
                       "address");
  }
}

// Which server of a pair listens there: "its own server", "the peer's server", "a replica".
std::optional<std::string> server_at(const PairConfig& pair, const health::Endpoint& endpoint,
                                     std::size_t replicas) {
  const health::Endpoint local{pair.server.host, pair.server.port};
  const health::Endpoint own{pair.replication_host, pair.replication_port};
  if (endpoint == local || endpoint == own) return "the local server";
  const health::Endpoint peer{pair.peer_server.host, pair.peer_server.port};
  if (endpoint == peer) return "the peer's server";
  const auto end = pair.replicas.begin() + static_cast<std::ptrdiff_t>(replicas);
  if (std::find(pair.replicas.begin(), end, endpoint) != end) return "a replica";
  return std::nullopt;
}

// A server has one master: what is in the pair already, or in another pair, would be pulled to and
// fro.
void check_replica(const std::vector<PairDraft>& pairs, std::size_t number, std::size_t index,
                   Problems& problems) {
  const PairDraft& pair = pairs[number];
  const auto& [key, place] = pair.replicas[index];
  const health::Endpoint& endpoint = pair.config.replicas[index];
  if (const PairDraft* owner = find_vip_owner(pairs, endpoint.host)) {
    problems.error(
        place, key,
        endpoint.host + " is a VIP of " + owner->label + "; write the replica's own address");
    return;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const PairConfig& other = pairs[i].config;
    const std::size_t before = i < number ? other.replicas.size() : i == number ? index : 0;
    const auto what = server_at(other, endpoint, before);
    if (!what) continue;
    problems.error(place, key,
                   endpoint.to_string() + " is " + *what + " of " + pairs[i].label +
                       " already; a server replicates from one master only");
    return;
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
    for (std::size_t replica = 0; replica < pairs[i].replicas.size(); ++replica) {
      check_replica(pairs, i, replica, problems);
    }
    for (std::size_t source = 0; source < pairs[i].sources.size(); ++source) {
      check_source(pairs, pairs[i], source, problems);
    }
  }
}

}  // namespace agent::io
