// What a keepalived.conf says, as values: the part of it that concerns VRRP. What means nothing
// here is a note with its place and what to do instead.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/keepalived_tree.hpp"

namespace agent::keepalived {

// A script with its arguments, and the account that keepalived would run it with.
struct Command {
  Place place;
  std::string line;
  std::string user;  // empty: the default
  std::string group;
};

struct ScriptDefinition {
  Place place;
  std::string name;
  Command command;
  double interval = 1;
  std::optional<double> timeout;
  int rise = 1;
  int fall = 1;
  int weight = 0;
  bool reverse = false;
};

struct FileDefinition {
  Place place;
  std::string name;
  std::string path;
  int weight = 1;
  bool reverse = false;
};

struct Track {
  Place place;
  std::string name;
  std::optional<int> weight;  // nothing: that of the definition
  bool reverse = false;
};

struct Tracks {
  std::vector<Track> interfaces;
  std::vector<Track> scripts;
  std::vector<Track> files;
};

struct Notifies {
  std::optional<Command> master;
  std::optional<Command> backup;
  std::optional<Command> fault;
  std::optional<Command> stop;
  std::optional<Command> any;
};

struct Vip {
  Place place;
  std::string address;
  int length = 0;
  std::string interface;  // empty: the instance's
  std::string label;
  std::string scope;
  bool ipv6 = false;
};

struct Announce {
  std::optional<double> delay;    // garp_master_delay: repeated after it
  std::optional<int> repeat;      // garp_master_repeat: how many
  std::optional<double> refresh;  // garp_master_refresh
};

struct Instance {
  Place place;
  std::string name;
  std::string interface;
  std::optional<int> vrid;
  int priority = 100;
  bool priority_given = false;
  double advert_interval = 1;
  std::optional<int> version;
  bool nopreempt = false;
  double preempt_delay = 0;
  std::string state;
  std::string source;
  std::vector<std::string> unicast_peers;
  std::optional<int> ttl_min;
  std::optional<int> down_adverts;
  std::vector<Vip> vips;
  std::vector<Vip> excluded;
  std::string auth_pass;
  Place auth_place;
  Announce announce;
  Tracks tracks;
  Notifies notifies;
  std::vector<Note> notes;
};

struct SyncGroup {
  Place place;
  std::string name;
  std::vector<std::string> members;
  Tracks tracks;
  Notifies notifies;
};

struct Globals {
  std::string script_user;
  std::string script_group;
  std::string router_id;
  std::string default_interface;
  std::string fifo;
  std::optional<int> version;
  std::optional<int> down_adverts;
  Announce announce;
};

struct Setup {
  Globals globals;
  std::map<std::string, ScriptDefinition> scripts;
  std::map<std::string, FileDefinition> files;
  std::vector<Instance> instances;
  std::vector<SyncGroup> groups;
  std::vector<Note> notes;
};

Setup read_setup(const std::vector<Node>& tree);

}  // namespace agent::keepalived
