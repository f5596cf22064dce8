// See replaced_datasets.hpp.
#include "hooks/io/replaced_datasets.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "hooks/diverged.hpp"
#include "hooks/io/recovery_disk.hpp"
#include "hooks/io/server_notes.hpp"

namespace hooks::io {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBefore = ".before-";

std::uint64_t size_of(const fs::directory_entry& entry, bool directory) {
  std::error_code error;
  if (!directory) {
    const auto size = entry.file_size(error);
    return error ? 0 : size;
  }
  std::uint64_t sum = 0;
  for (fs::directory_iterator part(entry.path(), error), end; !error && part != end;
       part.increment(error)) {
    std::error_code ignored;
    const auto size = part->is_regular_file(ignored) ? part->file_size(ignored) : 0;
    if (!ignored) sum += size;
  }
  return sum;
}

}  // namespace

std::vector<ReplacedDataset> find_replaced(const std::string& notes) {
  std::vector<ReplacedDataset> found;
  const auto text = read_text(notes);
  const auto files = text ? parse_server_files(*text) : std::nullopt;
  if (!files || files->dir.empty()) return found;
  std::error_code error;
  for (fs::directory_iterator entry(files->dir, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    for (const std::string& original :
         {files->dbfilename, files->appenddirname, files->appendfilename}) {
      const std::string prefix = original + std::string(kBefore);
      if (original.empty() || !name.starts_with(prefix)) continue;
      const auto time = parse_utc_name(std::string_view(name).substr(prefix.size()));
      if (!time) continue;
      std::error_code ignored;
      const bool directory = entry->is_directory(ignored);
      found.push_back({*time, entry->path(), size_of(*entry, directory), directory});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& one, const auto& other) { return one.time > other.time; });
  return found;
}

}  // namespace hooks::io
