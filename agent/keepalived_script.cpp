// See keepalived_script.hpp. A command that is not recognised is `other`: its script is kept.
#include "agent/keepalived_script.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "agent/keepalived_redis_cli.hpp"
#include "agent/keepalived_shell.hpp"
#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

using Strings = std::vector<std::string>;

constexpr int kMaxPort = 65535;

bool in(const std::set<std::string_view>& set, const std::string& word) {
  return set.contains(word);
}

bool names_redis(const std::string& text) {
  const std::string low = lower(text);
  return low.find("redis") != std::string::npos || low.find("valkey") != std::string::npos ||
         low.find("keydb") != std::string::npos;
}

bool any_names_redis(const Strings& words) {
  return std::any_of(words.begin() + 1, words.end(), names_redis);
}

bool is_rdb(const std::string& word) {
  return lower(word).ends_with(".rdb");
}

// A word of a command that may be shown: no option, no blank, nothing long.
std::string plain(const std::string& word) {
  constexpr std::size_t kMaxPlain = 64;
  const bool good = !word.empty() && word.size() <= kMaxPlain &&
                    word.find_first_not_of(
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.:_-/$?{}") == std::string::npos;
  return good ? word : "...";
}

class Looker {
 public:
  explicit Looker(const std::vector<ShellCommand>& commands) : commands_(commands) {}

  ScriptFindings run() {
    for (std::size_t i = 0; i < commands_.size(); ++i) {
      const bool to_cli = commands_[i].piped && i + 1 < commands_.size() && is_talk(i + 1);
      for (const std::string& one : commands_[i].assignments) look_at_assignment(one);
      if (!commands_[i].words.empty()) look(commands_[i], to_cli);
    }
    return std::move(out_);
  }

 private:
  bool is_talk(std::size_t index) const {
    const Strings words = without_keywords(commands_[index].words);
    return !words.empty() && (is_redis_cli(words.front()) || base_name(words.front()) == "nc");
  }

  static Strings without_keywords(Strings words) {
    static const std::set<std::string_view> kLeading{
        "if", "then", "else", "elif",  "do",   "while",   "until", "!",
        "{",  "time", "exec", "nohup", "sudo", "command", "nice",  "env"};
    while (!words.empty() && in(kLeading, words.front())) words.erase(words.begin());
    // `timeout 2 redis-cli ...`
    if (words.size() > 2 && words.front() == "timeout")
      words.erase(words.begin(), words.begin() + 2);
    return words;
  }

  void look_at_assignment(const std::string& assignment) {
    if (assignment.starts_with("REDISCLI_AUTH=")) out_.password = true;
  }

  void add(const ShellCommand& command, Work work, std::string words) {
    out_.lines.push_back({command.line, work, std::move(words)});
  }

  void look(const ShellCommand& command, bool to_cli) {
    const Strings words = without_keywords(command.words);
    if (words.empty()) return;
    if (is_redis_cli(words.front())) return look_at_cli(command, words);
    if (to_cli) return look_at_redis(command, {words.begin() + 1, words.end()}, Endpoint{});
    const std::string program = base_name(words.front());
    if (look_at_role_words(command, words)) return;
    if (look_at_service(command, words, program)) return;
    if (look_at_files(command, words, program)) return;
    static const std::set<std::string_view> kNothing{
        "done",     "fi",      "esac",  "}",        "case",     "for",    "in",      "function",
        "echo",     "printf",  "date",  "logger",   "exit",     "return", "true",    "false",
        ":",        "set",     "unset", "shift",    "local",    "export", "declare", "readonly",
        "read",     "cat",     "grep",  "egrep",    "awk",      "sed",    "cut",     "tr",
        "head",     "tail",    "wc",    "tee",      "expr",     "let",    "id",      "whoami",
        "umask",    "trap",    "break", "continue", "hostname", "[",      "[[",      "test",
        "basename", "dirname", "]",     "source",   ".",        "mkdir",  "touch"};
    if (program == "sleep" || program == "usleep") {
      return add(command, Work::wait, "sleep " + plain(words.size() > 1 ? words[1] : ""));
    }
    const bool edits =
        program == "sed" && std::find(words.begin(), words.end(), "-i") != words.end();
    if (!in(kNothing, program) || edits) return add(command, Work::other, program);
    look_at_outputs(command, words, program);
  }

  // What is only said goes to a log; to another file it is work.
  void look_at_outputs(const ShellCommand& command, const Strings& words,
                       const std::string& program) {
    Strings files = command.outputs;
    if (program == "tee") files.insert(files.end(), words.begin() + 1, words.end());
    for (const std::string& file : files) {
      if (file.starts_with("/dev/") || file.starts_with('-') || file.starts_with('$')) continue;
      const bool log = lower(file).find("log") != std::string::npos;
      add(command, log ? Work::logs : Work::other, log ? file : program + " > " + plain(file));
    }
    const bool tests = program == "[" || program == "[[" || program == "test";
    for (std::size_t i = 1; tests && i + 1 < words.size(); ++i) {
      const bool file = words[i].size() == 2 && words[i][0] == '-' &&
                        std::string_view("efsrxdL").find(words[i][1]) != std::string_view::npos;
      const std::string& path = words[i + 1];
      if (file && path.starts_with('/') && !names_redis(path)) {
        add(command, Work::looks, "tests " + plain(path));
      }
    }
  }

  void look_at_cli(const ShellCommand& command, const Strings& words) {
    const CliCall call = read_cli_call(words);
    out_.password = out_.password || call.password;
    if (!call.user.empty()) out_.user = call.user;
    out_.tls = out_.tls || call.tls;
    if (!call.tls_ca.empty()) out_.tls_ca = call.tls_ca;
    if (!call.command.empty()) return look_at_redis(command, call.command, call.server);
    for (const std::string& line : command.input) {
      Strings typed;
      for (Token& token : split_words(line).tokens) typed.push_back(std::move(token.text));
      if (!typed.empty()) look_at_redis(command, typed, call.server);
    }
  }

  // A command to a server. Only its name and what names a server is kept.
  void look_at_redis(const ShellCommand& command, Strings words, const Endpoint& server) {
    if (words.size() == 1) words = split(words.front());
    while (!words.empty() && words.front().starts_with('-')) words.erase(words.begin());
    if (words.empty()) return;
    const std::string name = lower(words.front());
    if (name == "slaveof" || name == "replicaof") return look_at_replicaof(command, words, server);
    if (name == "auth") {
      out_.password = true;
      return add(command, Work::check, "AUTH");
    }
    static const std::set<std::string_view> kAsks{
        "ping", "info",  "role", "get",        "exists",      "dbsize", "lastsave",
        "wait", "hello", "time", "config get", "client list", "select"};
    const std::string two = words.size() > 1 ? name + " " + lower(words[1]) : name;
    if (in(kAsks, name) || in(kAsks, two)) {
      out_.asked.push_back(server);
      return add(command, Work::check, upper(name));
    }
    if (name == "failover" || name == "cluster") return add(command, Work::role, upper(name));
    if (name == "shutdown") return add(command, Work::stop, "SHUTDOWN");
    if (name == "client") return add(command, Work::settings, "CLIENT");
    if (name == "config" && is_replication_setting(words)) {
      if (words.size() > 2 && words[2].ends_with("auth")) out_.password = true;
      return add(command, Work::settings, "CONFIG SET " + plain(words[2]));
    }
    add(command, Work::other, upper(plain(name)));
  }

  static bool is_replication_setting(const Strings& words) {
    if (words.size() < 3 || lower(words[1]) != "set") return false;
    const std::string key = lower(words[2]);
    return key == "masterauth" || key == "masteruser" || key.starts_with("min-") ||
           key.starts_with("slave-") || key.starts_with("replica-");
  }

  void look_at_replicaof(const ShellCommand& command, const Strings& words,
                         const Endpoint& server) {
    std::string shown = upper(words.front());
    out_.commanded.push_back(server);
    for (std::size_t i = 1; i < words.size() && i < 3; ++i) shown += " " + plain(words[i]);
    add(command, Work::role, shown);
    if (words.size() < 2 || lower(words[1]) == "no") return;
    const std::string port = words.size() > 2 ? words[2] : "";
    out_.masters.push_back({words[1], to_integer(port, 1, kMaxPort).value_or(Endpoint{}.port), {}});
  }

  // "$REDISCLI SLAVEOF ..." whose variable is set elsewhere.
  bool look_at_role_words(const ShellCommand& command, const Strings& words) {
    if (words.front().find('$') == std::string::npos) return false;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string word = lower(words[i]);
      if (word != "slaveof" && word != "replicaof") continue;
      const Strings rest(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      look_at_replicaof(command, rest, Endpoint{});
      out_.commanded.pop_back();
      return true;
    }
    return false;
  }

  // The server's, keepalived's and the network's coming and going.
  bool look_at_service(const ShellCommand& command, const Strings& words,
                       const std::string& program) {
    static const std::set<std::string_view> kKills{"kill", "killall", "pkill"};
    static const std::set<std::string_view> kFinds{"pidof",   "pgrep", "ps",  "ss",
                                                   "netstat", "nc",    "lsof"};
    static const std::set<std::string_view> kServers{"redis-server", "valkey-server",
                                                     "keydb-server"};
    const auto has = [&](std::string_view one) {
      return std::any_of(words.begin(), words.end(),
                         [&](const std::string& w) { return w.find(one) != std::string::npos; });
    };
    const bool service = program == "systemctl" || program == "service" ||
                         program == "rc-service" ||
                         words.front().find("/init.d/") != std::string::npos;
    const bool redis = any_names_redis(words) || (service && names_redis(words.front()));
    const bool stops = has("stop") || in(kKills, program);
    if (in(kServers, program)) {
      add(command, Work::start, "starts " + program);
    } else if (in(kKills, program) && (has("-0") || has("-CONT"))) {
      add(command, redis ? Work::check : Work::other, program);
    } else if (program == "keepalived" || ((service || in(kKills, program)) && has("keepalived"))) {
      const bool off = stops || program != "keepalived";
      add(command, Work::router, off ? "stops keepalived" : "starts keepalived");
    } else if (service && (has("network") || has("NetworkManager"))) {
      add(command, Work::router, "restarts the network");
    } else if ((service || in(kKills, program)) && redis) {
      if (service) remember_unit(words);
      const bool asks = has("is-active") || has("status");
      add(command,
          asks    ? Work::check
          : stops ? Work::stop
                  : Work::start,
          asks    ? program
          : stops ? "stops the server"
                  : "starts the server");
    } else if (in(kFinds, program)) {
      // A port is not told from another service's.
      if (redis || program == "ps" || has("6379"))
        add(command, Work::check, program);
      else
        add(command, Work::other, program);
    } else {
      return false;
    }
    return true;
  }

  void remember_unit(const Strings& words) {
    for (const std::string& word : words) {
      if (!names_redis(word)) continue;
      out_.unit = base_name(word);
      if (out_.unit.ends_with(".service")) out_.unit.resize(out_.unit.size() - 8);
      return;
    }
  }

  // scp and rsync of an RDB; mv and cp of one on this host.
  bool look_at_files(const ShellCommand& command, const Strings& words,
                     const std::string& program) {
    static const std::set<std::string_view> kCopies{"scp", "rsync", "cp", "mv"};
    if (!in(kCopies, program) || !std::any_of(words.begin(), words.end(), is_rdb)) return false;
    add(command, Work::copy, program + " of an RDB");
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::size_t colon = words[i].find(':');
      if (colon == std::string::npos || colon == 0 || words[i].starts_with('-')) continue;
      const std::string host = words[i].substr(0, colon);
      const std::size_t at = host.find('@');
      out_.sources.push_back(at == std::string::npos ? host : host.substr(at + 1));
    }
    const std::string& target = words.back();
    const bool here = target.starts_with('/') && target.find(':') == std::string::npos;
    if (here && is_rdb(target)) out_.rdb_file = target;
    return true;
  }

  static Strings split(const std::string& text) {
    Strings out;
    for (Token& token : split_words(text).tokens) out.push_back(std::move(token.text));
    return out;
  }

  static std::string upper(std::string text) {
    for (char& c : text) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
  }

  const std::vector<ShellCommand>& commands_;
  ScriptFindings out_;
};

