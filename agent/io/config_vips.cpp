// The addresses of [[pair]]: the VIPs in their two forms, where adverts come from and go to, and
// what RFC 9568 asks of them per family. Against other pairs: config_checks.
#include <algorithm>

#include "agent/io/config_pair.hpp"

namespace agent::io {
namespace {

constexpr std::size_t kMaxVips = 255;  // one byte counts them in an advertisement
// 40 bytes of IPv6, 8 of VRRP and these fill 1488 of the 1500 bytes of an Ethernet frame.
constexpr std::size_t kMaxIpv6Vips = 90;
constexpr std::size_t kMaxIpv6VipsSigned = 88;  // 28 bytes of authentication follow them
constexpr int kHostPrefix = 32;
constexpr std::size_t kMaxLabel = 15;  // IFNAMSIZ without the final zero

bool is_ipv6(const vrrp::IpAddress& address) {
  return address.family() == vrrp::Family::ipv6;
}

std::size_t count_ipv6(const std::vector<vrrp::VirtualAddress>& vips) {
  return static_cast<std::size_t>(std::count_if(
      vips.begin(), vips.end(), [](const auto& vip) { return is_ipv6(vip.prefix.address); }));
}

bool has_family(const std::vector<vrrp::VirtualAddress>& vips, vrrp::Family family) {
  return std::any_of(vips.begin(), vips.end(),
                     [family](const auto& vip) { return vip.prefix.address.family() == family; });
}

Parsed<vrrp::AddressScope> parse_scope(const ConfigNode& node) {
  const auto word = parse_choice(node, {"global", "site", "link", "host"});
  if (const auto* refusal = std::get_if<Refusal>(&word)) return *refusal;
  if (node.text == "site") return vrrp::AddressScope::site;
  if (node.text == "link") return vrrp::AddressScope::link;
  return node.text == "host" ? vrrp::AddressScope::host : vrrp::AddressScope::global;
}

// { address = "192.168.1.120/24", interface = "eth1", label = "eth1:vip", scope = "global" }
std::optional<vrrp::VirtualAddress> read_vip_table(TableReader reader,
                                                   const std::string& pair_interface) {
  vrrp::VirtualAddress vip;
  vip.interface = pair_interface;
  const bool good = reader.require("address", vip.prefix, parse_vip,
                                   "write it as in address = \"192.168.1.120/24\"");
  const bool interface_good = reader.read("interface", vip.interface, parse_interface) ||
                              reader.find("interface") == nullptr;
  reader.read("label", vip.label,
              [](const ConfigNode& node) { return parse_text(node, kMaxLabel); });
  reader.read("scope", vip.scope, parse_scope);
  reader.finish();
  const bool ipv6 = good && is_ipv6(vip.prefix.address);
  if (ipv6 && reader.accepted("label")) {
    reader.error("label", "is for IPv4 only; remove it");
  } else if (reader.accepted("label") && interface_good && !vip.interface.empty() &&
             !vip.label.starts_with(vip.interface)) {
    reader.error("label", quoted(vip.label) + " does not begin with the name of the interface; " +
                              "write for instance \"" + vip.interface + ":vip\"");
  }
  if (ipv6 && reader.accepted("scope")) {
    reader.error("scope", "is for IPv4 only; an IPv6 address has its scope in itself; remove it");
  }
  const bool behind_a_network = good && !ipv6 && vip.prefix.length < kHostPrefix;
  if (behind_a_network && vip.scope == vrrp::AddressScope::host) {
    std::string what = "\"host\" says that only this host knows the address, and /";
    what += std::to_string(vip.prefix.length);
    what +=
        " that a network is behind it; write the prefix /32, or scope = \"link\" or \"global\" for "
        "clients on other hosts";
    reader.warning("scope", std::move(what));
  }
  return good ? std::optional(vip) : std::nullopt;
}

// True: a list, and every element of it is good.
bool read_vips(TableReader& reader, std::string_view key, PairDraft& draft,
               std::vector<vrrp::VirtualAddress>& target, Problems& problems) {
  const ConfigNode* node = reader.find(key);
  if (node == nullptr) return false;
  if (node->kind != ValueKind::array) {
    reader.error(key, wrong_type(*node, "an array").what);
    return false;
  }
  bool all_good = true;
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    const ConfigNode& element = node->children[i];
    const KeyPlace at{reader.key_name(key) + "[" + std::to_string(i + 1) + "]", element.place};
    std::optional<vrrp::VirtualAddress> vip;
    if (element.kind == ValueKind::table) {
      vip = read_vip_table(TableReader(element, at.key, problems), draft.config.interface);
    } else {
      const auto prefix = parse_vip(element);
      if (const auto* refusal = std::get_if<Refusal>(&prefix)) {
        problems.error(at.place, at.key, refusal->what);
      } else {
        vip = vrrp::VirtualAddress{std::get<vrrp::Prefix>(prefix), draft.config.interface, {}, {}};
      }
    }
    all_good = all_good && vip.has_value();
    if (!vip) continue;
    target.push_back(*vip);
    draft.vips.push_back({*vip, at});
  }
  return all_good;
}

// What an advertisement can carry, and what it must (RFC 9568 section 5.2.9).
void check_advertised(TableReader& reader, const PairConfig& pair, bool version_known) {
  const std::size_t ipv6 = count_ipv6(pair.vips);
  if (ipv6 == 0) return;
  if (version_known && pair.version == vrrp::Version::v2) {
    reader.error("vips",
                 "has IPv6 addresses, which VRRP version 2 cannot advertise; move them to "
                 "vips_excluded, or write version = 3 on both nodes");
    return;
  }
  const std::size_t most = pair.auth.keys.empty() ? kMaxIpv6Vips : kMaxIpv6VipsSigned;
  if (ipv6 > most) {
    std::string what = "has more than " + std::to_string(most);
    what +=
        " IPv6 addresses, whose advert would not fit into one packet; move some to "
        "vips_excluded";
    reader.error("vips", std::move(what));
  }
  const bool has_link_local = std::any_of(pair.vips.begin(), pair.vips.end(), [](const auto& vip) {
    return vip.prefix.address.is_link_local();
  });
  if (!has_link_local) {
    reader.error("vips",
                 "has IPv6 addresses but no link-local one, which IPv6 adverts must begin with; "
                 "add one that is free, as in \"fe80::" +
                     std::to_string(pair.vrid.value) +
                     "/64\", on both nodes, or move the IPv6 addresses to vips_excluded");
  }
}

void read_sources(TableReader& reader, PairDraft& draft) {
  const ConfigNode* node = reader.find("source");
  if (node == nullptr) return;
  auto& sources = draft.config.sources;
  if (node->kind == ValueKind::array) {
    reader.read_list("source", sources, draft.sources, parse_host_address);
  } else if (vrrp::IpAddress one; reader.read("source", one, parse_host_address)) {
    sources.push_back(one);
    draft.sources.push_back({reader.key_name("source"), node->place});
  }
  for (std::size_t i = 1; i < sources.size(); ++i) {
    const bool again = std::any_of(
        sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(i),
        [&](const vrrp::IpAddress& before) { return before.family() == sources[i].family(); });
    if (!again) continue;
    reader.error("source", "has two addresses of one family; write one for IPv4 and one for IPv6");
    return;
  }
}

// Sources and peers of families in which there is nothing to advertise, and IPv6 addresses that the
// adverts would not come from.
void check_families(const PairDraft& draft, Problems& problems) {
  const PairConfig& pair = draft.config;
  const auto spoken = [&](const vrrp::IpAddress& address) {
    return has_family(pair.vips, address.family());
  };
  const auto nothing_to_say = [](const vrrp::IpAddress& address) {
    const std::string family(vrrp::to_string(address.family()));
    return address.to_string() + " is " + family + ", but vips has no " + family +
           " address, so no advert would use it; remove it";
  };
  const auto& peers = pair.unicast_peers;
  const bool ipv6_by_unicast = std::any_of(peers.begin(), peers.end(), is_ipv6);
  const bool names_ipv6_source = std::any_of(pair.sources.begin(), pair.sources.end(), is_ipv6);
  for (std::size_t i = 0; i < draft.sources.size(); ++i) {
    const vrrp::IpAddress& source = pair.sources[i];
    const auto& [key, place] = draft.sources[i];
    if (!spoken(source)) {
      problems.error(place, key, nothing_to_say(source));
    } else if (is_ipv6(source) && !source.is_link_local() && !ipv6_by_unicast) {
      problems.error(place, key,
                     source.to_string() +
                         " is not link-local, as the source of IPv6 multicast must be; write this "
                         "host's own address of fe80::/10, or leave the key out");
    }
  }
  for (std::size_t i = 0; i < draft.unicast_peers.size(); ++i) {
    const auto& [key, place] = draft.unicast_peers[i];
    if (!spoken(peers[i])) {
      problems.error(place, key, nothing_to_say(peers[i]));
    } else if (is_ipv6(peers[i]) && !peers[i].is_link_local() && !names_ipv6_source) {
      problems.error(place, key,
                     peers[i].to_string() +
                         " is not link-local, but adverts come from the link-local address unless "
                         "`source` names another; write source = \"...\", this host's own one");
    }
  }
}

// Half by unicast and half by multicast would be a surprise.
void check_peers_of_each_family(TableReader& reader, const PairConfig& pair) {
  const auto& peers = pair.unicast_peers;
  if (peers.empty()) return;
  for (const vrrp::Family family : {vrrp::Family::ipv4, vrrp::Family::ipv6}) {
    const bool has_peer = std::any_of(
        peers.begin(), peers.end(), [family](const auto& peer) { return peer.family() == family; });
    if (has_peer || !has_family(pair.vips, family)) continue;
    const std::string word(vrrp::to_string(family));
    std::string what = "has no " + word;
    what += " address, but vips has; add the other host's " + word;
    what += " address, or move those VIPs to vips_excluded";
    reader.error("unicast_peers", std::move(what));
  }
}

}  // namespace

