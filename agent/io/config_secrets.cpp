// Opened without blocking, so that a FIFO or a device in place of a file cannot hold the agent.
#include "agent/io/config_secrets.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "hooks/io/path_walk.hpp"

namespace agent::io {
namespace {

constexpr mode_t kPermissions = 07777;
constexpr std::size_t kMaxPassword = 4096;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Refusal cannot_read(int error) {
  if (error == ENOENT) return {"does not exist"};
  return {std::string("cannot be read: ") + std::strerror(error)};
}

std::string to_octal(mode_t mode) {
  std::string text = "0";
  for (const unsigned shift : {6U, 3U, 0U}) {
    text += static_cast<char>('0' + ((mode >> shift) & 7U));
  }
  return text;
}

// "secret\n" without its line end.
std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

Parsed<FileText> read_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return cannot_read(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return cannot_read(errno);
  if (S_ISDIR(status.st_mode)) return Refusal{"is a directory, must be a file"};
  if (!S_ISREG(status.st_mode)) return Refusal{"is not a regular file"};
  FileText read{{}, status.st_mode & kPermissions};
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count == 0) return read;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(errno);
    read.text.append(buffer.data(), static_cast<std::size_t>(count));
    if (read.text.size() > max_bytes) {
      return Refusal{"is larger than " + std::to_string(max_bytes) + " bytes"};
    }
  }
}

Parsed<std::string> read_secret_file(const std::string& path, std::size_t max_bytes,
                                     std::string_view what) {
  auto file = read_file(path, max_bytes);
  if (const auto* refusal = std::get_if<Refusal>(&file)) {
    return Refusal{quoted(path) + " " + refusal->what};
  }
  auto& [text, mode] = std::get<FileText>(file);
  if ((mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Refusal{quoted(path) + " has mode " + to_octal(mode) +
                   ", which lets group or others at " + std::string(what) + "; run: chmod 0600 " +
                   path};
  }
  // Whoever can put another file in its place says what the secret is.
  if (auto refused = hooks::io::refuse_place(path, std::string(what))) return Refusal{*refused};
  return std::move(text);
}

Parsed<std::string> read_password(const std::string& path) {
  const auto file = read_secret_file(path, kMaxPassword, "the password");
  if (const auto* refusal = std::get_if<Refusal>(&file)) return *refusal;
  const std::string_view password = without_line_end(std::get<std::string>(file));
  if (password.empty()) {
    return Refusal{quoted(path) + " is empty; write the password as its only line"};
  }
  if (password.find_first_of("\r\n") != std::string_view::npos) {
    return Refusal{quoted(path) + " has more than one line; write the password as its only line"};
  }
  if (password.find('\0') != std::string_view::npos) {
    return Refusal{quoted(path) + " contains a zero byte; write the password as its only line"};
  }
  return std::string(password);
}

std::optional<std::string> refuse_shared_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  const mode_t mode = status.st_mode & kPermissions;
  if ((mode & (S_IRGRP | S_IROTH)) == 0) return std::nullopt;
  return "is a password in a file that group or others can read (mode " + to_octal(mode) +
         "); run: chmod 0600 " + path;
}

}  // namespace agent::io
