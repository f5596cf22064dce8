// See resident.hpp.
#include "agent/io/resident.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>

namespace agent::io {
namespace {

// One of /proc/self/smaps (proc(5)).
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string permissions;
  std::string file;
  bool own_pages = false;  // some are not the file's any more: written, or relocated

  bool of_a_file() const { return !file.empty() && file.front() == '/'; }
  bool read_only() const { return permissions.starts_with("r-"); }
  bool code() const { return permissions.starts_with("r-x"); }
  // Advice that this kernel does not know changes nothing.
  void advise(int advice) const {
    // An address of the kernel's own list.
    auto* const start = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr)
    ::madvise(start, end - begin, advice);
  }
};

bool begins_mapping(std::string_view line) {
  const auto dash = line.find('-');
  return dash != std::string_view::npos && dash < line.find(' ') && line.find(':') > dash;
}

// "7f0c-7f0d r-xp 0000 08:01 123   /usr/lib/libc.so.6"
Mapping parse_mapping(const std::string& line) {
  Mapping out;
  std::istringstream words(line);
  char dash = 0;
  std::string offset;
  std::string device;
  std::string inode;
  words >> std::hex >> out.begin >> dash >> out.end >> out.permissions >> offset >> device >> inode;
  std::getline(words >> std::ws, out.file);
  return out;
}

bool is_zero(const std::string& line) {
  return line.find_first_of("123456789") == std::string::npos;
}

void each_mapping(const std::function<void(const Mapping&)>& what) {
  std::ifstream maps("/proc/self/smaps");
  Mapping mapping;
  for (std::string line; std::getline(maps, line);) {
    if (begins_mapping(line)) {
      mapping = parse_mapping(line);
      continue;
    }
    const bool own = line.starts_with("Private_Dirty:") || line.starts_with("Anonymous:");
    if (own && !is_zero(line)) mapping.own_pages = true;
    if (line.starts_with("VmFlags:")) what(mapping);  // the last line of each
  }
}

std::string own_file() {
  std::error_code unreadable;
  return std::filesystem::read_symlink("/proc/self/exe", unreadable).string();
}

}  // namespace

void read_in_own_code() {
  each_mapping([program = own_file()](const Mapping& mapping) {
    if (mapping.code() && mapping.file == program) mapping.advise(MADV_POPULATE_READ);
  });
}

void give_back_pages() {
  each_mapping([program = own_file()](const Mapping& mapping) {
    const bool own_code = mapping.code() && mapping.file == program;
    if (!mapping.of_a_file() || !mapping.read_only() || mapping.own_pages || own_code) return;
    mapping.advise(MADV_DONTNEED_LOCKED);
  });
}

}  // namespace agent::io
