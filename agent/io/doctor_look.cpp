// Asks the servers of a pair. See doctor_look.hpp.
#include "agent/io/doctor_look.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <utility>

#include "agent/io/boot_check.hpp"
#include "agent/io/host_checks.hpp"
#include "agent/io/server_access.hpp"
#include "agent/io/server_talk.hpp"
#include "agent/voices.hpp"
#include "health/inspection.hpp"

namespace agent::io {
namespace {

using doctor::PairSeen;
using doctor::ServerSeen;
using doctor::Trial;

constexpr const char* kSentinelChannel = "__sentinel__:hello";
constexpr int kWaysToAskForRights = 2;
constexpr std::array<const char*, 14> kShown = {"bind",
                                                "protected-mode",
                                                "save",
                                                "appendonly",
                                                "dir",
                                                "repl-backlog-size",
                                                "repl-diskless-sync",
                                                "repl-diskless-sync-delay",
                                                "replica-read-only",
                                                "min-replicas-to-write",
                                                "tcp-backlog",
                                                "disable-thp",
                                                "maxclients",
                                                "masteruser"};

// A login as a replica: never leaves this file.
struct MasterLogin {
  bool known = false;
  std::string user;
  std::string password;
};

std::string cli_of(const ServerConfig& server) {
  std::string out;
  if (!server.password_file.empty()) {
    out += "REDISCLI_AUTH=\"$(cat " + server.password_file;
    out += ")\" ";
  }
  out += "redis-cli";
  if (!server.unix_path.empty()) {
    out += " -s " + server.unix_path;
  } else {
    out += " -h " + server.host;
    out += " -p " + std::to_string(server.port);
  }
  if (!server.user.empty()) out += " --user " + server.user;
  if (server.tls) {
    out += " --tls --cacert " + server.tls->ca_file;
    if (!server.tls->cert_file.empty()) {
      out += " --cert " + server.tls->cert_file;
      out += " --key " + server.tls->key_file;
    }
  }
  return out;
}

// A line "name:value" of INFO.
std::string field_of(const std::string& info, const std::string& name) {
  const std::string wanted = "\n" + name + ":";
  const auto begin = info.find(wanted);
  if (begin == std::string::npos) return {};
  const auto from = begin + wanted.size();
  return info.substr(from, info.find_first_of("\r\n", from) - from);
}

std::uint64_t number_in(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void read_settings(const health::Reply& reply, ServerSeen& seen, MasterLogin& login) {
  for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    const std::string& name = reply.elements[i].text;
    const std::string& value = reply.elements[i + 1].text;
    const auto shown = [&](const char* wanted) { return name == wanted; };
    if (std::any_of(kShown.begin(), kShown.end(), shown)) seen.settings[name] = value;
    if (name == "masterauth") {
      login.known = true;
      login.password = value;
    }
    if (name == "masteruser") login.user = value;
  }
}

void ask_for_rights(ServerTalk& talk, const std::string& name, ServerSeen& seen) {
  health::Inspection inspection(name, seen.user == "default" ? "" : seen.user);
  for (int way = 0; way < kWaysToAskForRights; ++way) {
    const auto questions = inspection.facts_read(std::chrono::steady_clock::now(), seen.facts);
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const auto reply = talk.ask(questions[i]);
      inspection.answered(i, reply ? &*reply : nullptr);
    }
  }
  seen.missing_rights = inspection.missing();
}

// What it answers to PING, as a clause about what is wrong; nullopt: nothing that matters here.
std::optional<std::string> denial(const health::Reply& reply) {
  if (!reply.is_error()) return std::nullopt;
  switch (health::classify(reply)) {
    case health::ReplyKind::bad_credentials:
      return "it refuses the agent's login, " + std::string(reply.error_code()) +
             "; see password_file and user";
    case health::ReplyKind::protected_mode:
      return "its protected-mode refuses everybody from outside";
    case health::ReplyKind::max_clients: return "it has no place for another client (maxclients)";
    case health::ReplyKind::busy: return "it runs a script and answers nothing else";
    default: return std::nullopt;
  }
}

ServerSeen look_at_server(const ServerConfig& config, const std::string& name, MasterLogin& login) {
  ServerSeen seen;
  const auto address = server_address(config);
  seen.where = address.to_string();
  seen.cli = cli_of(config);
  seen.user = config.user.empty() ? "default" : config.user;
  ServerTalk talk(address);
  const auto refuse = [&seen](const std::string& why) {
    seen.problem = why;
    return seen;
  };
  if (const auto why = talk.open()) return refuse(*why);
  if (const auto why = talk.log_in(config.user, config.password, true)) return refuse(*why);
  const auto pong = talk.ask({"PING"});
  if (!pong) return refuse(talk.failure());
  if (const auto why = denial(*pong)) return refuse(*why);
  const auto info = talk.ask({"INFO"});
  if (!info) return refuse(talk.failure());
  if (info->is_error()) return refuse("it refuses INFO, " + std::string(info->error_code()));
  seen.facts = health::parse_info(info->text);
  seen.config_file = field_of(info->text, "config_file");
  seen.used_memory = number_in(field_of(info->text, "used_memory"));
  if (const auto reply = talk.ask({"PUBSUB", "NUMSUB", kSentinelChannel})) {
    if (reply->elements.size() == 2) seen.facts.sentinels = reply->elements[1].integer;
  }
  if (const auto reply = talk.ask({"CONFIG", "GET", "*"})) read_settings(*reply, seen, login);
  ask_for_rights(talk, name, seen);
  return seen;
}

bool is_open(const ServerConfig& config) {
  ServerTalk talk(server_address(config));
  if (talk.open()) return false;
  const auto reply = talk.ask({"PING"});
  return reply && !reply->is_error();
}

// Whether a replica that logs in like this is let in.
Trial try_login(const ServerConfig& at, const MasterLogin& login) {
  ServerTalk talk(server_address(at));
  if (talk.open()) return std::nullopt;
  if (auto why = talk.log_in(login.user, login.password, false)) return why;
  const auto reply = talk.ask({"PING"});
  if (!reply) return std::nullopt;
  if (const auto why = denial(*reply)) {
    return login.password.empty() ? "masterauth is empty and a password is wanted" : *why;
  }
  return "";
}

Trial try_port(const std::string& host, std::uint16_t port) {
  ServerTalk talk({host, port, {}});
  return talk.open().value_or("");
}

}  // namespace

