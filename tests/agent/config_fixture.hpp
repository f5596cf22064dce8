// What the tests of the configuration share: a folder with a configuration file and secrets, a
// small valid file to spoil one line of, and a Config as readable text.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/io/config_load.hpp"

namespace agent {

// A folder of its own that others may enter; removed at the end.
class ConfigFolder {
 public:
  ConfigFolder();
  ConfigFolder(const ConfigFolder&) = delete;
  ConfigFolder& operator=(const ConfigFolder&) = delete;
  ~ConfigFolder();

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  // Returns the path.
  std::string write(const std::string& name, const std::string& content, mode_t mode = 0600) const;
  // `text` with this folder's path instead of every "DIR".
  std::string in_text(std::string text) const;

 private:
  std::string path_;
};

// The process is not root while this lives, so that permissions count.
class AsNobody {
 public:
  AsNobody();
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody();

 private:
  bool was_root_;
};

// A valid configuration of ten lines: [[pair]] from line 1, [pair.server] from line 6, [pair.peer]
// from line 9.
std::string small_config();
// The same with `line` in [[pair]], [pair.server] or [pair.peer], in place of the line with its
// key; a new key becomes the table's last line: 6, 9 or 11.
std::string pair_with(const std::string& line);
std::string server_with(const std::string& line);
std::string peer_with(const std::string& line);
// The same with a table behind line 10.
std::string notify_with(const std::string& line);  // in line 12
std::string agent_with(const std::string& line);   // in line 12
// The same with an [agent.peer_link] of which a secret is in the folder; the line is 15.
std::string link_with(const ConfigFolder& folder, const std::string& line);
// The same with a table that has what it requires besides, behind line 10; the line is 15 and 14.
std::string script_with(const std::string& line);  // [[pair.track_script]]
std::string file_with(const std::string& line);    // [[pair.track_file]]
std::string without(const std::string& key);

// "tandem.toml:4: pair[redis].vrid: 0 is not a VRID; ..."; a loaded file has none.
std::vector<std::string> problems_of(const std::string& text,
                                     const std::string& path = "tandem.toml");
// Of a loaded file; of a refused one, its problems with "refused: " before each.
std::vector<std::string> warnings_of(const std::string& text,
                                     const std::string& path = "tandem.toml");
// describe() of a loaded file; of a refused one, its problems.
std::string load_and_describe(const std::string& text);

// A line of a table, and the whole message about it.
struct Mistake {
  std::string line;
  std::string message;
};
// Each alone in the small file, by one of the functions above, and nothing else is said.
void expect_problems(std::string (*with)(const std::string&), const std::vector<Mistake>& mistakes);
void expect_warnings(std::string (*with)(const std::string&), const std::vector<Mistake>& mistakes);
// The first pair of a text that has to load.
PairConfig load_pair(const std::string& text);

// Every field of the configuration, a few a line.
std::string describe(const Config& config);
std::string describe(const PairConfig& pair);
std::string describe(const TrackingConfig& tracking);

}  // namespace agent
