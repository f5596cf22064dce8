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

}  // namespace agent::io
