// See event_journal.hpp.
#include "agent/io/event_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "hooks/io/unique_fd.hpp"

namespace agent::io {
namespace {

// Events that wait for the disk.
constexpr std::size_t kMostQueued = 4096;
constexpr mode_t kMode = 0640;

// 0, or why not all of it was written.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

EventFiles::EventFiles(const std::string& state_dir)
    : current(state_dir + "/events.jsonl"), older(state_dir + "/events.old.jsonl") {}

struct EventJournal::Writer {
  Writer(const std::string& state_dir, std::function<void(const std::string&)> tell,
         std::size_t largest)
      : files(state_dir), problem(std::move(tell)), largest_file(largest) {}

  void write(const std::string& line);
  int put(const std::string& line);
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
  std::size_t refused = 0;  // by the disk, since it last took one
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
    if (::write(file.get(), "\n", 1) != 1) return false;
    ++size;
  }
  return true;
}

void EventJournal::Writer::turn_over() {
  if (size < largest_file) return;
  file.reset();
  std::rename(files.current.c_str(), files.older.c_str());
}

// 0, or the error. Of a line that the disk has no room for no piece stays; one that stays all the
// same is ended by open().
int EventJournal::Writer::put(const std::string& line) {
  if (!open()) return errno;
  const int error = write_all(file.get(), line);
  if (error != 0) {
    std::ignore = ::ftruncate(file.get(), static_cast<off_t>(size));
  } else {
    size += line.size();
  }
  return error;
}

void EventJournal::Writer::write(const std::string& line) {
  turn_over();
  if (const int error = put(line); error != 0) {
    ++refused;
    file.reset();
    return report("events cannot be kept in " + files.current + ": " +
                  std::generic_category().message(error));
  }
  const std::size_t not_taken = std::exchange(refused, 0);
  const std::size_t missing = left_out.exchange(0) + not_taken;
  if (missing == 0) return report({});
  report(std::to_string(missing) + " event(s) are not in " + files.current +
         (not_taken > 0 ? ": they could not be written" : ": the disk was too slow"));
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