bool is_redis_work(Work work) {
  return work == Work::check || work == Work::role || work == Work::settings ||
         work == Work::start || work == Work::stop || work == Work::copy || work == Work::router;
}

// Another language: lines that say what would be a role's change in any of them.
ScriptFindings look_by_words(std::string_view text) {
  ScriptFindings out;
  out.shell = false;
  unsigned number = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = lower(text.substr(at, end - at));
    at = end + 1;
    ++number;
    const bool role =
        line.find("slaveof") != std::string::npos || line.find("replicaof") != std::string::npos;
    if (role) out.lines.push_back({number, Work::role, "SLAVEOF"});
    if (line.find("password") != std::string::npos) out.password = out.password || role;
  }
  out.lines.push_back({1, Work::other, "another language"});
  return out;
}

bool is_shell(std::string_view text) {
  if (!text.starts_with("#!")) return true;
  const std::string_view first = text.substr(0, text.find('\n'));
  return first.find("sh") != std::string_view::npos;
}

}  // namespace

bool ScriptFindings::does(Work work) const {
  return std::any_of(lines.begin(), lines.end(),
                     [work](const ScriptLine& line) { return line.work == work; });
}

bool ScriptFindings::touches_redis() const {
  return std::any_of(lines.begin(), lines.end(),
                     [](const ScriptLine& line) { return is_redis_work(line.work); });
}

