// The hands of `tandem doctor`: asks servers, kernel, firewall and disks for what doctor.hpp
// judges. Changes nothing.
#pragma once

#include <string>

#include "agent/config.hpp"
#include "agent/doctor.hpp"

namespace agent::io {

// `agent_runs`: then it knows the link to the peer's agent better than a trial from here.
doctor::PairSeen look_at_pair(const PairConfig& pair, bool agent_runs);
doctor::HostSeen look_at_host(const Config& config);
// What the firewall does with the packets that the pair needs.
doctor::Findings look_at_firewall(const Config& config, const PairConfig& pair);

}  // namespace agent::io
