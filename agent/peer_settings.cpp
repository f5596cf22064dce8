// See peer_settings.hpp.
#include "agent/peer_settings.hpp"

#include <algorithm>

namespace agent {
namespace {

constexpr Duration kShortestHeartbeat = std::chrono::milliseconds(10);
constexpr Duration kLongestHeartbeat = std::chrono::milliseconds(500);

std::string sorted_list(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : " ") + text;
  return out.empty() ? "none" : out;
}

std::string list_of(const std::vector<vrrp::VirtualAddress>& vips) {
  std::vector<std::string> texts;
  texts.reserve(vips.size());
  for (const auto& vip : vips) texts.push_back(vip.prefix.to_string());
  return sorted_list(std::move(texts));
}

std::string list_of(const std::vector<health::Endpoint>& servers) {
  std::vector<std::string> texts;
  texts.reserve(servers.size());
  for (const auto& server : servers) texts.push_back(server.to_string());
  return sorted_list(std::move(texts));
}

std::string authentication_of(const PairConfig& pair) {
  if (!pair.auth_key_file.empty()) return "auth_key_file";
  return pair.auth_type == vrrp::AuthType::none ? "none" : "auth_pass";
}

}  // namespace

PeerPair peer_pair(const PairConfig& pair) {
  const auto interval =
      std::chrono::duration_cast<std::chrono::milliseconds>(pair.advert_interval).count();
  return {.name = pair.name,
          .priority = pair.priority.value,
          .settings = {{"vips", list_of(pair.vips)},
                       {"vips_excluded", list_of(pair.vips_excluded)},
                       {"vrid", std::to_string(pair.vrid.value)},
                       {"version", std::to_string(static_cast<int>(pair.version))},
                       {"advert_interval", std::to_string(interval) + " ms"},
                       {"transport", pair.unicast_peers.empty() ? "multicast" : "unicast"},
                       {"authentication", authentication_of(pair)},
                       {"mode", pair.safe ? "safe" : "available"},
                       {"replicas", list_of(pair.replicas)},
                       {"failback", pair.failback ? "auto" : "manual"}}};
}

Duration peer_heartbeat(const PairConfig& pair) {
  const Duration interval = std::min(pair.monitor.ping_interval, pair.advert_interval);
  return std::clamp<Duration>(interval, kShortestHeartbeat, kLongestHeartbeat);
}

std::string peer_agent(const PairConfig& pair) {
  if (pair.peer_agent_host.empty()) return {};
  return pair.peer_agent_host + ":" + std::to_string(pair.peer_agent_port);
}

std::string own_agent(const PeerLinkConfig& link) {
  return link.host + ":" + std::to_string(link.port);
}

}  // namespace agent