bool ScriptFindings::steers() const {
  return std::any_of(lines.begin(), lines.end(), [](const ScriptLine& line) {
    return is_redis_work(line.work) && line.work != Work::check;
  });
}

std::string ScriptFindings::redis_lines() const {
  constexpr std::size_t kMost = 12;
  std::string out;
  std::size_t count = 0;
  for (const ScriptLine& line : lines) {
    if (!is_redis_work(line.work) && line.work != Work::wait) continue;
    if (++count > kMost) return out + ", and more";
    if (!out.empty()) out += ", ";
    out += "line " + std::to_string(line.line) + " (" + clean(line.words) + ")";
  }
  return out;
}

ScriptFindings look_at_script(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    ScriptFindings out;
    out.binary = true;
    out.lines.push_back({0, Work::other, "a program"});
    return out;
  }
  if (!is_shell(text)) return look_by_words(text);
  const auto commands = shell_commands(text);
  return Looker(commands).run();
}

ScriptFindings look_at_command(std::string_view line) {
  const auto commands = shell_commands(line);
  return Looker(commands).run();
}

bool has_password(std::string_view line) {
  const auto commands = shell_commands(line);
  if (Looker(commands).run().password) return true;
  // Another program's options, and redis://user:password@host.
  for (const ShellCommand& command : commands) {
    for (const std::string& word : command.words) {
      const bool option = (word == "-a" && names_redis(std::string(line))) ||
                          word.starts_with("--pass") || word.starts_with("--auth");
      const std::size_t scheme = word.find("://");
      const bool url = scheme != std::string::npos && word.find('@', scheme) != std::string::npos;
      if (option || url) return true;
    }
  }
  return false;
}

}  // namespace agent::keepalived
