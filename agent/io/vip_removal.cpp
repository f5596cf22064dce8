// See vip_removal.hpp.
#include "agent/io/vip_removal.hpp"

#include <algorithm>
#include <optional>
#include <variant>

#include "agent/io/control_client.hpp"
#include "agent/voices.hpp"
#include "vrrp/io/netlink_requests.hpp"

namespace agent::io {
namespace {

using vrrp::Prefix;
using vrrp::io::NetlinkDump;

constexpr unsigned kBitsPerByte = 8;

std::optional<unsigned> index_of(const NetlinkDump& dump, const std::string& interface) {
  const auto found = std::find_if(dump.links.begin(), dump.links.end(),
                                  [&](const auto& link) { return link.name == interface; });
  if (found == dump.links.end()) return std::nullopt;
  return found->index;
}

class Remover {
 public:
  // One sentence when the kernel does not answer.
  std::optional<std::string> begin() {
    if (auto problem = requests_.open()) return problem;
    auto dump = requests_.dump();
    if (auto* problem = std::get_if<std::string>(&dump)) return std::move(*problem);
    here_ = std::get<NetlinkDump>(std::move(dump));
    return std::nullopt;
  }

  void remove(const Prefix& prefix, const std::string& interface) {
    const auto index = index_of(here_, interface);
    const bool present =
        index && std::any_of(here_.addresses.begin(), here_.addresses.end(), [&](const auto& fact) {
          return fact.link_index == *index && fact.prefix == prefix;
        });
    if (!present) return;
    if (auto problem = requests_.remove_address(*index, prefix)) {
      done_.problems.push_back(std::move(*problem));
    } else {
      done_.removed.push_back(prefix.to_string() + " from " + interface);
    }
  }

  VipRemoval take() { return std::move(done_); }

 private:
  vrrp::io::NetlinkRequests requests_;
  NetlinkDump here_;
  VipRemoval done_;
};

}  // namespace

VipRemoval remove_vips(const Config& config) {
  if (somebody_listens(config.control_socket)) {
    return {{},
            {config.control_socket +
             ": an agent is there, its VIPs are its own; stop it first: systemctl stop tandem"}};
  }
  Remover remover;
  if (auto problem = remover.begin()) return {{}, {std::move(*problem)}};
  for (const PairConfig& pair : config.pairs) {
    for (const auto& vip : all_vips(pair)) {
      const auto& address = vip.prefix.address;
      remover.remove(vip.prefix, vip.interface);
      // Where a leader that was leaving had parked it.
      remover.remove({address, static_cast<std::uint8_t>(address.size() * kBitsPerByte)}, "lo");
    }
  }
  return remover.take();
}

}  // namespace agent::io
