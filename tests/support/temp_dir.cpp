// See temp_dir.hpp.
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace support {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTail = 6000;

void print_tails(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto kind = entry.path().extension();
    if (kind != ".log" && kind != ".records" && kind != ".toml") continue;
    std::string text = read_file(entry.path());
    if (text.size() > kTail) text = "[...] " + text.substr(text.size() - kTail);
    std::cerr << "---- " << fs::relative(entry.path(), folder).string() << "\n" << text << "\n";
  }
}

}  // namespace

TempDir::TempDir() {
  static std::atomic<int> count{0};
  path_ = fs::temp_directory_path() / (std::string(kTempDirPrefix) + std::to_string(::getpid()) +
                                       "-" + std::to_string(count++));
  fs::create_directories(path_);
  fs::permissions(path_, fs::perms(0755));
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (testing::Test::HasFailure()) print_tails(path_);
  if (std::getenv("TANDEM_KEEP") != nullptr) {
    std::cerr << "kept: " << path_ << "\n";
    return;
  }
  fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, const std::string& text, fs::perms mode) {
  std::ofstream(path) << text;
  fs::permissions(path, mode);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace support
