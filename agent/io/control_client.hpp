// One question to the agent over its control socket, for the operator's command: one line of JSON
// there, one back.
#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace agent::io {

struct ControlAnswer {
  boost::json::object value;
  std::string problem;  // not reachable: sentence
};

// `patience_seconds`: for each byte that is awaited.
ControlAnswer ask_agent(const std::string& path, const boost::json::object& request,
                        long patience_seconds = 5);

// Whether a process has this control socket open, also one that does not answer at the moment.
bool somebody_listens(const std::string& path);

}  // namespace agent::io
