// The families in which a pair speaks VRRP. One election, heard and told in each of them: what a
// voice sends and admits is of its own family, what it means is for the one vrrp::Instance of the
// pair. Pure; sockets and sources of the interface are io/interface_hub.
#pragma once

#include <optional>
#include <vector>

#include "agent/config.hpp"
#include "vrrp/admission.hpp"

namespace agent {

struct Voice {
  vrrp::Family family = vrrp::Family::ipv4;
  // `addresses` are those of the adverts, in their order; `own_source` follows `source`.
  vrrp::AdmissionRules rules;
  std::vector<vrrp::IpAddress> destinations;
  std::optional<vrrp::IpAddress> wanted_source;  // the configured one
  std::optional<vrrp::IpAddress> source;         // the one there is now; nullopt: cannot speak
};

// The first one decides whether the pair can speak at all: IPv4 where `vips` has an IPv4 address.
std::vector<Voice> make_voices(const PairConfig& pair);

// The addresses of `vips` in one family, in the order of an advert: as in the file, for IPv6 a
// link-local one first (RFC 9568 section 5.2.9).
std::vector<vrrp::IpAddress> advertised(const PairConfig& pair, vrrp::Family family);

// `vips` and `vips_excluded`: all that moves.
std::vector<vrrp::VirtualAddress> all_vips(const PairConfig& pair);

}  // namespace agent
