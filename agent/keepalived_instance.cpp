// A vrrp_instance: its addresses, its router, its tracks and scripts.
#include <algorithm>
#include <array>

#include "agent/keepalived_advice.hpp"
#include "agent/keepalived_blocks.hpp"
#include "agent/keepalived_words.hpp"
#include "vrrp/address.hpp"

namespace agent::keepalived {
namespace {

constexpr int kMaxByte = 255;
constexpr int kMaxVersion = 3;
constexpr int kMaxDownAdverts = 100;
constexpr double kMaxAdvert = 255;
constexpr double kMaxPreemptDelay = 1000;
constexpr int kIpv4Bits = 32;
constexpr int kIpv6Bits = 128;

class Reader {
 public:
  Reader(const Node& block, const Globals& globals) {
    instance_.place = block.place;
    instance_.name = block.argument();
    instance_.version = globals.version;
    instance_.down_adverts = globals.down_adverts;
    instance_.announce = globals.announce;
    for (const Node& node : block.children) read(node);
    if (instance_.interface.empty()) instance_.interface = globals.default_interface;
  }

  Instance take() { return std::move(instance_); }

 private:
  void note(const Node& node, std::string what, Section section = Section::pair) {
    instance_.notes.push_back({node.place, std::move(what), section});
  }

  void read(const Node& node) {
    const std::string& word = node.keyword();
    if (read_block(node) || read_router(node)) return;
    if (read_notify(node, instance_.notifies)) return;
    if (read_announce(node, "", instance_.announce, instance_.notes)) return;
    add_advice(node, advice_for_instance(word), Section::pair, instance_.notes);
  }

  bool read_block(const Node& node) {
    const std::string& word = node.keyword();
    if (read_tracks(node, instance_.tracks, instance_.notes)) return true;
    if (word == "virtual_ipaddress") {
      for (const Node& one : node.children) read_vip(one, instance_.vips);
    } else if (word == "virtual_ipaddress_excluded") {
      for (const Node& one : node.children) read_vip(one, instance_.excluded);
    } else if (word == "authentication") {
      read_authentication(node);
    } else if (word == "unicast_peer") {
      for (const Node& one : node.children) read_peer(one);
    } else {
      return false;
    }
    return true;
  }

  bool read_router(const Node& node) {
    const std::string& word = node.keyword();
    if (word == "interface") {
      instance_.interface = node.argument();
    } else if (word == "virtual_router_id") {
      instance_.vrid = to_integer(node.argument(), 1, kMaxByte);
      if (!instance_.vrid) instance_.notes.push_back(bad_value(node, "a number from 1 to 255"));
    } else if (word == "priority") {
      read_priority(node);
    } else if (word == "advert_int") {
      const auto seconds = to_seconds(node.argument(), kMaxAdvert);
      if (!seconds || *seconds <= 0) return bad(node, "a time of at most 255 seconds");
      instance_.advert_interval = *seconds;
    } else if (word == "version") {
      const auto version = to_integer(node.argument(), 2, kMaxVersion);
      if (!version) return bad(node, "2 or 3");
      instance_.version = version;
    } else if (word == "down_timer_adverts") {
      const auto adverts = to_integer(node.argument(), 1, kMaxDownAdverts);
      if (!adverts) return bad(node, "a number from 1 to 100");
      instance_.down_adverts = adverts;
    } else if (word == "nopreempt") {
      instance_.nopreempt = true;
    } else if (word == "preempt_delay") {
      const auto delay = to_seconds(node.argument(), kMaxPreemptDelay);
      if (!delay) return bad(node, "a number of seconds up to 1000");
      instance_.preempt_delay = *delay;
    } else if (word == "state") {
      instance_.state = node.argument();
    } else if (word == "mcast_src_ip" || word == "unicast_src_ip") {
      if (!vrrp::IpAddress::parse(node.argument())) return bad(node, "an address");
      instance_.source = node.argument();
    } else {
      return false;
    }
    return true;
  }

