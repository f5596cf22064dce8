// An entry is removed by renaming its directory first: half removed, it is never taken for a copy.
#include "hooks/io/diverged_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "hooks/command_stream.hpp"
#include "hooks/io/placement.hpp"
#include "hooks/io/temp_file.hpp"
#include "hooks/io/unique_fd.hpp"
#include "hooks/rdb.hpp"

namespace hooks::io {
namespace {

constexpr mode_t kPrivate = 0700;
constexpr std::int64_t kMostSecondsLater = 5;  // copies of one second get names of the next ones
constexpr std::size_t kLargestAbout = 65536;
constexpr std::size_t kReadBytes = 256UL * 1024;
constexpr std::string_view kRemoving = ".removing-";

std::string join(const std::string& directory, std::string_view name) {
  return directory + '/' + std::string(name);
}

// A name that stays within its directory.
bool is_one_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

std::string make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), kPrivate) == 0) return sync_directory(directory_of(path)).value_or("");
  struct stat status {};
  if (errno != EEXIST) return cannot(path, "made", errno);
  if (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  return path + " is in the way: it is no directory";
}

// Hands the bytes of a regular file on; the clause when it is none or cannot be read.
std::string read_file(const std::string& path, const std::function<void(std::string_view)>& take) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return cannot(path, "read", errno);
  if (!S_ISREG(status.st_mode)) return path + " is no regular file";
  std::vector<char> buffer(kReadBytes);
  while (true) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count == 0) return {};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot(path, "read", errno);
    take({buffer.data(), static_cast<std::size_t>(count)});
  }
}

std::string check_size(const std::string& path, std::uint64_t expected) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return cannot(path, "read", errno);
  if (!S_ISREG(status.st_mode)) return path + " is no regular file";
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == expected) return {};
  return path + " has " + std::to_string(size) + " bytes, about.json says " +
         std::to_string(expected);
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  return names;
}

bool is_ours(const std::string& name) {
  return name == kDatasetFile || name == kCommandsFile || name == kAboutFile;
}

// Nothing when there is a link in its place.
UniqueFd open_directory(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool lock(const UniqueFd& directory) {
  return directory && ::flock(directory.get(), LOCK_EX | LOCK_NB) == 0;
}

// An entry that was begun and is not being made any more: no about.json, no lock, nothing foreign.
// Nobody begins it anew, so it stays what it is.
enum class Left : std::uint8_t { nothing, fragments, whole_files };

Left what_is_left(const std::string& path) {
  if (!lock(open_directory(path))) return Left::nothing;
  remove_leftovers(path);
  const auto names = names_in(path);
  const auto whole = [](const std::string& name) {
    return name == kDatasetFile || name == kCommandsFile;
  };
  if (!std::all_of(names.begin(), names.end(), whole)) return Left::nothing;
  return names.empty() ? Left::fragments : Left::whole_files;
}

// A newer copy has all the commands of this one, which has nothing else.
bool is_repeated(const DivergedAbout& about, const std::vector<DivergedEntry>& entries) {
  return about.commands && !about.dataset &&
         std::any_of(entries.begin(), entries.end(), [&](const DivergedEntry& entry) {
           const DivergedAbout& other = entry.about;
           return entry.problem.empty() && other.commands && other.name > about.name &&
                  other.server == about.server && other.replid == about.replid &&
                  other.first_offset <= about.first_offset &&
                  other.last_offset >= about.last_offset;
         });
}

// The sentence, or empty.
std::string remove_entry(const std::string& pair_path, const std::string& name) {
  const std::string path = join(pair_path, name);
  if (!open_directory(path)) return cannot(path, "removed", errno);
  remove_leftovers(path);
  const auto names = names_in(path);
  const auto foreign = std::find_if_not(names.begin(), names.end(), is_ours);
  if (foreign != names.end()) return path + " is not removed: it also holds " + *foreign;
  const std::string going = join(pair_path, std::string(kRemoving) + name);
  if (::rename(path.c_str(), going.c_str()) != 0) return cannot(path, "removed", errno);
  for (const std::string& file : names) ::unlink(join(going, file).c_str());
  if (::rmdir(going.c_str()) != 0) return cannot(going, "removed", errno);
  return {};
}

void finish_removals(const std::string& pair_path) {
  for (const std::string& name : names_in(pair_path)) {
    if (!name.starts_with(kRemoving)) continue;
    const std::string going = join(pair_path, name);
    if (!open_directory(going)) continue;
    for (const std::string& file : names_in(going)) {
      if (is_ours(file)) ::unlink(join(going, file).c_str());
    }
    ::rmdir(going.c_str());
  }
}

// Temporaries of a fetch are as large as a dataset: without their room none is copied again.
void sweep(const std::string& pair_path) {
  finish_removals(pair_path);
  for (const std::string& name : names_in(pair_path)) {
    const std::string path = join(pair_path, name);
    if (!parse_diverged_name(name) || what_is_left(path) != Left::fragments) continue;
    ::rmdir(path.c_str());
  }
}

}  // namespace