void read_addresses(TableReader& reader, PairDraft& draft, bool version_known, Problems& problems) {
  PairConfig& pair = draft.config;
  reader.read_list("unicast_peers", pair.unicast_peers, draft.unicast_peers, parse_host_address);
  reader.read("unicast_ttl_min", pair.unicast_ttl_min,
              [](const ConfigNode& node) { return parse_integer(node, 1, 255); });
  read_sources(reader, draft);
  const ConfigNode* vips = reader.find("vips");
  if (vips == nullptr) {
    reader.error("vips", "is missing; write at least one, as in vips = [\"192.168.1.120/24\"]");
  }
  const bool good = read_vips(reader, "vips", draft, pair.vips, problems) && vips != nullptr;
  if (good && vips->children.empty()) {
    reader.error("vips", "is empty; write at least one, as in vips = [\"192.168.1.120/24\"]");
  }
  if (good && vips->children.size() > kMaxVips) {
    reader.error("vips", "has more than 255 addresses, which is what an advertisement can carry");
  }
  read_vips(reader, "vips_excluded", draft, pair.vips_excluded, problems);
  reader.read("strict_vips", pair.strict_vips, parse_boolean);
  if (!good || pair.vips.empty()) return;
  check_advertised(reader, pair, version_known);
  check_families(draft, problems);
  check_peers_of_each_family(reader, pair);
}

}  // namespace agent::io
