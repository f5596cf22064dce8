// Copies of datasets that were about to be replaced while they held writes that the leader lacks:
// STATE_DIR/diverged/PAIR/20261121T120102Z-7/ with dump.rdb, commands.resp and about.json. What is
// not understood is reported, never trusted and never deleted. No link is followed where something
// is removed. All calls may wait for the disk.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "hooks/io/diverged_about.hpp"
#include "hooks/io/unique_fd.hpp"

namespace hooks::io {

struct DivergedEntry {
  std::string path;     // of its directory
  DivergedAbout about;  // only `pair` and `name` when there is a problem with it
  std::string problem;  // one clause; empty: about.json is good and the files are there, full size
};

struct DivergedPruned {
  std::vector<std::string> removed;  // paths
  std::vector<std::string> problems;
};

class DivergedStore {
 public:
  // `directory`: STATE_DIR/diverged; made, with mode 0700, when it is needed.
  explicit DivergedStore(std::string directory);

  // Where the files of a new copy are to be put.
  struct Begun {
    std::string path;     // of the new, empty directory
    std::string problem;  // sentence; empty: good
    DivergedName name{};  // later than asked for when that second has a copy already
    // Locked: while it is open, this copy is being made. The kernel lets go of it with the process.
    UniqueFd lock;
  };
  // Removes first what interrupted ones of this pair left, unless a file in it is whole.
  Begun begin(const std::string& pair, const DivergedName& name);
  // What `about` names is whole: about.json is written, all of it is on the disk. A dataset that it
  // does not name goes. The sentence, or empty.
  std::string commit(const DivergedAbout& about);
  // Nothing is worth keeping: the directory goes with the files in it, when nothing else is there.
  // What was committed stays.
  void abandon(const std::string& pair, const DivergedName& name);

  // Newest first; entries with a problem among them.
  std::vector<DivergedEntry> list(const std::string& pair) const;
  // Reads the kept files of an entry to their ends. One clause, or empty when they are as told.
  std::string verify(const DivergedEntry& entry) const;
  // Removes all but the `keep` newest copies of those that hold a dataset, likewise of those that
  // hold commands alone, and of those that are a precaution: a host that restarts each night does
  // not push out what is known to be lost elsewhere. A copy that is_recent() stays whatever their
  // number, but not a precaution, nor commands that a newer copy has too: a dataset for which there
  // is no room is tried again and again. Unfinished copies with a whole file that nobody is making
  // are a group of their own: the server may have lost since what they hold. Entries with another
  // problem, or with files that are not ours, stay.
  DivergedPruned prune(const std::string& pair, std::size_t keep, std::int64_t now);

 private:
  std::string path_of(const std::string& pair) const { return directory_ + '/' + pair; }
  DivergedEntry read_entry(const std::string& pair, const DivergedName& name) const;

  std::string directory_;
};

}  // namespace hooks::io