  bool bad(const Node& node, const std::string& allowed) {
    instance_.notes.push_back(bad_value(node, allowed, Section::pair));
    return true;
  }

  void read_priority(const Node& node) {
    const auto priority = to_integer(node.argument(), 1, kMaxByte);
    if (!priority) {
      bad(node, "a number from 1 to 255");
      return;
    }
    instance_.priority_given = true;
    instance_.priority = std::min(*priority, kMaxByte - 1);
    if (*priority == kMaxByte) {
      note(node,
           "priority 255 becomes 254: 255 means address owner, who would seize the role without a "
           "look at the data");
    }
  }

  void read_authentication(const Node& block) {
    instance_.auth_place = block.place;
    std::string type = "PASS";
    std::string password;
    for (const Node& node : block.children) {
      if (node.keyword() == "auth_type") type = node.argument();
      if (node.keyword() == "auth_pass") password = node.argument();
    }
    if (lower(type) == "pass") {
      instance_.auth_pass = password;
      return;
    }
    note(block, "auth_type " + clean(type.substr(0, 16)) +
                    " is not carried over; sign adverts with auth_key_file (HMAC-SHA256) once both "
                    "hosts run Tandem");
  }

  // "ADDRESS [min_ttl N] [max_ttl N]"
  void read_peer(const Node& node) {
    if (!vrrp::IpAddress::parse(node.keyword())) {
      return note(node, shown(node.keyword()) + " is not the address of a peer; it is left out");
    }
    instance_.unicast_peers.push_back(node.keyword());
    for (std::size_t i = 1; i + 1 < node.words.size(); i += 2) {
      if (node.words[i] == "min_ttl")
        instance_.ttl_min = to_integer(node.words[i + 1], 1, kMaxByte);
    }
  }

  // "ADDRESS[/LENGTH] [dev eth1] [label eth1:1] [scope link] ..."
  void read_vip(const Node& node, std::vector<Vip>& list) {
    const std::string& word = node.keyword();
    const std::size_t slash = word.find('/');
    const auto address = vrrp::IpAddress::parse(word.substr(0, slash));
    if (!address) {
      return note(node, shown(word) +
                            " is not a numeric address; it is left out, write the address "
                            "itself into vips");
    }
    Vip vip;
    vip.place = node.place;
    vip.address = address->to_string();
    vip.ipv6 = address->family() == vrrp::Family::ipv6;
    const int bits = vip.ipv6 ? kIpv6Bits : kIpv4Bits;
    vip.length = bits;
    if (slash != std::string::npos) {
      const auto length = to_integer(word.substr(slash + 1), 1, bits);
      if (!length) return note(node, shown(word) + " has no good prefix length; it is left out");
      vip.length = *length;
    }
    read_vip_options(node, vip);
    list.push_back(std::move(vip));
  }

  void read_vip_options(const Node& node, Vip& vip) {
    static constexpr std::array<std::string_view, 5> kWithValue{"brd", "broadcast", "peer",
                                                                "preferred_lft", "metric"};
    for (std::size_t i = 1; i < node.words.size(); ++i) {
      const std::string& word = node.words[i];
      const std::string value = node.argument(i + 1);
      if (word == "dev") {
        vip.interface = value;
      } else if (word == "label") {
        vip.label = value;
      } else if (word == "scope") {
        vip.scope = value;
      } else {
        const bool takes_one =
            std::find(kWithValue.begin(), kWithValue.end(), word) != kWithValue.end();
        note(node, clean(word) + " of the address " + vip.address +
                       " is not carried over; Tandem adds a VIP with its prefix, interface, label "
                       "and scope only");
        if (!takes_one) continue;
      }
      ++i;
    }
  }

  Instance instance_;
};

}  // namespace

Instance read_instance(const Node& block, const Globals& globals) {
  return Reader(block, globals).take();
}

}  // namespace agent::keepalived
