// What is wrong with the local server of a pair, and between the two. See doctor.hpp.
#include <algorithm>
#include <charconv>
#include <sstream>

#include "agent/doctor_words.hpp"

namespace agent::doctor {
namespace {

constexpr std::uint64_t kSmallBacklog = 16ULL << 20U;
constexpr const char* kDropInFolder = "/etc/systemd/system/redis-server.service.d";
constexpr const char* kDropInExample =
    "/usr/share/doc/tandem/examples/redis-server.service.d/tandem.conf";

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> out;
  for (std::string word; stream >> word;) out.push_back(word);
  return out;
}

std::optional<std::uint64_t> number_in(const std::string& text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

// "7.0.15" -> "7.0"
std::string release_of(const std::string& version) {
  const auto first = version.find('.');
  if (first == std::string::npos) return version;
  return version.substr(0, version.find('.', first + 1));
}

bool listens_everywhere(const std::vector<std::string>& addresses) {
  return std::any_of(addresses.begin(), addresses.end(), [](const std::string& word) {
    return word == "0.0.0.0" || word == "*" || word == "-0.0.0.0";
  });
}

// A mend of a password that never shows it: from its file, by standard input.
std::vector<std::string> set_masterauth(const ServerSeen& server, const std::string& file) {
  if (file.empty()) return set_directive(server, "masterauth", "''");
  std::string now = "tr -d '\\n' < " + file;
  now += " | " + server.cli + " -x CONFIG SET masterauth";
  if (server.config_file.empty()) return {now};
  std::string kept = "echo \"masterauth $(cat " + file;
  kept += ")\" >> " + server.config_file;
  return {now, kept};
}

void judge_login(const PairSeen& pair, Notes& notes) {
  const ServerSeen& server = pair.server;
  if (server.open.value_or(false)) {
    const bool closed_outside = setting(server, "protected-mode") == "yes";
    std::string what = "the server takes commands without a password";
    what += closed_outside
                ? ", so protected-mode refuses the peer's server and all clients of the VIP"
                : ": whoever reaches its port reads and deletes the data";
    std::vector<std::string> mend;
    mend.emplace_back("(umask 077; openssl rand -hex 24 > /etc/tandem/redis.password)");
    mend.push_back("tr -d '\\n' < /etc/tandem/redis.password | " + server.cli +
                   " -x CONFIG SET requirepass");
    if (!server.config_file.empty()) {
      mend.push_back("echo \"requirepass $(cat /etc/tandem/redis.password)\" >> " +
                     server.config_file);
    }
    mend.emplace_back(
        "sed -i 's|^#*password_file = .*|password_file = \"/etc/tandem/redis.password\"|' "
        "/etc/tandem/tandem.toml   # on both hosts, with the same masterauth");
    notes.add(closed_outside ? Level::problem : Level::warning, what, mend);
  } else if (server.open) {
    notes.ok("the server wants a password");
  }
}

void judge_replication(const PairSeen& pair, Notes& notes) {
  struct Way {
    const ServerSeen& from;
    const ServerSeen& to;
    const std::string& password_file;
    const char* from_name;
    const char* to_name;
  };
  // As a replica each server logs in to the other one, and a role change turns the way round.
  const Way ways[] = {
      {pair.server, pair.peer, pair.peer_password_file, "this host's server", "the peer's"},
      {pair.peer, pair.server, pair.password_file, "the peer's server", "this host's"}};
  for (const Way& way : ways) {
    const Trial& trial = way.from.master_login;
    if (!trial) continue;
    if (trial->empty()) {
      notes.ok(std::string(way.from_name) + " can log in to " + way.to_name + " as a replica");
      continue;
    }
    std::string what = way.from_name;
    what += " cannot replicate from ";
    what += way.to_name;
    what += ": its masteruser and masterauth are refused at " + way.to.where + " (" + *trial + ")";
    notes.add(Level::problem, what, set_masterauth(way.from, way.password_file));
  }
}

void judge_bind(const PairSeen& pair, const HostSeen& host, Notes& notes) {
  const ServerSeen& server = pair.server;
  const auto everywhere = set_directive(server, "bind", "0.0.0.0");
  if (const Trial& trial = pair.replication_port_trial; trial && !trial->empty()) {
    notes.add(Level::problem,
              "the server is not reached at " + pair.replication_address +
                  ", where the peer's server replicates from (" + *trial + ")",
              everywhere);
  }
  const auto addresses = words_of(setting(server, "bind"));
  if (server.settings.count("bind") == 0) return;
  // Redis listens everywhere without the directive, too.
  if (addresses.empty() || listens_everywhere(addresses)) {
    return notes.ok("the server listens on all addresses, so on a VIP as soon as it comes");
  }
  for (const std::string& vip : pair.vips) {
    if (vip.find(':') != std::string::npos) continue;
    const auto has = [&](const std::string& word) {
      return std::find(addresses.begin(), addresses.end(), word) != addresses.end();
    };
    const bool anyway = host.nonlocal_bind.value_or(0) == 1;
    if (has(vip) && !anyway) {
      notes.add(Level::problem,
                "bind names the VIP " + vip + ": without it on this host the server does not start",
                everywhere);
    } else if (has("-" + vip) && !anyway) {
      notes.add(Level::problem,
                "bind names the VIP as -" + vip +
                    ": a server that was started without it does not listen when it comes",
                everywhere);
    } else if (!has(vip) && !has("-" + vip)) {
      notes.add(Level::problem,
                "clients of the VIP " + vip + " would be refused: the server listens on " +
                    setting(server, "bind") + " only",
                everywhere);
    } else {
      notes.ok("the server listens on the VIP " + vip + " (net.ipv4.ip_nonlocal_bind is 1)");
    }
  }
}

void judge_persistence(const ServerSeen& server, Notes& notes) {
  const health::ServerFacts& facts = server.facts;
  if (!facts.last_bgsave_ok) {
    notes.add(
        Level::problem,
        "the last BGSAVE failed: as a master it refuses writes, as a replica it may end itself "
        "at the next one",
        {"df -h " + setting(server, "dir"), server.cli + " BGSAVE"});
  }
  if (!facts.last_aof_write_ok) {
    notes.add(Level::problem, "the last write to the AOF failed: the server refuses writes",
              {"df -h " + setting(server, "dir")});
  }
  if (server.settings.count("save") == 0) return;
  const bool saves = !setting(server, "save").empty();
  if (facts.aof_enabled) {
    notes.add(Level::advice,
              "the server writes an AOF: it knows no lineage, so each restart ends in a full "
              "synchronisation; RDB snapshots on both servers do without",
              {server.cli + " CONFIG SET save '3600 1'",
               server.cli + " CONFIG SET appendonly no   # and the same in " +
                   (server.config_file.empty() ? "redis.conf" : server.config_file)});
  } else if (!saves) {
    notes.add(
        Level::advice,
        "the server saves nothing to disk: all is lost when both hosts lose power, unless the "
        "other one saves",
        set_directive(server, "save", "'3600 1'"));
  } else {
    notes.ok("the server saves to disk, and the last time went well");
  }
}

void judge_settings(const ServerSeen& server, Notes& notes) {
  const auto backlog = number_in(setting(server, "repl-backlog-size"));
  if (backlog && *backlog < kSmallBacklog) {
    notes.add(Level::advice,
              "repl-backlog-size is " + size_words(*backlog) +
                  ": after an absence with more writes than that a replica fetches everything anew",
              set_directive(server, "repl-backlog-size", "64mb"));
  } else if (backlog) {
    notes.ok("repl-backlog-size is " + size_words(*backlog));
  }
  const auto delay = number_in(setting(server, "repl-diskless-sync-delay"));
  const bool diskless = setting(server, "repl-diskless-sync") != "no";
  if (delay && *delay > 0 && diskless) {
    notes.add(Level::advice,
              "repl-diskless-sync-delay is " + std::to_string(*delay) +
                  " s: a returning server waits that long for company before it is sent the data",
              set_directive(server, "repl-diskless-sync-delay", "0"));
  }
  if (setting(server, "replica-read-only") == "no") {
    notes.add(Level::warning, "replica-read-only is no: writes to the standby are lost silently",
              set_directive(server, "replica-read-only", "yes"));
  }
}

void judge_boot(const PairSeen& pair, Notes& notes) {
  for (const std::string& sentence : pair.boot_warnings) {
    notes.add(Level::warning, sentence,
              {std::string("install -d ") + kDropInFolder,
               std::string("install -m 644 ") + kDropInExample + " " + kDropInFolder + "/",
               "systemctl daemon-reload"});
  }
  if (pair.boot_warnings.empty() && pair.reads_units) {
    notes.ok("no systemd unit of this host starts the server as a master");
  }
}

void judge_versions(const PairSeen& pair, Notes& notes) {
  const std::string& here = pair.server.facts.redis_version;
  const std::string& there = pair.peer.facts.redis_version;
  if (here.empty() || there.empty()) return;
  if (release_of(here) == release_of(there)) {
    return notes.ok("both servers are of release " + release_of(here));
  }
  notes.add(Level::warning,
            "the servers are of releases " + here + " here and " + there +
                " at the peer: the older one cannot load what the newer one sends",
            {"apt-get install --only-upgrade redis-server   # on the host with the older one"});
}

// A rule holds a '|', which is the shell's outside of quotes.
void judge_rights(const ServerSeen& server, Notes& notes) {
  for (const std::string& sentence : server.missing_rights) {
    const auto plus = sentence.rfind(" +");
    std::string command = server.cli + " --user default --askpass ACL SETUSER " + server.user;
    if (plus != std::string::npos) command += " '" + sentence.substr(plus + 1) + "'";
    notes.add(Level::problem, sentence,
              {command, "# and into redis.conf or the aclfile, where the user is defined"});
  }
}

std::string reach_command(const ServerSeen& server) {
  return server.cli + " PING";
}

}  // namespace

std::string setting(const ServerSeen& server, const std::string& name) {
  const auto found = server.settings.find(name);
  return found == server.settings.end() ? std::string() : found->second;
}

std::vector<std::string> set_directive(const ServerSeen& server, const std::string& name,
                                       const std::string& value) {
  std::vector<std::string> out{server.cli + " CONFIG SET " + name + " " + value};
  // The last line of a directive counts. `save` and `bind` are written as several words.
  std::string bare = value;
  if (name != "masterauth") std::erase(bare, '\'');
  if (!server.config_file.empty()) {
    out.push_back("echo \"" + name + " " + bare + "\" >> " + server.config_file);
  }
  return out;
}

Findings judge_server(const PairSeen& pair) {
  Notes notes("pair " + pair.name);
  const ServerSeen& server = pair.server;
  judge_boot(pair, notes);
  if (!server.problem.empty()) {
    notes.add(Level::problem,
              "the server at " + server.where + " cannot be asked: " + server.problem,
              {reach_command(server), "systemctl status redis-server"});
  } else {
    notes.ok("the server at " + server.where + " answers, version " + server.facts.redis_version +
             ", " + std::string(health::to_string(server.facts.role)));
    if (const auto why = health::unsuitable(server.facts)) {
      notes.add(Level::problem, "the server is " + *why,
                {server.cli + " INFO server", "sudoedit /etc/tandem/tandem.toml"});
    }
    judge_rights(server, notes);
    if (server.missing_rights.empty())
      notes.ok("the agent has the rights that a role change needs");
    judge_login(pair, notes);
    judge_persistence(server, notes);
    judge_settings(server, notes);
  }
  if (!pair.peer.problem.empty()) {
    notes.add(Level::problem,
              "the peer's server at " + pair.peer.where + " cannot be asked: " + pair.peer.problem,
              {reach_command(pair.peer)});
  }
  judge_rights(pair.peer, notes);
  judge_replication(pair, notes);
  judge_versions(pair, notes);
  return notes.take();
}

Findings judge_pair_on_host(const PairSeen& pair, const HostSeen& host) {
  Notes notes("pair " + pair.name);
  judge_bind(pair, host, notes);
  if (const auto& disk = pair.rdb_disk) {
    const std::uint64_t need = pair.server.used_memory;
    const std::string room =
        disk->directory + " has " + size_words(disk->free) + " free for a dataset of ";
    const std::vector<std::string> look{"df -h " + disk->directory,
                                        "du -sh " + disk->directory + "/* | sort -h"};
    if (disk->free < need) {
      notes.add(Level::problem,
                room + size_words(need) + ": an RDB may not fit, and then writes end", look);
    } else if (disk->free < 2 * need) {
      notes.add(Level::warning,
                room + size_words(need) + ": not enough for a second RDB beside the first", look);
    } else {
      notes.ok(room + size_words(need));
    }
  }
  const auto rp_filter = host.rp_filter.find(pair.interface);
  if (!pair.peer_is_near && rp_filter != host.rp_filter.end() && rp_filter->second == 1) {
    notes.add(Level::warning,
              "rp_filter of " + pair.interface + " is strict and the peer " + pair.peer_host +
                  " is not on a network of it: its adverts may be dropped",
              set_sysctl("net.ipv4.conf." + pair.interface + ".rp_filter", "2"));
  }
  constexpr long kNeverAnswers = 8;
  const auto arp_ignore = host.arp_ignore.find(pair.interface);
  if (arp_ignore != host.arp_ignore.end() && arp_ignore->second == kNeverAnswers) {
    notes.add(Level::problem,
              "arp_ignore of " + pair.interface + " is 8: nobody on the network finds the VIP",
              set_sysctl("net.ipv4.conf." + pair.interface + ".arp_ignore", "0"));
  }
  if (const Trial& trial = pair.peer_agent_trial) {
    if (trial->empty()) {
      notes.ok("the peer's agent listens at " + pair.peer_agent);
    } else {
      notes.add(Level::warning,
                "the peer's agent is not reached at " + pair.peer_agent + " (" + *trial + ")",
                {"ssh " + pair.peer_host + " 'systemctl start tandem; tandem doctor'"});
    }
  } else if (pair.peer_agent.empty()) {
    notes.add(Level::advice,
              "there is no link to the peer's agent: no planned moves from both sides, no second "
              "witness, nobody compares the configurations",
              {"man tandem.toml   # [agent.peer_link] and agent of [pair.peer]"});
  }
  if (pair.adverts_are_signed && host.clock_synchronised == std::optional(false)) {
    notes.add(
        Level::problem,
        "adverts are signed with the time, and this clock is not synchronised: once it is off "
        "by more than auth_window they are refused",
        {"apt-get install chrony", "chronyc makestep"});
  }
  return notes.take();
}

}  // namespace agent::doctor
