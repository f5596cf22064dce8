// The directory of one test: configurations, logs, data. Removed at the end; when the test failed,
// the tails of all logs in it are printed first. TANDEM_KEEP=1 keeps it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace support {

inline constexpr std::string_view kTempDirPrefix = "tandem-test-";

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, const std::string& text,
                std::filesystem::perms mode = std::filesystem::perms(0644));
std::string read_file(const std::filesystem::path& path);  // empty when there is none

}  // namespace support
