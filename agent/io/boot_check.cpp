// As systemd reads it: of several unit files the first counts, of all drop-ins the lines in the
// order of their names, and an empty ExecStart= forgets those before it.
#include "agent/io/boot_check.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include "agent/io/config_secrets.hpp"

namespace agent::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 1024UL * 1024;
constexpr const char* kFolders[] = {"etc/systemd/system", "run/systemd/system",
                                    "usr/lib/systemd/system", "lib/systemd/system"};
constexpr const char* kUnits[] = {"redis-server.service", "redis.service", "valkey-server.service",
                                  "valkey.service", "keydb-server.service"};

std::string text_of(const fs::path& path) {
  auto read = read_file(path.string(), kMostBytes);
  auto* file = std::get_if<FileText>(&read);
  return file == nullptr ? std::string() : std::move(file->text);
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void read_commands(const fs::path& file, std::string& command) {
  constexpr std::string_view kKey = "ExecStart=";
  std::istringstream lines(text_of(file));
  for (std::string line; std::getline(lines, line);) {
    while (line.ends_with('\\')) {
      line.back() = ' ';
      std::string more;
      if (!std::getline(lines, more)) break;
      line += more;
    }
    if (line.starts_with(kKey)) command = line.substr(kKey.size());
  }
}

// Another name of a unit is a link to it, and says nothing of its own.
bool is_alias(const fs::path& file) {
  std::error_code error;
  return fs::is_symlink(file, error) && fs::read_symlink(file, error).filename() != file.filename();
}

// The last ExecStart of a unit with its drop-ins; nullopt: there is no such unit.
std::optional<std::string> start_command(const fs::path& root, const std::string& unit) {
  std::optional<std::string> command;
  std::map<std::string, fs::path> drop_ins;
  for (const char* const folder : kFolders) {
    std::error_code error;
    const fs::path file = root / folder / unit;
    if (is_alias(file)) return std::nullopt;
    if (!command && fs::is_regular_file(file, error)) read_commands(file, command.emplace());
    for (const auto& entry : fs::directory_iterator(root / folder / (unit + ".d"), error)) {
      if (entry.path().extension() == ".conf") {
        drop_ins.emplace(entry.path().filename().string(), entry.path());
      }
    }
  }
  if (!command) return std::nullopt;
  for (const auto& [name, path] : drop_ins) read_commands(path, *command);
  return command;
}

// The last value of a directive in a redis.conf, in lower case as people write it.
std::string directive(const std::string& config, std::string_view name) {
  std::istringstream lines(config);
  std::string value;
  for (std::string line; std::getline(lines, line);) {
    const auto words = words_of(line);
    if (words.size() > 1 && words[0] == name) value = words[1];
  }
  return value;
}

bool has_word(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_on_port(const std::string& config, std::uint16_t port) {
  const std::string wanted = std::to_string(port);
  const std::string plain = directive(config, "port");
  return (plain.empty() ? "6379" : plain) == wanted || directive(config, "tls-port") == wanted;
}

}  // namespace

std::vector<std::string> boot_warnings(std::uint16_t port, const fs::path& root) {
  std::vector<std::string> out;
  for (const char* const unit : kUnits) {
    const auto command = start_command(root, unit);
    if (!command) continue;
    const auto words = words_of(*command);
    if (has_word(words, "--replicaof") || has_word(words, "--slaveof")) continue;
    const auto conf = std::find_if(words.begin(), words.end(), [](const std::string& word) {
      return word.starts_with('/') && word.ends_with(".conf");
    });
    const std::string config =
        conf == words.end() ? std::string() : text_of(root / conf->substr(1));
    if (!is_on_port(config, port)) continue;
    const std::string newer = directive(config, "replicaof");
    const std::string master = newer.empty() ? directive(config, "slaveof") : newer;
    if (master == "127.0.0.1") continue;
    std::string sentence(unit);
    if (master.empty()) {
      sentence +=
          " starts its server as a master: after a crash it would come back empty or old, and "
          "its replica would copy that";
    } else {
      sentence += " starts its server as a replica of " + master +
                  ": within a second it would copy that, whatever it alone holds";
    }
    sentence +=
        "; add --replicaof 127.0.0.1 1 to its ExecStart, as in "
        "/usr/share/doc/tandem/examples/redis-server.service.d/tandem.conf";
    out.push_back(std::move(sentence));
  }
  return out;
}

}  // namespace agent::io