DivergedStore::DivergedStore(std::string directory) : directory_(std::move(directory)) {}

DivergedStore::Begun DivergedStore::begin(const std::string& pair, const DivergedName& name) {
  if (!is_one_name(pair)) {
    return {{}, "\"" + pair + "\" cannot be the name of a directory", name, {}};
  }
  for (const std::string& path : {directory_, path_of(pair)}) {
    std::string problem = make_directory(path);
    if (!problem.empty()) return {{}, std::move(problem), name, {}};
  }
  sweep(path_of(pair));
  Begun begun{{}, {}, name, {}};
  begun.path = join(path_of(pair), name.to_string());
  while (::mkdir(begun.path.c_str(), kPrivate) != 0) {
    if (errno != EEXIST || begun.name.time == name.time + kMostSecondsLater) {
      return {{}, cannot(begun.path, "made", errno), name, {}};
    }
    ++begun.name.time;
    begun.path = join(path_of(pair), begun.name.to_string());
  }
  begun.lock = open_directory(begun.path);
  if (!lock(begun.lock)) return {{}, cannot(begun.path, "locked", errno), name, {}};
  if (auto problem = sync_directory(path_of(pair))) return {{}, std::move(*problem), name, {}};
  return begun;
}

std::string DivergedStore::commit(const DivergedAbout& about) {
  const std::string path = join(path_of(about.pair), about.name.to_string());
  if (!about.dataset) ::unlink(join(path, kDatasetFile).c_str());
  const std::string target = join(path, kAboutFile);
  auto created = TempFile::create(target);
  if (auto* problem = std::get_if<std::string>(&created)) return std::move(*problem);
  TempFile file = std::get<TempFile>(std::move(created));
  if (auto problem = file.write(format_about(about))) return std::move(*problem);
  auto placed = place(std::move(file), {target, 0, 0});
  if (auto* problem = std::get_if<std::string>(&placed)) return std::move(*problem);
  return {};
}

void DivergedStore::abandon(const std::string& pair, const DivergedName& name) {
  const std::string path = join(path_of(pair), name.to_string());
  struct stat status {};
  if (::lstat(join(path, kAboutFile).c_str(), &status) == 0) return;
  remove_leftovers(path);
  ::unlink(join(path, kCommandsFile).c_str());
  ::unlink(join(path, kDatasetFile).c_str());
  ::rmdir(path.c_str());
}

DivergedEntry DivergedStore::read_entry(const std::string& pair, const DivergedName& name) const {
  DivergedEntry entry;
  entry.about.pair = pair;
  entry.about.name = name;
  entry.path = join(path_of(pair), name.to_string());
  const std::string path = join(entry.path, kAboutFile);
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    entry.problem = "unfinished: it has no about.json";
    return entry;
  }
  std::string text;
  entry.problem = read_file(path, [&](std::string_view bytes) {
    text += bytes.substr(0, kLargestAbout + 1 - std::min(text.size(), kLargestAbout + 1));
  });
  if (!entry.problem.empty()) return entry;
  auto parsed = text.size() > kLargestAbout ? "it is too large" : parse_about(text);
  if (const auto* why = std::get_if<std::string>(&parsed)) {
    entry.problem = path + " is not trusted: " + *why;
    return entry;
  }
  const auto& about = std::get<DivergedAbout>(parsed);
  if (about.pair != pair || about.name != name) {
    entry.problem = path + " is not trusted: it is that of another copy";
    return entry;
  }
  entry.about = about;
  if (about.dataset)
    entry.problem = check_size(join(entry.path, kDatasetFile), about.dataset->bytes);
  if (about.commands && entry.problem.empty()) {
    entry.problem = check_size(join(entry.path, kCommandsFile), about.commands->bytes);
  }
  return entry;
}

