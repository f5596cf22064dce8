// See record_store.hpp.
#include "agent/io/record_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <system_error>

namespace agent::io {
namespace {

constexpr std::size_t kLargestRecord = 65536;

std::string words(int error) {
  return std::generic_category().message(error);
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
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

// Empty, or what went wrong.
std::string replace_file(const std::string& directory, const std::string& path,
                         const std::string& text) {
  const std::string temporary = path + ".new";
  const auto failed = [&](const char* doing, const std::string& what) {
    return "the record cannot be kept: " + std::string(doing) + " " + what + ": " + words(errno);
  };
  {
    // O_NOFOLLOW and a fresh file: nobody can point us elsewhere.
    ::unlink(temporary.c_str());
    const File file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file.is_open()) return failed("creating", temporary);
    if (!write_all(file.get(), text)) return failed("writing", temporary);
    if (::fsync(file.get()) != 0) return failed("syncing", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("renaming", temporary);
  const File folder(directory, O_RDONLY | O_DIRECTORY);
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return failed("syncing", directory);
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
  auto write = [this, file = path(pair), text = format_record(pair, record),
                answer = std::move(answer)] {
    std::string problem = replace_file(directory_, file, text);
    boost::asio::post(loop_, [answer, problem = std::move(problem)] { answer(problem); });
  };
  boost::asio::post(disk_, std::move(write));
}

std::string RecordStore::path(const std::string& pair) const {
  return directory_ + "/" + pair + ".json";
}

}  // namespace agent::io
