// Which servers a pair has, from what its scripts say to redis-cli: whom they command is this
// host's, whom they make it follow is the other's.
#include <algorithm>

#include "agent/keepalived_plan.hpp"
#include "agent/keepalived_redis_cli.hpp"
#include "agent/keepalived_words.hpp"
#include "vrrp/address.hpp"

namespace agent::keepalived {
namespace {

bool is_loopback(const std::string& host) {
  return host == "localhost" || host.starts_with("127.");
}

bool is_ipv4(const std::string& host) {
  const auto address = vrrp::IpAddress::parse(host);
  return address && address->family() == vrrp::Family::ipv4;
}

class Finder {
 public:
  Finder(const Instance& instance, const std::vector<SeenScript>& seen, const Surroundings& around,
         std::vector<Note>& notes)
      : instance_(instance), around_(around), notes_(notes) {
    for (const SeenScript& script : seen) take(script);
    std::vector<std::string> names = {instance_.source};
    for (const Endpoint& one : named_) names.push_back(one.host);
    for (const Endpoint& one : masters_) names.push_back(one.host);
    knows_itself_ = std::any_of(names.begin(), names.end(), [this](const std::string& host) {
      return !is_loopback(host) && is_own(host);
    });
  }

  ServersPlan run() {
    const auto peer = find_peer();
    const Endpoint local = find_local(peer);
    const std::string own = find_own_host(local, peer);
    const std::string port = ":" + std::to_string(local.port);
    plan_.address = local.unix_path.empty() ? local.host + port : "unix:" + local.unix_path;
    if (!own.empty()) plan_.replication = own + port;
    plan_.own_host = own;
    if (peer && peer->host != own) {
      plan_.peer = peer->host + ":" + std::to_string(peer->port);
      plan_.peer_host = peer->host;
    }
    return std::move(plan_);
  }

 private:
  void note(std::string what) {
    notes_.push_back({instance_.place, std::move(what), Section::server});
  }

  void take(const SeenScript& script) {
    const ScriptFindings& found = script.findings;
    if (found.password) plan_.password_in.push_back(script.path);
    if (!found.user.empty()) plan_.user = found.user;
    plan_.tls = plan_.tls || found.tls;
    if (!found.tls_ca.empty()) plan_.tls_ca = found.tls_ca;
    if (!found.unit.empty()) {
      plan_.unit = found.unit;
      plan_.unit_known = true;
    }
    if (found.does(Work::copy)) {
      plan_.copy = true;
      plan_.copy_script = script.path;
      // A script that copies from this host is the other one's, and so is the name of its file.
      const bool foreign = std::any_of(found.sources.begin(), found.sources.end(),
                                       [this](const std::string& host) { return is_own(host); });
      if (!found.rdb_file.empty() && !foreign) plan_.rdb_file = found.rdb_file;
      for (const std::string& host : found.sources) add({host, 0, {}}, sources_);
      // Such a script asks the other host's server before it copies from there.
      if (found.commanded.empty() && found.masters.empty()) return;
    }
    for (const Endpoint& one : found.commanded) add(one, named_);
    for (const Endpoint& one : found.asked) add(one, named_);
    for (const Endpoint& one : found.masters) add(one, masters_);
  }

  // What can be one of the two servers.
  void add(const Endpoint& endpoint, std::vector<Endpoint>& list) {
    if (std::find(list.begin(), list.end(), endpoint) != list.end()) return;
    if (!endpoint.unix_path.empty()) return list.push_back(endpoint);
    if (is_vip(endpoint.host)) {
      const bool follows = &list == &masters_;
      if (follows) {
        note("the scripts make a server follow the VIP " + endpoint.host +
             ", which ends in a server that follows itself; Tandem follows the leader's own "
             "address");
      }
      return;
    }
    if (is_ipv4(endpoint.host) || is_loopback(endpoint.host)) return list.push_back(endpoint);
    if (endpoint.host.find_first_of("$?") != std::string::npos) return;
    note("the scripts name a server " + shown(endpoint.host) +
         "; Tandem takes numeric addresses only, because a resolver that does not answer would "
         "stall a failover");
  }

  bool is_vip(const std::string& host) const {
    const auto is_it = [&host](const Vip& vip) { return vip.address == host; };
    return std::any_of(instance_.vips.begin(), instance_.vips.end(), is_it) ||
           std::any_of(instance_.excluded.begin(), instance_.excluded.end(), is_it);
  }

  bool is_own(const std::string& host) const {
    return is_loopback(host) || host == instance_.source ||
           std::any_of(around_.addresses.begin(), around_.addresses.end(),
                       [&host](const HostAddress& one) { return one.address == host; });
  }

  int usual_port() const {
    for (const Endpoint& one : named_) {
      if (one.unix_path.empty()) return one.port;
    }
    return masters_.empty() ? Endpoint{}.port : masters_.front().port;
  }

  std::optional<Endpoint> find_peer() {
    for (const Endpoint& one : masters_) {
      if (!is_own(one.host)) return one;
    }
    for (const std::string& one : instance_.unicast_peers) {
      if (is_ipv4(one)) return Endpoint{one, usual_port(), {}};
    }
    for (const Endpoint& one : knows_itself_ ? named_ : std::vector<Endpoint>{}) {
      if (!one.unix_path.empty() || is_own(one.host)) continue;
      note("the scripts command the server " + one.host +
           ", which is not this host's: they look like a copy of the other host's, so it is taken "
           "for the peer");
      return one;
    }
    for (const Endpoint& one : sources_) {
      if (is_ipv4(one.host) && !is_own(one.host)) return Endpoint{one.host, usual_port(), {}};
    }
    return std::nullopt;
  }

  Endpoint find_local(const std::optional<Endpoint>& peer) {
    for (const Endpoint& one : named_) {
      if (!one.unix_path.empty() || is_own(one.host)) return normal(one);
    }
    for (const Endpoint& one : knows_itself_ ? std::vector<Endpoint>{} : named_) {
      if (!peer || one.host != peer->host) return one;
    }
    plan_.assumed = true;
    return {Endpoint{}.host, usual_port(), {}};
  }

  static Endpoint normal(Endpoint endpoint) {
    if (endpoint.host == "localhost") endpoint.host = Endpoint{}.host;
    return endpoint;
  }

  std::string find_own_host(const Endpoint& local, const std::optional<Endpoint>& peer) const {
    if (local.unix_path.empty() && !is_loopback(local.host)) return local.host;
    if (is_ipv4(instance_.source)) return instance_.source;
    for (const Endpoint& one : masters_) {
      if (!is_loopback(one.host) && is_own(one.host)) return one.host;
    }
    for (const HostAddress& one : around_.addresses) {
      const bool other = peer && one.address == peer->host;
      if (one.interface == instance_.interface && !is_vip(one.address) && !other) {
        return one.address;
      }
    }
    return {};
  }

  const Instance& instance_;
  const Surroundings& around_;
  std::vector<Note>& notes_;
  ServersPlan plan_;
  std::vector<Endpoint> named_;    // asked or commanded
  std::vector<Endpoint> masters_;  // that others are made to follow
  std::vector<Endpoint> sources_;  // of an RDB
  bool knows_itself_ = false;      // one of the addresses is known to be this host's
};

}  // namespace

ServersPlan find_servers(const Instance& instance, const std::vector<SeenScript>& seen,
                         const Surroundings& around, std::vector<Note>& notes) {
  return Finder(instance, seen, around, notes).run();
}

}  // namespace agent::keepalived
