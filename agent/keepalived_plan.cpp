// See keepalived_plan.hpp: from instances to pairs. Scripts and servers have files of their own.
#include "agent/keepalived_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "agent/keepalived_toml.hpp"
#include "agent/keepalived_words.hpp"
#include "vrrp/address.hpp"

namespace agent::keepalived {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxLabel = 15;
constexpr std::size_t kMaxInterface = 15;
constexpr int kDefaultVersion = 2;  // keepalived's, when nothing names one
constexpr int kVersion3 = 3;

// What tandem.toml takes as a name.
std::string to_name(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, kMaxName)) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.' || c == '-';
    out += good ? c : '_';
  }
  return out.empty() ? "redis" : out;
}

template <typename Element>
void append(std::vector<Element>& to, std::vector<Element>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void add_notifies(Notifies& to, const Notifies& from, std::vector<Note>& notes) {
  const auto add = [&notes](std::optional<Command>& target, const std::optional<Command>& source) {
    if (!source) return;
    if (!target) {
      target = source;
    } else if (target->line != source->line) {
      notes.push_back({source->place,
                       "a second script for one state is not carried over; let the first one, " +
                           shown_command(target->line) + ", call it",
                       Section::notify});
    }
  };
  add(to.master, from.master);
  add(to.backup, from.backup);
  add(to.fault, from.fault);
  add(to.stop, from.stop);
  add(to.any, from.any);
}

void add_tracks(Tracks& to, Tracks from) {
  append(to.interfaces, from.interfaces);
  append(to.scripts, from.scripts);
  append(to.files, from.files);
}

// What an instance says of its own adverts, which are not sent any more.
std::string left_out(const Instance& other) {
  std::string words;
  const auto add = [&words](bool given, std::string_view word) {
    if (!given) return;
    if (!words.empty()) words += ", ";
    words += word;
  };
  add(other.priority_given, "priority");
  add(!other.unicast_peers.empty(), "unicast_peer");
  add(!other.source.empty(), "mcast_src_ip or unicast_src_ip");
  add(other.nopreempt, "nopreempt");
  add(other.preempt_delay > 0, "preempt_delay");
  add(!other.auth_pass.empty(), "auth_pass");
  add(other.ttl_min.has_value(), "min_ttl");
  add(other.down_adverts.has_value(), "down_timer_adverts");
  return words;
}

// Another instance of the group: its addresses move with those of the first.
void take_in(Instance& first, Instance other, const SyncGroup& group) {
  std::string what = "vrrp_instance " + shown(other.name);
  what += " becomes part of the pair, because vrrp_sync_group " + shown(group.name);
  what +=
      " moves both together: its addresses are in vips_excluded, and its own VRID is not spoken "
      "any more, so migrate both hosts at one time";
  if (const std::string lost = left_out(other); !lost.empty()) {
    what += "; what it says of " + lost + " is not carried over, the first one's counts";
  }
  first.notes.push_back({other.place, what, Section::pair});
  for (auto* list : {&other.vips, &other.excluded}) {
    for (Vip& vip : *list) {
      if (vip.interface.empty()) vip.interface = other.interface;
    }
    append(first.excluded, *list);
  }
  if (other.interface != first.interface && !other.interface.empty()) {
    first.tracks.interfaces.push_back({other.place, other.interface, std::nullopt, false});
  }
  add_tracks(first.tracks, std::move(other.tracks));
  add_notifies(first.notifies, other.notifies, first.notes);
  append(first.notes, other.notes);
}

class Router {
 public:
  explicit Router(PairPlan& pair) : pair_(pair), instance_(pair.instance) {}

  void run() {
    choose_version();
    check_vips(instance_.vips, Section::pair);
    check_vips(instance_.excluded, Section::pair);
    add_link_local();
    choose_failback();
    choose_sources();
    for (const Track& track : instance_.tracks.interfaces) track_interface(track);
  }

 private:
  void note(const Place& place, std::string what, Section section = Section::pair) {
    pair_.notes.push_back({place, std::move(what), section});
  }

  // keepalived's rule: IPv6 addresses are advertised by version 3.
  void choose_version() {
    const bool ipv6 = !instance_.vips.empty() && instance_.vips.front().ipv6;
    pair_.version = ipv6 ? kVersion3 : instance_.version.value_or(kDefaultVersion);
    if (pair_.version == kVersion3 && !instance_.auth_pass.empty()) {
      instance_.auth_pass.clear();
      note(instance_.auth_place,
           "auth_pass is not carried over, version 3 has no passwords; sign adverts with "
           "auth_key_file once both hosts run Tandem");
    }
    // keepalived itself rounds it.
    const double interval = instance_.advert_interval;
    if (pair_.version != kVersion3 && std::ceil(interval) > interval) {
      note(instance_.place,
           "advert_int " + duration_text(interval) +
               " is not possible in version 2 and becomes whole seconds; the same must be on both "
               "hosts");
    }
  }

  void check_vips(std::vector<Vip>& vips, Section section) {
    static constexpr std::array<std::string_view, 5> kScopes{"", "global", "site", "link", "host"};
    for (Vip& vip : vips) {
      const std::string interface = vip.interface.empty() ? instance_.interface : vip.interface;
      const bool label_fits = !vip.ipv6 && vip.label.size() <= kMaxLabel &&
                              vip.label.starts_with(interface) && clean(vip.label) == vip.label;
      if (!vip.label.empty() && !label_fits) {
        note(vip.place,
             "the label of " + vip.address +
                 " is not carried over; a label is for IPv4 and begins with the interface's name",
             section);
        vip.label.clear();
      }
      const bool scope_fits = std::find(kScopes.begin(), kScopes.end(), vip.scope) != kScopes.end();
      if (!vip.scope.empty() && (vip.ipv6 || !scope_fits)) {
        note(vip.place,
             "the scope of " + vip.address +
                 " is not carried over; it is global, site, link or host, and for IPv4",
             section);
        vip.scope.clear();
      }
      if (vip.interface.size() > kMaxInterface) vip.interface.clear();
    }
    drop_doubles(vips);
  }

  // An address stands in one list, once.
  void drop_doubles(std::vector<Vip>& vips) {
    const auto again = [this](const Vip& vip) {
      if (addresses_.insert(vip.address).second) return false;
      note(vip.place, vip.address + " is there twice; it is written once");
      return true;
    };
    std::erase_if(vips, again);
  }

  // RFC 9568 section 5.2.9; keepalived does without.
  void add_link_local() {
    const auto is_ipv6 = [](const Vip& vip) { return vip.ipv6; };
    const auto is_local = [](const Vip& vip) {
      const auto address = vrrp::IpAddress::parse(vip.address);
      return address && address->is_link_local();
    };
    auto& vips = instance_.vips;
    const bool ipv6 = std::any_of(vips.begin(), vips.end(), is_ipv6);
    if (!ipv6 || std::any_of(vips.begin(), vips.end(), is_local)) return;
    Vip vip;
    vip.place = vips.front().place;
    vip.address = "fe80::" + std::to_string(instance_.vrid.value_or(1));
    vip.length = 64;
    vip.ipv6 = true;
    note(vip.place,
         "the address " + vip.address +
             " is new: adverts over IPv6 begin with a link-local one; choose one that is free, the "
             "same on both hosts");
    vips.insert(vips.begin(), vip);
  }

  void choose_failback() { pair_.failback = !instance_.nopreempt; }

  // A source or a peer of a family that is not advertised is refused by the agent.
  void choose_sources() {
    const bool ipv6 = !instance_.vips.empty() && instance_.vips.front().ipv6;
    const auto fits = [ipv6](const std::string& text) {
      const auto address = vrrp::IpAddress::parse(text);
      return address && (address->family() == vrrp::Family::ipv6) == ipv6;
    };
    if (!instance_.source.empty() && !fits(instance_.source)) {
      note(instance_.place,
           "the source address " + instance_.source +
               " is of another family than the VIPs, so adverts come from another one");
      pair_.source_fits = false;
    }
    std::set<std::string> known;
    std::erase_if(instance_.unicast_peers, [&](const std::string& peer) {
      const bool own = peer == instance_.source;
      if (own) note(instance_.place, peer + " is this host itself, no unicast peer; left out");
      return own || !fits(peer) || !known.insert(peer).second;
    });
  }

  void track_interface(const Track& track) {
    if (track.name == instance_.interface || track.name.size() > kMaxInterface) return;
    const auto& list = pair_.interfaces;
    if (std::find(list.begin(), list.end(), track.name) != list.end()) return;
    if (track.weight.value_or(0) != 0 || track.reverse) {
      note(track.place,
           "the weight of track_interface " + shown(track.name) +
               " is not carried over: while it is down the host does not lead; take "
               "it out of track_interfaces if that is too much",
           Section::track);
    }
    pair_.interfaces.push_back(track.name);
  }

  PairPlan& pair_;
  Instance& instance_;
  std::set<std::string> addresses_;
};

void plan_files(const Setup& setup, PairPlan& pair) {
  std::set<std::string> known;
  for (const Track& track : pair.instance.tracks.files) {
    const auto found = setup.files.find(track.name);
    if (found == setup.files.end() || found->second.path.empty()) {
      pair.notes.push_back({track.place,
                            "track_file " + shown(track.name) + " names no file; it is left out",
                            Section::track});
      continue;
    }
    if (!known.insert(track.name).second) continue;
    const FileDefinition& file = found->second;
    const int weight = track.weight.value_or(file.weight);
    if (weight != 0) {
      pair.notes.push_back({track.place,
                            "the weight " + std::to_string(weight) + " of track_file " +
                                shown(track.name) +
                                " is not carried over: a number other than 0 in the file keeps the "
                                "host from leading",
                            Section::track});
    }
    pair.files.push_back({to_name(track.name), file.path});
  }
}

void make_unique(std::string& name, std::set<std::string>& names) {
  const std::string first = name.substr(0, kMaxName - 4);
  for (int number = 2; !names.insert(name).second; ++number) {
    name = first + "_" + std::to_string(number);
  }
}

// Two pairs cannot make one server master and replica.
void check_shared_servers(std::vector<PairPlan>& pairs) {
  std::map<std::string, std::string> owners;
  for (PairPlan& pair : pairs) {
    const auto [owner, first] = owners.emplace(pair.servers.address, pair.name);
    if (first || pair.servers.address.empty()) continue;
    pair.notes.push_back({pair.instance.place,
                          "this pair has the server of the pair " + shown(owner->second) +
                              ", and one server has one role: name another, or put its addresses "
                              "into vips of that pair and take this one out",
                          Section::server});
    pair.servers.address.clear();
  }
}

}  // namespace

