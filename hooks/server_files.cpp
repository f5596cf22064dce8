// With `appendonly yes` a server ignores its RDB, and starts empty when the AOF is not there: so
// the dataset becomes the AOF's base. See redis.conf, "append only mode".
#include "hooks/server_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "hooks/output_lines.hpp"

namespace hooks {
namespace {

constexpr std::string_view kDirectoryName = "appendonlydir";
constexpr std::string_view kFileName = "appendonly.aof";
constexpr int kMultiPart = 7;   // AOF in several files
constexpr int kAofWithRdb = 4;  // an AOF may begin with an RDB

int major_of(const ServerVersion& version) {
  int major = 0;
  std::from_chars(version.version.data(), version.version.data() + version.version.size(), major);
  return major;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string in_directory(const std::string& directory, std::string_view name) {
  return directory + (directory.ends_with('/') ? "" : "/") + std::string(name);
}

bool is_within(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + '/');
}

std::string info_field(std::string_view info, std::string_view name) {
  std::string start(name);
  start += ':';
  for (std::size_t at = 0; at < info.size();) {
    const std::size_t end = std::min(info.find('\n', at), info.size());
    std::string_view line = info.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(start)) return std::string(line.substr(start.size()));
    at = end + 1;
  }
  return {};
}

DatasetPlace aof_directory(const std::string& dir, std::string_view name, std::string_view file) {
  DatasetPlace place;
  place.kind = DatasetPlace::Kind::aof_directory;
  place.path = in_directory(dir, name);
  place.base = std::string(file) + ".1.base.rdb";
  place.manifest = std::string(file) + ".manifest";
  place.words = "the dataset becomes the base of the AOF in " + place.path +
                ", because the server has appendonly yes; an AOF does not keep the place in the "
                "leader's stream, so a full resync follows";
  return place;
}

std::variant<DatasetPlace, std::string> aof_file(const std::string& path,
                                                 const ServerVersion& version) {
  if (major_of(version) < kAofWithRdb) {
    return version.to_string() +
           " has appendonly yes and reads no RDB as its AOF; "
           "write recovery = \"resync\"";
  }
  DatasetPlace place;
  place.kind = DatasetPlace::Kind::aof_file;
  place.path = path;
  place.words = "the dataset becomes the beginning of the AOF " + path +
                ", because the server has appendonly yes; an AOF does not keep the place in the "
                "leader's stream, so a full resync follows";
  return place;
}

}  // namespace

const std::vector<std::string>& server_file_parameters() {
  static const std::vector<std::string> kParameters = {
      "dir", "dbfilename", "appendonly", "appenddirname", "appendfilename", "save"};
  return kParameters;
}

ServerFiles read_server_files(const std::vector<std::string>& answers, std::string_view info) {
  ServerFiles files;
  for (std::size_t i = 0; i + 1 < answers.size(); i += 2) {
    const std::string& name = answers[i];
    const std::string& value = answers[i + 1];
    if (name == "dir") files.dir = value;
    if (name == "dbfilename") files.dbfilename = value;
    if (name == "appendonly") files.appendonly = value == "yes";
    if (name == "appenddirname") files.appenddirname = value;
    if (name == "appendfilename") files.appendfilename = value;
    if (name == "save") files.saves = !value.empty();
  }
  files.version = parse_server_version(info);
  files.executable = info_field(info, "executable");
  return files;
}

std::optional<std::string> refuse_said(const ServerFiles& said, const std::string& state_dir) {
  constexpr const char* kAdvice =
      ": no server keeps its data there; look who changed it (CONFIG GET dir dbfilename), or write "
      "rdb_file in [pair.server]";
  for (const std::string* name : {&said.dbfilename, &said.appendfilename, &said.appenddirname}) {
    if (*name != "." && *name != ".." && name->find('/') == std::string::npos) continue;
    return "the local server calls a file of its dataset \"" + printable(*name) + '"' + kAdvice;
  }
  const std::array<std::string, 13> others{"/bin",   "/boot",    "/dev",   "/etc",  "/lib",
                                           "/lib64", "/proc",    "/run",   "/sbin", "/sys",
                                           "/usr",   "/var/log", state_dir};
  const auto among = [&](const std::string& one) { return is_within(said.dir, one); };
  const bool system = std::any_of(others.begin(), others.end(), among);
  if (said.dir.starts_with('/') && said.dir != "/" && !system) return std::nullopt;
  return "the local server calls " + printable(said.dir) + " the directory of its dataset" +
         kAdvice;
}

std::optional<ServerVersion> parse_version_line(std::string_view line) {
  constexpr std::string_view kMark = " server v=";
  const std::size_t at = line.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(at + kMark.size());
  const std::string_view version = rest.substr(0, rest.find(' '));
  if (version.empty()) return std::nullopt;
  const bool valkey = line.starts_with("Valkey");
  return ServerVersion{valkey ? ServerVersion::Kind::valkey : ServerVersion::Kind::redis,
                       std::string(version)};
}

std::string manifest_text(const std::string& base) {
  return "file " + base + " seq 1 type b\n";
}

std::variant<DatasetPlace, std::string> choose_place(const std::optional<ServerFiles>& said,
                                                     const std::string& rdb_file,
                                                     const FilesOnDisk& on_disk,
                                                     const ServerVersion& version) {
  if (!said && rdb_file.empty()) {
    return "it is not known where the local server keeps its dataset, because it was never up "
           "while this agent looked; write rdb_file in [pair.server], or start the server once";
  }
  if (said && said->appendonly) {
    if (major_of(version) < kMultiPart) {
      return aof_file(in_directory(said->dir, said->appendfilename), version);
    }
    const bool named = !said->appenddirname.empty();
    return aof_directory(said->dir, named ? said->appenddirname : kDirectoryName,
                         said->appendfilename);
  }
  const std::string dir = said ? said->dir : directory_of(rdb_file);
  if (!said && on_disk.aof_directory && major_of(version) >= kMultiPart) {
    return aof_directory(dir, kDirectoryName, kFileName);
  }
  if (!said && on_disk.aof_file) return aof_file(in_directory(dir, kFileName), version);
  DatasetPlace place;
  place.path = rdb_file.empty() ? in_directory(dir, said->dbfilename) : rdb_file;
  place.words = "the dataset goes to " + place.path;
  if (said && !said->saves) {
    place.words +=
        "; the server has no save lines: it loads this file and does not keep it up to date";
  }
  return place;
}

}  // namespace hooks