PairSeen look_at_pair(const PairConfig& pair, bool agent_runs) {
  PairSeen seen;
  seen.name = pair.name;
  seen.interface = pair.interface;
  for (const auto& vip : all_vips(pair)) seen.vips.push_back(vip.prefix.address.to_string());
  seen.replication_host = pair.replication_host;
  seen.replication_port = pair.replication_port;
  seen.replication_address =
      health::Endpoint{pair.replication_host, pair.replication_port}.to_string();
  seen.password_file = pair.server.password_file;
  seen.peer_password_file = pair.peer_server.password_file;
  seen.peer_host = pair.peer_server.host;
  seen.adverts_are_signed = !pair.auth_key_file.empty();
  const auto port = pair.server.port != 0 ? pair.server.port : pair.replication_port;
  seen.boot_warnings = boot_warnings(port);
  seen.reads_units = std::filesystem::is_directory("/run/systemd/system");
  MasterLogin ours;
  MasterLogin theirs;
  seen.server = look_at_server(pair.server, "the local server", ours);
  seen.peer = look_at_server(pair.peer_server, "the peer's server", theirs);
  if (seen.server.problem.empty()) {
    seen.server.open = is_open(pair.server);
    seen.replication_port_trial = try_port(pair.replication_host, pair.replication_port);
    if (theirs.known) seen.peer.master_login = try_login(pair.server, theirs);
    seen.rdb_disk = [&]() -> std::optional<doctor::DiskSeen> {
      const auto found = seen.server.settings.find("dir");
      struct statvfs disk {};
      if (found == seen.server.settings.end() || ::statvfs(found->second.c_str(), &disk) != 0) {
        return std::nullopt;
      }
      return doctor::DiskSeen{found->second, std::uint64_t{disk.f_bavail} * disk.f_frsize};
    }();
  }
  if (seen.peer.problem.empty() && ours.known) {
    seen.server.master_login = try_login(pair.peer_server, ours);
  }
  if (!pair.peer_agent_host.empty()) {
    seen.peer_agent = health::Endpoint{pair.peer_agent_host, pair.peer_agent_port}.to_string();
    if (!agent_runs) seen.peer_agent_trial = try_port(pair.peer_agent_host, pair.peer_agent_port);
  }
  boost::asio::io_context loop(1);
  vrrp::io::Netlink netlink(loop.get_executor());
  const auto peer = vrrp::IpAddress::parse(pair.peer_server.host);
  if (peer && !netlink.start({})) {
    seen.peer_is_near = !gateway_warning(netlink, pair.interface, *peer).has_value();
  }
  return seen;
}

}  // namespace agent::io
