// See event_journal.hpp.
#include "agent/io/event_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "hooks/io/unique_fd.hpp"

namespace agent::io {
namespace {

// Events that wait for the disk.
constexpr std::size_t kMostQueued = 4096;
constexpr mode_t kMode = 0640;

}  // namespace

EventFiles::EventFiles(const std::string& state_dir)
    : current(state_dir + "/events.jsonl"), older(state_dir + "/events.old.jsonl") {}

struct EventJournal::Writer {
  Writer(const std::string& state_dir, std::function<void(const std::string&)> tell,
         std::size_t largest)
      : files(state_dir), problem(std::move(tell)), largest_file(largest) {}

  void write(const std::string& line);
  bool open();
  void turn_over();
  void report(std::string sentence);

  const EventFiles files;
  const std::function<void(const std::string&)> problem;
  const std::size_t largest_file;
  std::atomic<std::size_t> queued{0};
  std::atomic<std::size_t> left_out{0};
  // Of the journal's thread alone:
  hooks::io::UniqueFd file;
  std::size_t size = 0;
  std::string reported;
};

// A line that a crash has torn ends here, so that the next one stands alone.
bool EventJournal::Writer::open() {
  if (file) return true;
  const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  file.reset(::open(files.current.c_str(), flags, kMode));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return false;
  size = static_cast<std::size_t>(status.st_size);
  char last = '\n';
  if (size > 0 && ::pread(file.get(), &last, 1, status.st_size - 1) == 1 && last != '\n') {
    if (::write(file.get(), "\n", 1) == 1) ++size;
  }
  return true;
}

void EventJournal::Writer::turn_over() {
  if (size < largest_file) return;
  file.reset();
  std::rename(files.current.c_str(), files.older.c_str());
}

void EventJournal::Writer::write(const std::string& line) {
  turn_over();
  if (!open() ||
      ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    const int error = errno;
    file.reset();
    return report("events cannot be kept in " + files.current + ": " +
                  std::generic_category().message(error));
  }
  size += line.size();
  const std::size_t missing = left_out.exchange(0);
  if (missing == 0) return report({});
  report(std::to_string(missing) + " event(s) are not in " + files.current +
         ": the disk was too slow");
}

void EventJournal::Writer::report(std::string sentence) {
  if (sentence == reported) return;
  reported = std::move(sentence);
  if (!reported.empty() && problem) problem(reported);
}

EventJournal::EventJournal(const std::string& state_dir,
                           std::function<void(const std::string&)> problem,
                           std::size_t largest_file)
    : writer_(std::make_shared<Writer>(state_dir, std::move(problem), largest_file)) {}

EventJournal::~EventJournal() {
  disk_.join();
}

void EventJournal::append(const Event& event) {
  newest_.push_back(event);
  if (newest_.size() > kNewest) newest_.pop_front();
  if (writer_->queued >= kMostQueued) {
    ++writer_->left_out;
    return;
  }
  ++writer_->queued;
  boost::asio::post(disk_, [writer = writer_, line = format_event(event) + "\n"] {
    writer->write(line);
    --writer->queued;
  });
}

}  // namespace agent::io
