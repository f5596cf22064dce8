// Reads and writes the records of the pairs in state_dir. Writing happens on a thread of its own:
// a slow disk never holds the loop. Atomic: temporary file, fsync, rename, fsync of the directory.
// Records that wait at the same time (a host has died, and all its pairs have a new leader) share
// the last one, and the disk has all their files before the first fsync waits for it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/record.hpp"

namespace agent::io {

class RecordStore {
 public:
  RecordStore(boost::asio::any_io_executor loop, std::string directory);
  // Waits for what is being written.
  ~RecordStore();

  struct Loaded {
    std::optional<Record> record;
    std::string problem;  // the file is there and is not trusted: sentence, also where it was kept
  };
  const std::string& directory() const { return directory_; }

  // At start only: reads on the calling thread. A file that is torn, foreign or of a later format
  // is renamed beside and never deleted.
  Loaded load(const std::string& pair);

  // `answer` comes from the loop with a sentence on failure, empty when the record is on disk.
  void save(const std::string& pair, const Record& record,
            std::function<void(const std::string& problem)> answer);

 private:
  struct Write {
    std::string path;
    std::string text;
    std::function<void(const std::string& problem)> answer;
    std::string problem;
  };

  std::string path(const std::string& pair) const;
  void write_waiting();
  void write(std::span<Write> together) const;

  boost::asio::any_io_executor loop_;
  std::string directory_;
  std::mutex mutex_;
  std::vector<Write> waiting_;
  boost::asio::thread_pool disk_{1};
};

}  // namespace agent::io
