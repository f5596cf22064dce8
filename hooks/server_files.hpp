// Where a server keeps its dataset and what it loads at its start: from its own words when it was
// last up, from the configuration, and from what lies on the disk. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hooks/rdb.hpp"

namespace hooks {

// What a running server said of itself: CONFIG GET and INFO server.
struct ServerFiles {
  std::optional<ServerVersion> version;
  std::string executable;  // INFO: its program
  std::string dir;
  std::string dbfilename;
  bool appendonly = false;
  std::string appenddirname;  // empty before Redis 7.0: the AOF is one file
  std::string appendfilename;
  bool saves = false;  // it has `save` lines
  bool operator==(const ServerFiles&) const = default;
};

// The parameters that are asked for, and the answers to them, as name, value, name, value.
const std::vector<std::string>& server_file_parameters();
ServerFiles read_server_files(const std::vector<std::string>& answers, std::string_view info);

// "Redis server v=7.0.15 sha=..."; nullopt: it is something else.
std::optional<ServerVersion> parse_version_line(std::string_view line);

// What lies beside the RDB of a server that has said nothing.
struct FilesOnDisk {
  bool aof_directory = false;  // appendonlydir with its manifest
  bool aof_file = false;       // appendonly.aof
};

// Where the leader's dataset has to go so that the server loads it.
struct DatasetPlace {
  enum class Kind : std::uint8_t {
    rdb,            // `path` is dump.rdb
    aof_file,       // `path` is appendonly.aof, whose beginning may be an RDB
    aof_directory,  // `path` is appendonlydir, with `base` and `manifest` in it
  };
  Kind kind = Kind::rdb;
  std::string path;
  std::string base;
  std::string manifest;
  std::string words;  // one clause for the log
  bool operator==(const DatasetPlace&) const = default;
};
// A server says what it likes, or what somebody with its password told it (CONFIG SET dir), and
// what is put there is put there with more rights than its own. nullopt, or the sentence why
// nothing is. Neither `dir` of `said` nor `state_dir`, the agent's, has links in it any more.
std::optional<std::string> refuse_said(const ServerFiles& said, const std::string& state_dir);

// "file appendonly.aof.1.base.rdb seq 1 type b\n"
std::string manifest_text(const std::string& base);

// Or the sentence why it is not known. `rdb_file` is the configuration's, or empty; `version` what
// will load it.
std::variant<DatasetPlace, std::string> choose_place(const std::optional<ServerFiles>& said,
                                                     const std::string& rdb_file,
                                                     const FilesOnDisk& on_disk,
                                                     const ServerVersion& version);

}  // namespace hooks