std::vector<Instance> merge_groups(Setup& setup, std::vector<Note>& notes) {
  std::vector<Instance> out;
  std::map<std::string, const SyncGroup*> group_of;
  for (const SyncGroup& group : setup.groups) {
    for (const std::string& member : group.members) group_of.emplace(member, &group);
  }
  std::map<const SyncGroup*, std::size_t> first_of;
  for (Instance& instance : setup.instances) {
    const auto group = group_of.find(instance.name);
    if (group == group_of.end()) {
      out.push_back(std::move(instance));
      continue;
    }
    const auto [first, is_first] = first_of.emplace(group->second, out.size());
    if (!is_first) {
      take_in(out[first->second], std::move(instance), *group->second);
      continue;
    }
    add_tracks(instance.tracks, group->second->tracks);
    add_notifies(instance.notifies, group->second->notifies, instance.notes);
    out.push_back(std::move(instance));
  }
  for (const SyncGroup& group : setup.groups) {
    if (first_of.contains(&group)) continue;
    notes.push_back({group.place,
                     "vrrp_sync_group " + shown(group.name) + " has no instance of this file",
                     Section::file});
  }
  return out;
}

Plan make_plan(Setup setup, const Surroundings& around) {
  Plan plan;
  plan.notes = std::move(setup.notes);
  std::set<std::string> names;
  for (Instance& instance : merge_groups(setup, plan.notes)) {
    PairPlan pair;
    pair.name = to_name(instance.name);
    make_unique(pair.name, names);
    pair.priority = instance.priority;
    pair.fifo = setup.globals.fifo.starts_with('/') ? setup.globals.fifo : "";
    pair.notes = std::move(instance.notes);
    pair.instance = std::move(instance);
    Router(pair).run();
    std::vector<SeenScript> seen;
    plan_scripts(setup, around, pair, seen);
    plan_files(setup, pair);
    pair.servers = find_servers(pair.instance, seen, around, pair.notes);
    plan.pairs.push_back(std::move(pair));
  }
  check_shared_servers(plan.pairs);
  return plan;
}

}  // namespace agent::keepalived