std::vector<DivergedEntry> DivergedStore::list(const std::string& pair) const {
  std::vector<DivergedEntry> entries;
  if (!is_one_name(pair)) return entries;
  for (const std::string& file : names_in(path_of(pair))) {
    const auto name = parse_diverged_name(file);
    if (name) {
      entries.push_back(read_entry(pair, *name));
    } else if (!file.starts_with(kRemoving)) {
      entries.push_back({join(path_of(pair), file), {}, "it is not one of Tandem's copies"});
      entries.back().about.pair = pair;
    }
  }
  std::sort(entries.begin(), entries.end(), [](const DivergedEntry& a, const DivergedEntry& b) {
    return a.about.name > b.about.name;
  });
  return entries;
}

std::string DivergedStore::verify(const DivergedEntry& entry) const {
  if (!entry.problem.empty()) return entry.problem;
  if (const auto& dataset = entry.about.dataset) {
    const std::string path = join(entry.path, kDatasetFile);
    RdbVerifier verifier;
    std::string problem = read_file(path, [&](std::string_view bytes) { verifier.feed(bytes); });
    if (!problem.empty()) return problem;
    const auto verdict = verifier.finish();
    if (const auto* why = std::get_if<std::string>(&verdict)) return path + ": " + *why;
    if (std::get<RdbFacts>(verdict).checksum != dataset->checksum) {
      return path + " is not the file that about.json describes";
    }
  }
  if (const auto& commands = entry.about.commands) {
    const std::string path = join(entry.path, kCommandsFile);
    Crc64 checksum;
    std::string problem = read_file(path, [&](std::string_view bytes) { checksum.feed(bytes); });
    if (!problem.empty()) return problem;
    if (checksum.value() != commands->checksum) {
      return path + " is not the file that about.json describes";
    }
  }
  return {};
}

DivergedPruned DivergedStore::prune(const std::string& pair, std::size_t keep, std::int64_t now) {
  DivergedPruned pruned;
  if (!is_one_name(pair) || !open_directory(path_of(pair))) return pruned;
  finish_removals(path_of(pair));
  std::vector<DivergedName> with_dataset;
  std::vector<DivergedName> without;
  std::vector<DivergedName> precautions;
  std::vector<DivergedName> unfinished;
  std::vector<DivergedName> spared;
  const auto entries = list(pair);
  for (const DivergedEntry& entry : entries) {
    const DivergedAbout& about = entry.about;
    const bool left = !entry.problem.empty();
    if (left && entry.path != join(path_of(pair), about.name.to_string())) continue;
    if (left && what_is_left(entry.path) != Left::whole_files) continue;
    auto& group = left               ? unfinished
                  : about.precaution ? precautions
                  : about.dataset    ? with_dataset
                                     : without;
    group.push_back(about.name);
    const bool of_use = !about.precaution && !is_repeated(about, entries);
    if (of_use && is_recent(about.name, now)) spared.push_back(about.name);
  }
  for (const auto& group : {with_dataset, without, precautions, unfinished}) {
    for (const DivergedName& name : surplus(group, keep)) {
      if (std::find(spared.begin(), spared.end(), name) != spared.end()) continue;
      std::string problem = remove_entry(path_of(pair), name.to_string());
      if (problem.empty()) {
        pruned.removed.push_back(join(path_of(pair), name.to_string()));
      } else {
        pruned.problems.push_back(std::move(problem));
      }
    }
  }
  return pruned;
}

}  // namespace hooks::io
