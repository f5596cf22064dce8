// Any text as tandem.toml: a configuration, or problems that each name what is wrong, in one line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "agent/io/config_load.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

void check(const std::vector<agent::ConfigProblem>& problems) {
  for (const auto& problem : problems) {
    fuzz::promise(!problem.what.empty());
    for (const char c : problem.to_string("tandem.toml")) {
      fuzz::promise(static_cast<unsigned char>(c) >= ' ');
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto result = agent::parse_config(text, "/nonexistent/tandem.toml");
  if (const auto* problems = std::get_if<std::vector<agent::ConfigProblem>>(&result)) {
    fuzz::promise(!problems->empty());
    check(*problems);
  } else {
    check(std::get<agent::LoadedConfig>(result).warnings);
  }
  return 0;
}
