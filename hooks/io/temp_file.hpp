// A file that is being written beside the one that it shall replace: nobody else can name it, read
// it or take it for whole, and it is gone unless it was placed. All calls may wait for the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hooks/io/unique_fd.hpp"

namespace hooks::io {

class TempFile {
 public:
  // ".tandem-fetch-XXXXXX" in the directory of `target`, mode 0600; or the sentence.
  static std::variant<TempFile, std::string> create(const std::string& target);

  TempFile(TempFile&& other) noexcept;
  TempFile& operator=(TempFile&& other) = delete;
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile();  // removes the file unless it was renamed

  const std::string& path() const { return path_; }
  int descriptor() const { return fd_.get(); }

  // All of it, or the sentence.
  std::optional<std::string> write(std::string_view bytes);
  // The sentence when the disk has less than `bytes` free.
  std::optional<std::string> check_space(std::uint64_t bytes) const;
  std::optional<std::string> sync();
  void leave() { path_.clear(); }  // where it is, for remove_leftovers()
  // Over `target`, at once.
  std::optional<std::string> rename_to(const std::string& target);

 private:
  TempFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;  // empty when renamed or moved from
  UniqueFd fd_;
};

// Removes what interrupted fetches left in `directory`, and nothing that another process is still
// writing. The paths that were removed.
std::vector<std::string> remove_leftovers(const std::string& directory);

// The directory that holds `path`.
std::string directory_of(const std::string& path);
// What was renamed in it is there after a loss of power.
std::optional<std::string> sync_directory(const std::string& directory);
// "/a/b cannot be written: No space left on device"
std::string cannot(const std::string& path, std::string_view what, int error);

}  // namespace hooks::io
