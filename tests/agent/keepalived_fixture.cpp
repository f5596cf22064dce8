// See keepalived_fixture.hpp.
#include "tests/agent/keepalived_fixture.hpp"

#include <sstream>

namespace agent::keepalived {
namespace {

constexpr const char* kFile = "keepalived.conf";

}  // namespace

Surroundings FakeHost::surroundings() const {
  Surroundings out;
  out.config_id = config_id;
  out.addresses = addresses;
  out.include = [this](const std::string& pattern, const std::string&) {
    Included found;
    if (pattern.ends_with('*')) {
      const std::string folder = pattern.substr(0, pattern.size() - 1);
      for (const auto& [path, text] : files) {
        if (path.starts_with(folder)) found.files.push_back({path, text});
      }
    } else if (const auto file = files.find(pattern); file != files.end()) {
      found.files.push_back({file->first, file->second});
    } else {
      found.problem = "does not exist";
    }
    return found;
  };
  out.script = [this](const std::string& path) {
    const auto file = files.find(path);
    if (file == files.end()) return ScriptText{{}, "does not exist"};
    return ScriptText{file->second, {}};
  };
  out.scripts_in = [this](const std::string& directory) {
    std::vector<std::string> out_of;
    for (const auto& [path, text] : files) {
      if (path.substr(0, path.rfind('/')) == directory) out_of.push_back(path);
    }
    return out_of;
  };
  out.program = [this](const std::string& name) {
    const auto program = programs.find(name);
    return program == programs.end() ? std::string() : program->second;
  };
  return out;
}

Import import_of(const std::string& text, const FakeHost& host) {
  auto result = import_keepalived({kFile, text}, host.surroundings());
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    ADD_FAILURE() << refusal->to_string();
    return {};
  }
  return std::get<Import>(std::move(result));
}

std::string refusal_of(const std::string& text, const FakeHost& host) {
  const auto result = import_keepalived({kFile, text}, host.surroundings());
  const auto* refusal = std::get_if<Refusal>(&result);
  return refusal == nullptr ? "" : refusal->to_string();
}

std::string notes_of(const Import& import) {
  std::string out;
  for (const Note& note : import.notes) {
    out += std::to_string(note.place.line) + ": " + note.what + "\n";
  }
  return out;
}

std::string line_of(const Import& import, const std::string& begin) {
  std::istringstream stream(import.toml);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(begin)) return line;
  }
  return {};
}

LoadedConfig load(const Import& import, const ConfigFolder& folder) {
  std::string text = import.toml;
  std::string secret(64, '7');
  secret += '\n';
  for (const char* name : {"redis.password", "peer.secret"}) {
    const std::string path = folder.write(name, secret);
    std::string there = "/etc/tandem/";
    there += name;
    there += '"';
    for (auto at = text.find(there); at != std::string::npos; at = text.find(there, at + 1)) {
      text.replace(at, there.size() - 1, path);
    }
  }
  auto result = parse_config(text, folder.write("tandem.toml", text));
  if (auto* problems = std::get_if<std::vector<ConfigProblem>>(&result)) {
    for (const auto& problem : *problems) ADD_FAILURE() << problem.to_string("tandem.toml");
    ADD_FAILURE() << text;
    return {};
  }
  return std::get<LoadedConfig>(std::move(result));
}

std::string instance_with(const std::string& lines) {
  std::string text =
      "vrrp_instance VI_1 {\n  interface eth0\n  virtual_router_id 51\n  priority 100\n"
      "  unicast_src_ip 192.168.1.112\n  unicast_peer {\n    192.168.1.113\n  }\n"
      "  virtual_ipaddress {\n    192.168.1.120/24\n  }\n";
  text += lines;
  text += "\n}\n";
  return text;
}

}  // namespace agent::keepalived
