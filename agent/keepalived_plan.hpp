// The pairs of tandem.toml that a keepalived.conf and its scripts amount to, before they are text.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/keepalived_script.hpp"
#include "agent/keepalived_setup.hpp"

namespace agent::keepalived {

// A file that keepalived runs.
struct ScriptText {
  std::string text;
  std::string problem;  // not empty: continues "PATH ", as in "does not exist"
};

struct HostAddress {
  std::string interface;
  std::string address;
};

// What lies around the configuration. The callbacks do all reading of files.
struct Surroundings {
  std::string config_id;
  Includer include;
  std::function<ScriptText(const std::string& path)> script;
  std::function<std::vector<std::string>(const std::string& directory)> scripts_in;
  // Where keepalived finds a program that is named without a path; "" for nowhere.
  std::function<std::string(const std::string& name)> program;
  std::vector<HostAddress> addresses;  // IPv4, of this host
  std::string script_user = "root";    // whom keepalived runs scripts as when nobody is named
};

// What becomes of a script.
enum class Fate : std::uint8_t {
  kept,
  off,       // kept behind a '#', until somebody has looked at it
  replaced,  // by what Tandem does itself
  logs,      // replaced by Tandem's log, and offered behind a '#'
};

struct ScriptPlan {
  std::string key;  // "master", "backup", ..., or the name of a track_script
  Command command;
  Fate fate = Fate::kept;
  std::string remark;  // a sentence, for the comment and the note
  ScriptDefinition definition;
};

struct FilePlan {
  std::string name;
  std::string path;
};

struct ServersPlan {
  std::string address;      // empty: must be filled in
  std::string replication;  // "ADDRESS:PORT"
  std::string peer;
  std::string own_host;  // for the peer link
  std::string peer_host;
  bool assumed = false;                  // no script names the local server
  std::vector<std::string> password_in;  // scripts that hold a password
  std::string user;
  bool tls = false;
  std::string tls_ca;
  bool copy = false;  // recovery = "rdb"
  std::string unit = "redis-server";
  bool unit_known = false;
  std::string rdb_file;
  std::string copy_script;
};

struct PairPlan {
  Instance instance;
  std::string name;
  int version = 2;
  int priority = 100;
  int added_priority = 0;  // of track_scripts that are well
  bool failback = true;
  bool source_fits = true;  // adverts can come from the instance's source
  std::vector<ScriptPlan> notifies;
  std::string script_user;  // of scripts that name nobody
  std::string script_group;
  std::string notify_user;
  std::string notify_group;
  std::string fifo;
  std::vector<std::string> interfaces;
  std::vector<ScriptPlan> scripts;
  std::vector<FilePlan> files;
  ServersPlan servers;
  std::vector<Note> notes;
};

struct Plan {
  std::vector<PairPlan> pairs;
  std::vector<Note> notes;
};

Plan make_plan(Setup setup, const Surroundings& around);

// What its scripts say about the servers of a pair; `seen` are those that keepalived runs.
struct SeenScript {
  std::string path;
  ScriptFindings findings;
};
ServersPlan find_servers(const Instance& instance, const std::vector<SeenScript>& seen,
                         const Surroundings& around, std::vector<Note>& notes);

// Decides about each script of the pair, opens what it names and remembers it in `seen`.
void plan_scripts(const Setup& setup, const Surroundings& around, PairPlan& pair,
                  std::vector<SeenScript>& seen);

// Instances that keepalived moves together are one pair: the first one takes in the others.
std::vector<Instance> merge_groups(Setup& setup, std::vector<Note>& notes);

// The words of a command line that may be shown.
std::string shown_command(const std::string& line);

}  // namespace agent::keepalived
