// Asks the kernel and the firewall of this host. See doctor_look.hpp.
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "agent/firewall.hpp"
#include "agent/io/doctor_look.hpp"
#include "agent/io/tool_output.hpp"

namespace agent::io {
namespace {

using doctor::Finding;
using doctor::Level;

constexpr int kVrrp = 112;
constexpr int kTcp = 6;

std::optional<long> number_at(const std::string& path) {
  std::ifstream file(path);
  long value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

// "always [madvise] never" -> "madvise"
std::string chosen_at(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const auto begin = line.find('[');
  const auto end = line.find(']');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return line.substr(begin + 1, end - begin - 1);
}

// Of an interface and of all of them the larger one counts.
void read_of_interface(const std::string& interface, const char* name,
                       std::map<std::string, long>& out) {
  const std::string folder = "/proc/sys/net/ipv4/conf/";
  const auto own = number_at(folder + interface + "/" + name);
  const auto all = number_at(folder + "all/" + name);
  if (own || all) out[interface] = std::max(own.value_or(0), all.value_or(0));
}

std::vector<firewall::Rules> rules_of_this_host() {
  std::vector<firewall::Rules> out;
  const std::string nft = tool_output({"nft", "-j", "list", "ruleset"});
  if (!nft.empty()) out.push_back(firewall::read_nft(nft));
  // Behind nft's own, iptables-save would tell the same again.
  const std::string saved = tool_output({nft.empty() ? "iptables-save" : "iptables-legacy-save"});
  if (!saved.empty()) out.push_back(firewall::read_iptables(saved));
  return out;
}

std::vector<firewall::Packet> packets_of(const Config& config, const PairConfig& pair) {
  std::vector<firewall::Packet> out;
  const std::string& peer = pair.peer_server.host;
  const bool ipv4 = std::any_of(pair.vips.begin(), pair.vips.end(), [](const auto& vip) {
    return vip.prefix.address.family() == vrrp::Family::ipv4;
  });
  if (ipv4) {
    const std::string target = pair.unicast_peers.empty() ? vrrp::ipv4_multicast_group().to_string()
                                                          : pair.replication_host;
    out.push_back(
        {"VRRP adverts (IP protocol 112) of the peer", kVrrp, 0, peer, target, pair.interface});
  }
  out.push_back(
      {"the replication of the peer's server, TCP port " + std::to_string(pair.replication_port),
       kTcp,
       pair.replication_port,
       peer,
       pair.replication_host,
       {}});
  if (!pair.peer_agent_host.empty() && config.peer_link.port != 0) {
    out.push_back({"the peer's agent, TCP port " + std::to_string(config.peer_link.port),
                   kTcp,
                   config.peer_link.port,
                   pair.peer_agent_host,
                   config.peer_link.host,
                   {}});
  }
  return out;
}

Finding judge(const std::vector<firewall::Rules>& all, const firewall::Packet& packet,
              const std::string& about) {
  using End = firewall::Passage::End;
  Finding out{Level::ok, about, "the firewall lets in " + packet.what, {}};
  for (const auto& rules : all) {
    const auto passage = firewall::passage(rules, packet);
    if (passage.end == End::dropped) {
      return {Level::problem, about,
              "the firewall drops " + packet.what + " (chain " + passage.chain + ")",
              firewall::opening(rules, passage.chain, packet)};
    }
    if (passage.end == End::unclear) {
      out = {Level::advice, about,
             "whether the firewall lets in " + packet.what +
                 " cannot be told from its rules (chain " + passage.chain + ")",
             firewall::opening(rules, passage.chain, packet)};
    }
  }
  return out;
}

}  // namespace

doctor::HostSeen look_at_host(const Config& config) {
  doctor::HostSeen seen;
  seen.overcommit_memory = number_at("/proc/sys/vm/overcommit_memory");
  seen.huge_pages = chosen_at("/sys/kernel/mm/transparent_hugepage/enabled");
  seen.somaxconn = number_at("/proc/sys/net/core/somaxconn");
  seen.nonlocal_bind = number_at("/proc/sys/net/ipv4/ip_nonlocal_bind");
  for (const PairConfig& pair : config.pairs) {
    read_of_interface(pair.interface, "rp_filter", seen.rp_filter);
    read_of_interface(pair.interface, "arp_ignore", seen.arp_ignore);
  }
  struct timex clock {};
  const int state = ::adjtimex(&clock);
  if (state >= 0) seen.clock_synchronised = (static_cast<unsigned>(clock.status) & STA_UNSYNC) == 0;
  struct statvfs disk {};
  if (::statvfs(config.state_dir.c_str(), &disk) == 0) {
    seen.state_disk =
        doctor::DiskSeen{config.state_dir, std::uint64_t{disk.f_bavail} * disk.f_frsize};
  }
  return seen;
}

doctor::Findings look_at_firewall(const Config& config, const PairConfig& pair) {
  const std::string about = "pair " + pair.name;
  if (::geteuid() != 0) {
    return {{Level::advice,
             about,
             "the firewall was not looked at: only root reads its rules",
             {"sudo tandem doctor"}}};
  }
  const auto rules = rules_of_this_host();
  doctor::Findings out;
  for (const auto& packet : packets_of(config, pair)) out.push_back(judge(rules, packet, about));
  return out;
}

}  // namespace agent::io
