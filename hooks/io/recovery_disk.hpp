// What a recovery does with the files of a server: looks at them, puts a new AOF in the place of an
// old one, takes a file that an operator's command has brought. All calls may wait for the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "hooks/io/acting_as.hpp"
#include "hooks/io/fetch_file.hpp"
#include "hooks/server_files.hpp"

namespace hooks::io {

// A directory of ours beside what it is for; with all that is in it, it is gone with the object,
// and one that was left by a dead agent is removed by the next.
class StagingDirectory {
 public:
  using Created = std::variant<StagingDirectory, std::string>;  // or the sentence

  // Beside `target`, with the owner and the mode of the directory `target`, or else the owner of
  // its parent; made and removed with the rights of `as`.
  static Created create(const std::string& target, const std::optional<FileUser>& as = {});
  // Made with the rights of `as`, and then for that user alone to write in.
  static Created create_for(uid_t user, const std::string& target,
                            const std::optional<FileUser>& as = {});

  StagingDirectory(StagingDirectory&& other) noexcept;
  StagingDirectory& operator=(StagingDirectory&&) = delete;
  StagingDirectory(const StagingDirectory&) = delete;
  StagingDirectory& operator=(const StagingDirectory&) = delete;
  ~StagingDirectory();

  const std::string& path() const { return path_; }
  const std::optional<FileUser>& as() const { return as_; }  // whose rights it is worked in with
  std::uint64_t bytes() const;                               // of all files in it
  // To be read, of this directory and no other; follows no link.
  UniqueFd open(const std::string& name) const;
  void release() { path_.clear(); }

 private:
  StagingDirectory(std::string path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
  std::optional<FileUser> as_;
};

FilesOnDisk look_beside(const std::string& rdb_file);

// A child of the dead server that still writes its RDB in `directory`, and would rename it over
// ours: "process 4711 still writes temp-4711.rdb"; empty: none.
std::string find_saver(const std::string& directory);

// By what a dataset that was placed is known again, as long as nobody has written or replaced it;
// of an AOF directory its base counts, for a server that loads it writes others beside it.
// Empty: there is none.
std::string fingerprint(const DatasetPlace& place);

// Puts `staging`, in which the base of the AOF is, in the place of the AOF directory `place`, and
// keeps the old one beside it as PATH.before-20261121T120102Z, `keep` of them; 0 replaces without
// keeping and leaves those that are there. At every moment the
// place holds the whole old one or the whole new one (Linux 3.15, and a file system that knows
// RENAME_EXCHANGE; elsewhere there is a moment with none). The path of the old one; empty: none.
std::variant<Placed, std::string> place_aof(StagingDirectory staging, const DatasetPlace& place,
                                            std::int64_t now, std::size_t keep);

// Verifies the RDB that a command has left as `name` in `brought` and places it as a fetched one.
std::variant<FetchedFile, std::string> take_file(const StagingDirectory& brought,
                                                 const std::string& name,
                                                 const FetchFileRequest& request, std::int64_t now);

// A small file, whole or not at all. nullopt, or the sentence.
std::optional<std::string> replace_text(const std::string& path, const std::string& text);
// nullopt: there is none, or it cannot be read or is larger than such a file can be.
std::optional<std::string> read_text(const std::string& path);

}  // namespace hooks::io
