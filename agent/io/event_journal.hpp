// The history behind `tandem events`: one line of JSON for each event, in two files of bounded
// size in state_dir. It survives restarts; a torn last line, from a crash, is skipped by who reads.
// Written by a thread of its own: a slow disk never holds the loop, and when it cannot keep up or
// has no room, events are left out and counted.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/event.hpp"

namespace agent::io {

struct EventFiles {
  explicit EventFiles(const std::string& state_dir);
  std::string current;
  std::string older;  // what `current` was when it had grown to its bound
};

class EventJournal {
 public:
  static constexpr std::size_t kNewest = 50;
  static constexpr std::size_t kLargestFile = 4UL * 1024 * 1024;

  // `problem` gets a sentence from the journal's thread when the file cannot be written, and again
  // when that changes.
  EventJournal(const std::string& state_dir, std::function<void(const std::string&)> problem,
               std::size_t largest_file = kLargestFile);
  // Writes what is queued.
  ~EventJournal();
  EventJournal(const EventJournal&) = delete;
  EventJournal& operator=(const EventJournal&) = delete;

  void append(const Event& event);
  // The last kNewest since the agent started, the oldest first.
  const std::deque<Event>& newest() const { return newest_; }

 private:
  struct Writer;
  std::shared_ptr<Writer> writer_;
  std::deque<Event> newest_;
  boost::asio::thread_pool disk_{1};
};

}  // namespace agent::io
