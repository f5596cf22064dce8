// Copies of datasets that were about to be replaced while they held writes that the leader lacks:
// STATE_DIR/diverged/PAIR/20261121T120102Z-7/ with dump.rdb, commands.resp and about.json. What is
// not understood is reported, never trusted and never deleted. All calls may wait for the disk.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "hooks/io/diverged_about.hpp"

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
  };
  Begun begin(const std::string& pair, const DivergedName& name);
  // The copy is whole: about.json is written, all of it is on the disk. The sentence, or empty.
  std::string commit(const DivergedAbout& about);
  // Nothing was worth keeping: the directory goes with the commands in it, when nothing else is
  // there.
  void abandon(const std::string& pair, const DivergedName& name);

  // Newest first; entries with a problem among them.
  std::vector<DivergedEntry> list(const std::string& pair) const;
  // Reads the kept files of an entry to their ends. One clause, or empty when they are as told.
  std::string verify(const DivergedEntry& entry) const;
  // Removes all but the `keep` newest copies of those that hold a dataset, likewise of those that
  // hold commands alone, and of those that are a precaution: a host that restarts each night does
  // not push out what is known to be lost elsewhere. Entries with a problem, or with files that are
  // not ours, stay.
  DivergedPruned prune(const std::string& pair, std::size_t keep);

 private:
  std::string path_of(const std::string& pair) const { return directory_ + '/' + pair; }
  DivergedEntry read_entry(const std::string& pair, const DivergedName& name) const;

  std::string directory_;
};

}  // namespace hooks::io
