// See record_store.hpp.
#include "agent/io/record_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

namespace agent::io {
namespace {

constexpr std::size_t kLargestRecord = 65536;
constexpr std::size_t kMostTogether = 64;  // the first does not wait for hundreds
constexpr auto kTemporary = ".new";

std::string words(int error) {
  return std::generic_category().message(error);
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File& operator=(File&&) = delete;
  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t written = ::write(fd, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += static_cast<std::size_t>(written);
  }
  return true;
}

std::string failed(const char* doing, const std::string& what) {
  return "the record cannot be kept: " + std::string(doing) + " " + what + ": " + words(errno);
}

// The temporary file, which need not have reached the disk yet.
std::optional<File> begin_file(const std::string& path, const std::string& text,
                               std::string& problem) {
  // O_NOFOLLOW and a fresh file: nobody can point us elsewhere.
  ::unlink(path.c_str());
  std::optional<File> file(std::in_place, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  if (!file->is_open()) {
    problem = failed("creating", path);
    return std::nullopt;
  }
  if (!write_all(file->get(), text)) {
    problem = failed("writing", path);
    return std::nullopt;
  }
  ::sync_file_range(file->get(), 0, 0, SYNC_FILE_RANGE_WRITE);  // begins, does not wait
  return file;
}

// Empty, or what went wrong.
std::string put_in_place(const File& file, const std::string& temporary, const std::string& path) {
  if (::fsync(file.get()) != 0) return failed("syncing", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("renaming", temporary);
  return {};
}

}  // namespace

RecordStore::RecordStore(boost::asio::any_io_executor loop, std::string directory)
    : loop_(std::move(loop)), directory_(std::move(directory)) {}

RecordStore::~RecordStore() {
  disk_.join();
}

RecordStore::Loaded RecordStore::load(const std::string& pair) {
  const std::string file = path(pair);
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return {std::nullopt, file + " cannot be read: " + words(errno)};
  }
  if (!S_ISREG(status.st_mode)) return {std::nullopt, file + " cannot be read: it is no file"};
  std::string text;
  if (static_cast<std::size_t>(status.st_size) <= kLargestRecord) {
    std::ifstream stream(file);
    text.assign(std::istreambuf_iterator<char>(stream), {});
  }
  auto parsed = parse_record(pair, text);
  if (const auto* record = std::get_if<Record>(&parsed)) return {*record, {}};
  const std::string aside = file + ".rejected-" + std::to_string(std::time(nullptr));
  const bool kept = std::rename(file.c_str(), aside.c_str()) == 0;
  return {std::nullopt, file + " is not trusted: " + std::get<std::string>(parsed) +
                            (kept ? "; kept as " + aside : "; it could not be put aside")};
}

void RecordStore::save(const std::string& pair, const Record& record,
                       std::function<void(const std::string& problem)> answer) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({path(pair), format_record(pair, record), std::move(answer), {}});
    if (waiting_.size() > 1) return;  // the first has asked the thread already
  }
  boost::asio::post(disk_, [this] { write_waiting(); });
}

void RecordStore::write_waiting() {
  std::vector<Write> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiting_);
  }
  for (std::size_t at = 0; at < all.size(); at += kMostTogether) {
    const auto together = std::span(all).subspan(at, std::min(kMostTogether, all.size() - at));
    write(together);
    for (Write& one : together) {
      boost::asio::post(loop_, [answer = std::move(one.answer), problem = std::move(one.problem)] {
        answer(problem);
      });
    }
  }
}

void RecordStore::write(std::span<Write> together) const {
  std::map<std::string, Write*> newest;  // of each file: what it replaces before it was written
  for (Write& one : together) newest[one.path] = &one;
  std::vector<std::pair<Write*, std::optional<File>>> begun;
  begun.reserve(newest.size());
  for (const auto& [path, write] : newest) {
    begun.emplace_back(write, begin_file(path + kTemporary, write->text, write->problem));
  }
  for (auto& [write, file] : begun) {
    if (file) write->problem = put_in_place(*file, write->path + kTemporary, write->path);
  }
  const File folder(directory_, O_RDONLY | O_DIRECTORY);
  const bool synced = folder.is_open() && ::fsync(folder.get()) == 0;
  const std::string unsynced = synced ? "" : failed("syncing", directory_);
  for (auto& [write, file] : begun) {
    if (write->problem.empty()) write->problem = unsynced;
  }
  for (Write& one : together) one.problem = newest.at(one.path)->problem;
}

std::string RecordStore::path(const std::string& pair) const {
  return directory_ + "/" + pair + ".json";
}

}  // namespace agent::io
