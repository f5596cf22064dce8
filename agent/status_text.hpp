// `tandem status` for people, from the JSON of an agent: the command line has nothing else. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "agent/screen.hpp"

namespace agent {

// Whether a failover would work now, from the JSON of a pair, and why or why not.
struct FailoverWords {
  bool works = false;
  std::string words;  // a clause
  bool certain = true;
};
FailoverWords failover_words(const boost::json::object& pair);
// Of a standby beside a leader: why it could not take over now; empty: it could.
std::string takeover_problem(const boost::json::object& pair);

// One screen that answers: who leads, why and since when, is the standby good, would a failover
// work now, what is wrong. `only`: one pair; empty: all.
std::string status_text(const boost::json::object& status, const std::string& only,
                        const Screen& screen);

}  // namespace agent
