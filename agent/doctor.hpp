// `tandem doctor`: what is wrong with a host before trouble comes. Pure: facts in, findings out,
// and their text. Who gathers the facts is io/doctor_command.cpp.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/screen.hpp"
#include "health/facts.hpp"

namespace agent::doctor {

enum class Level : std::uint8_t { ok, advice, warning, problem };
std::string_view to_string(Level level);

struct Finding {
  Level level = Level::ok;
  std::string about;              // "agent", "host", "pair redis"
  std::string what;               // one sentence, without the final stop
  std::vector<std::string> mend;  // commands, one a line; empty only when nothing is wrong
  bool operator==(const Finding&) const = default;
};
using Findings = std::vector<Finding>;

// How a trial ended; nullopt: it was not made. Empty: well. Otherwise a clause.
using Trial = std::optional<std::string>;

// What a server says of itself. Holds no password.
struct ServerSeen {
  std::string where;    // "127.0.0.1:6379"
  std::string cli;      // a command line of redis-cli that reaches it and logs in
  std::string user;     // as the agent logs in
  std::string problem;  // it could not be asked: a clause
  health::ServerFacts facts;
  std::map<std::string, std::string> settings;  // CONFIG GET, without those that are secret
  std::string config_file;
  std::uint64_t used_memory = 0;
  std::set<std::string> missing_rights;  // sentences, as of health::Inspection
  std::optional<bool> open;              // it takes commands without a password
  Trial master_login;                    // its masteruser and masterauth, tried on the other one
};

struct DiskSeen {
  std::string directory;
  std::uint64_t free = 0;
};

struct PairSeen {
  std::string name;
  std::string interface;
  std::vector<std::string> vips;  // without prefix length
  std::string replication_address;
  std::string replication_host;
  std::uint16_t replication_port = 0;
  std::string password_file;       // of the local server; empty: none
  std::string peer_password_file;  // likewise
  std::string peer_host;
  Trial replication_port_trial;  // a connection to replication_address, made here
  ServerSeen server;
  ServerSeen peer;
  std::vector<std::string> boot_warnings;  // sentences of the boot check
  bool reads_units = true;                 // there is a systemd whose units could be read
  std::optional<DiskSeen> rdb_disk;
  bool adverts_are_signed = false;
  bool peer_is_near = true;  // its address is on a network of `interface`
  std::string peer_agent;    // where its agent listens; empty: there is no peer link
  Trial peer_agent_trial;    // a connection to it, made here
};

struct HostSeen {
  std::optional<long> overcommit_memory;
  std::string huge_pages;  // of transparent_hugepage/enabled, the word in brackets
  std::optional<long> somaxconn;
  std::optional<long> nonlocal_bind;
  std::map<std::string, long> rp_filter;   // in force, by interface
  std::map<std::string, long> arp_ignore;  // likewise
  std::optional<bool> clock_synchronised;
  std::optional<DiskSeen> state_disk;
};

Findings judge_server(const PairSeen& pair);
Findings judge_pair_on_host(const PairSeen& pair, const HostSeen& host);
Findings judge_host(const HostSeen& host, const std::vector<PairSeen>& pairs);
// The answer to "status" of a running agent. `only`: this pair; empty: all.
Findings judge_agent(const boost::json::object& status, const std::string& only,
                     const std::vector<std::string>& configured);

struct Report {
  std::string node;
  std::string config;
  bool agent = false;  // one runs and was asked
  Findings findings;
};
Level worst(const Findings& findings);
boost::json::object report_json(const Report& report);
// `all`: also what is well.
std::string report_text(const Report& report, bool all, const Screen& screen);

}  // namespace agent::doctor
