// From the configuration to what each family sends and admits.
#include "agent/voices.hpp"

#include <algorithm>

namespace agent {
namespace {

vrrp::AdmissionRules admission_rules(const PairConfig& pair, vrrp::Family family) {
  vrrp::AdmissionRules rules;
  rules.version = pair.version;
  rules.vrid = pair.vrid;
  rules.interval = pair.advert_interval;
  rules.auth_type = pair.auth_type;
  rules.auth = pair.auth_pass;
  rules.addresses = advertised(pair, family);
  rules.unicast_ttl_min = pair.unicast_ttl_min;
  rules.require_same_addresses = pair.strict_vips;
  for (const auto& peer : pair.unicast_peers) {
    if (peer.family() == family) rules.unicast_peers.push_back(peer);
  }
  return rules;
}

}  // namespace

std::vector<Voice> make_voices(const PairConfig& pair) {
  std::vector<Voice> voices;
  for (const vrrp::Family family : {vrrp::Family::ipv4, vrrp::Family::ipv6}) {
    Voice voice;
    voice.family = family;
    voice.rules = admission_rules(pair, family);
    if (voice.rules.addresses.empty()) continue;
    voice.destinations = voice.rules.unicast_peers;
    if (voice.destinations.empty()) voice.destinations = {vrrp::multicast_group(family)};
    for (const auto& source : pair.sources) {
      if (source.family() == family) voice.wanted_source = source;
    }
    voices.push_back(std::move(voice));
  }
  return voices;
}

std::vector<vrrp::IpAddress> advertised(const PairConfig& pair, vrrp::Family family) {
  std::vector<vrrp::IpAddress> out;
  for (const auto& vip : pair.vips) {
    if (vip.prefix.address.family() == family) out.push_back(vip.prefix.address);
  }
  const auto link_local = std::find_if(out.begin(), out.end(), [](const vrrp::IpAddress& address) {
    return address.is_link_local();
  });
  if (link_local != out.end()) std::rotate(out.begin(), link_local, link_local + 1);
  return out;
}

std::vector<vrrp::VirtualAddress> all_vips(const PairConfig& pair) {
  std::vector<vrrp::VirtualAddress> out = pair.vips;
  out.insert(out.end(), pair.vips_excluded.begin(), pair.vips_excluded.end());
  return out;
}

}  // namespace agent
