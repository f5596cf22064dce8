// `tandem import` of any bytes: it ends, without a fault of memory, with a refusal or with text
// that TOML can hold.
//
// An input is a keepalived.conf, and behind a line of "%%" what every include, every script and
// every script beside them has in it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "agent/keepalived_import.hpp"
#include "agent/keepalived_words.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using fuzz::promise;

agent::keepalived::Surroundings surroundings(const std::string& other) {
  agent::keepalived::Surroundings out;
  out.config_id = "main";
  out.include = [other](const std::string& pattern, const std::string& from) {
    agent::keepalived::Included found;
    if (pattern.starts_with('!')) found.problem = "does not exist";
    if (pattern.size() < from.size()) found.files.push_back({from + "/" + pattern, other});
    return found;
  };
  out.script = [other](const std::string& path) {
    return agent::keepalived::ScriptText{other, path.ends_with('x') ? "does not exist" : ""};
  };
  out.scripts_in = [](const std::string& directory) {
    return std::vector<std::string>{directory + "/recover.sh"};
  };
  out.program = [](const std::string& name) {
    return name.size() % 2 == 0 ? "/usr/bin/" + name : std::string();
  };
  out.addresses = {{"eth0", "192.168.1.112"}};
  return out;
}

void check_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    promise(end != std::string_view::npos);
    const std::string_view line = text.substr(0, end);
    promise(agent::keepalived::clean(line) == line);
    text.remove_prefix(end + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find("%%\n");
  const std::string other = cut == std::string::npos ? "" : input.substr(cut + 3);
  const auto result =
      agent::keepalived::import_keepalived({"k.conf", input.substr(0, cut)}, surroundings(other));
  if (const auto* refusal = std::get_if<agent::keepalived::Refusal>(&result)) {
    promise(!refusal->what.empty());
    return 0;
  }
  const auto& import = std::get<agent::keepalived::Import>(result);
  check_text(import.toml);
  for (const auto& note : import.notes) promise(!note.what.empty());
  return 0;
}
