// See import_command.hpp. Only reads what the configuration names, within limits; the answer may
// hold a VRRP password, so a file is made for its owner only.
#include "agent/io/import_command.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "agent/io/config_secrets.hpp"
#include "agent/keepalived_import.hpp"
#include "agent/keepalived_words.hpp"

namespace agent::io {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr int kRefused = 1;
constexpr std::size_t kMaxFile = 1UL << 20;
constexpr std::size_t kMaxScript = 256UL * 1024;
constexpr std::size_t kMaxListed = 256;

int fail(const std::string& sentence) {
  std::cerr << "tandem: " << sentence << "\n";
  return kRefused;
}

bool has_wildcard(const std::string& pattern) {
  return pattern.find_first_of("*?[{") != std::string::npos;
}

std::string canonical(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return error ? path : real.string();
}

// As keepalived: relative to the file that includes.
keepalived::Included include(const std::string& pattern, const std::string& from) {
  std::string whole = pattern;
  if (!pattern.starts_with('/')) whole = (fs::path(from).parent_path() / pattern).string();
  glob_t found{};
  const int result = ::glob(whole.c_str(), GLOB_BRACE, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  keepalived::Included out;
  if (result == GLOB_NOMATCH && !has_wildcard(pattern)) out.problem = "does not exist";
  if (result != 0 && result != GLOB_NOMATCH) out.problem = "cannot be looked for";
  for (const std::string& path : paths) {
    auto file = read_file(path, kMaxFile);
    if (const auto* refusal = std::get_if<Refusal>(&file)) {
      out.problem = refusal->what;
      break;
    }
    out.files.push_back({canonical(path), std::move(std::get<FileText>(file).text)});
  }
  return out;
}

keepalived::ScriptText read_script(const std::string& path) {
  auto file = read_file(path, kMaxScript);
  if (auto* text = std::get_if<FileText>(&file)) return {std::move(text->text), {}};
  const std::string& problem = std::get<Refusal>(file).what;
  // What is larger is no script but a program, which nobody looks into.
  if (problem.starts_with("is larger")) return {std::string(1, '\0'), {}};
  return {{}, problem};
}

std::vector<std::string> scripts_in(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (entry->is_regular_file(error) && !error) out.push_back(entry->path().string());
    if (out.size() >= kMaxListed) break;
  }
  std::sort(out.begin(), out.end());
  return out;
}

// In the directories that programs of systemd's units are looked for in.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return {};
  for (const char* directory :
       {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    std::string path = directory;
    path += name;
    std::error_code error;
    if (fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

std::vector<keepalived::HostAddress> addresses() {
  std::vector<keepalived::HostAddress> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    const bool ipv4 = one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET;
    if (!ipv4 || (one->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    std::array<char, INET_ADDRSTRLEN> text{};
    if (::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size()) == nullptr) continue;
    out.push_back({one->ifa_name, text.data()});
  }
  ::freeifaddrs(list);
  return out;
}

std::string host_id() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string whole = name.data();
  return whole.substr(0, whole.find('.'));
}

keepalived::Surroundings surroundings(const ImportOptions& options) {
  keepalived::Surroundings out;
  out.config_id = options.config_id.empty() ? host_id() : options.config_id;
  out.include = include;
  out.script = read_script;
  out.scripts_in = scripts_in;
  out.program = find_program;
  out.addresses = addresses();
  // keepalived's own rule for scripts that name nobody.
  if (::getpwnam("keepalived_script") != nullptr) out.script_user = "keepalived_script";
  return out;
}

// A new file that only its owner reads; nothing is replaced. A sentence when that fails.
std::string write_new(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0 && errno == EEXIST) {
    return path + " is there already and is not replaced; name another file";
  }
  if (fd < 0) return path + " cannot be written: " + std::generic_category().message(errno);
  std::size_t done = 0;
  int error = 0;
  while (done < text.size() && error == 0) {
    const ssize_t count = ::write(fd, text.data() + done, text.size() - done);
    if (count > 0) done += static_cast<std::size_t>(count);
    if (count < 0 && errno != EINTR) error = errno;
  }
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0) return {};
  ::unlink(path.c_str());
  return path + " cannot be written: " + std::generic_category().message(error);
}

void print_json(const ImportOptions& options, const keepalived::Import& import) {
  json::array notes;
  for (const auto& note : import.notes) {
    notes.push_back({{"file", keepalived::clean(note.place.file)},
                     {"line", note.place.line},
                     {"what", keepalived::clean(note.what)}});
  }
  json::array gaps;
  for (const auto& gap : import.gaps) {
    gaps.push_back({{"line", gap.line}, {"key", gap.key}, {"what", gap.what}});
  }
  json::object out{{"source", keepalived::clean(options.file)}, {"complete", import.gaps.empty()}};
  out["output"] = options.output.empty() ? json::value() : json::value(options.output);
  out["notes"] = std::move(notes);
  out["fill_in"] = std::move(gaps);
  out["steps"] = json::array(import.steps.begin(), import.steps.end());
  if (options.output.empty()) out["toml"] = import.toml;
  std::cout << json::serialize(out) << "\n";
}

void print_words(const ImportOptions& options, const keepalived::Import& import) {
  if (options.output.empty()) std::cout << import.toml << std::flush;
  const std::string name = options.output.empty() ? "tandem.toml" : options.output;
  for (const auto& note : import.notes) {
    std::cerr << note.place.to_string() << ": " << note.what << "\n";
  }
  for (const auto& gap : import.gaps) {
    std::cerr << name << ":" << gap.line << ": FILL IN " << gap.key << ": " << gap.what << "\n";
  }
  std::cerr << "left to do by hand:\n";
  for (const std::string& step : import.steps) std::cerr << "  " << step << "\n";
}

}  // namespace

int import_configuration(const ImportOptions& options) {
  auto file = read_file(options.file, kMaxFile);
  if (const auto* refusal = std::get_if<Refusal>(&file)) {
    return fail(options.file + " " + refusal->what);
  }
  const auto result = keepalived::import_keepalived(
      {options.file, std::move(std::get<FileText>(file).text)}, surroundings(options));
  if (const auto* refusal = std::get_if<keepalived::Refusal>(&result)) {
    return fail(refusal->to_string());
  }
  const auto& import = std::get<keepalived::Import>(result);
  if (!options.output.empty()) {
    const std::string problem = write_new(options.output, import.toml);
    if (!problem.empty()) return fail(problem);
  }
  if (options.as_json) {
    print_json(options, import);
  } else {
    print_words(options, import);
  }
  return 0;
}

}  // namespace agent::io
