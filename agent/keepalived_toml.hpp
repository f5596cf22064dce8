// The pairs of an import as a commented tandem.toml.
#pragma once

#include <string>
#include <vector>

#include "agent/keepalived_plan.hpp"

namespace agent::keepalived {

// A key that somebody has to fill in, with its line in the text.
struct Gap {
  unsigned line = 0;
  std::string key;
  std::string what;
};

struct TomlText {
  std::string text;
  std::vector<Gap> gaps;
};

// `steps`: what is left to do, for the head of the file.
TomlText write_toml(const Plan& plan, const std::string& source,
                    const std::vector<std::string>& steps);

// `text` as a basic string of TOML.
std::string toml_string(const std::string& text);
// "1s", "250ms"
std::string duration_text(double seconds);

}  // namespace agent::keepalived
