// What the tests of `tandem import` share: a host whose files are in memory, and an import of it
// that is read back as a configuration.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "agent/io/config_load.hpp"
#include "agent/keepalived_import.hpp"
#include "tests/agent/config_fixture.hpp"

namespace agent::keepalived {

struct FakeHost {
  std::map<std::string, std::string> files;  // scripts and included files
  std::vector<HostAddress> addresses;
  std::map<std::string, std::string> programs;  // their names, and where they are
  std::string config_id = "server11";

  Surroundings surroundings() const;
};

// The whole result, or a failure of the test.
Import import_of(const std::string& text, const FakeHost& host = {});
// The sentence that refuses it; "" when it is good.
std::string refusal_of(const std::string& text, const FakeHost& host = {});

// The notes, one a line: "12: what".
std::string notes_of(const Import& import);
// A line of the output that begins with this; "" for none.
std::string line_of(const Import& import, const std::string& begin);

// The output as tandemd reads it, with the secrets that it names; problems fail the test.
LoadedConfig load(const Import& import, const ConfigFolder& folder);

// A vrrp_instance with what it needs, and these lines.
std::string instance_with(const std::string& lines);

}  // namespace agent::keepalived
