// See recovery_disk.hpp.
#include "hooks/io/recovery_disk.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "hooks/diverged.hpp"

namespace hooks::io {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".tandem-recovery-";
constexpr std::size_t kRandomLetters = 6;
constexpr std::string_view kBefore = ".before-";
constexpr mode_t kPermissions = 07777;
constexpr mode_t kPrivate = 0700;
constexpr mode_t kOfDirectory = 0750;
constexpr mode_t kOfFile = 0640;
constexpr int kNameAttempts = 60;
constexpr std::size_t kPiece = 1UL << 20U;
constexpr std::uintmax_t kLargestText = 65536;

void remove_leftover_directories(const std::string& parent) {
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(kPrefix) || name.size() != kPrefix.size() + kRandomLetters) continue;
    const UniqueFd folder(
        ::open(entry->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder || ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) continue;
    std::error_code ignored;
    fs::remove_all(entry->path(), ignored);
  }
}

struct Made {
  std::string path;
  UniqueFd lock;
};

std::variant<Made, std::string> make_directory(const std::string& target,
                                               const std::optional<FileUser>& as) {
  const std::string parent = directory_of(target);
  remove_leftover_directories(parent);
  const ActingAs user(as);
  if (user.problem()) return *user.problem();
  std::string path = parent + '/' + std::string(kPrefix) + std::string(kRandomLetters, 'X');
  if (::mkdtemp(path.data()) == nullptr) return cannot(parent, "written to", errno);
  UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return cannot(path, "locked", errno);
  return Made{std::move(path), std::move(lock)};
}

// As in placement: who is not root keeps what is his own.
std::optional<std::string> dress(int descriptor, const std::string& path, const struct stat& model,
                                 mode_t mode, bool must) {
  if (::fchown(descriptor, model.st_uid, model.st_gid) != 0 && (must || errno != EPERM)) {
    return cannot(path, "given to the owner of the old one", errno);
  }
  if (::fchmod(descriptor, mode) != 0) return cannot(path, "given a mode", errno);
  return std::nullopt;
}

std::optional<std::string> write_file(
    const std::string& path, const std::string& text,
    const std::function<std::optional<std::string>(int)>& dressed) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                             static_cast<mode_t>(0600)));
  if (!file) return cannot(path, "made", errno);
  const auto written = ::write(file.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    return cannot(path, "written", written < 0 ? errno : ENOSPC);
  }
  if (dressed) {
    if (auto problem = dressed(file.get())) return problem;
  }
  if (::fsync(file.get()) != 0) return cannot(path, "synced", errno);
  return std::nullopt;
}

void remove_surplus_directories(const std::string& target, std::size_t keep) {
  const std::string prefix = fs::path(target).filename().string() + std::string(kBefore);
  std::vector<std::int64_t> times;
  std::error_code error;
  for (fs::directory_iterator entry(directory_of(target), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(prefix)) continue;
    const auto time = parse_utc_name(std::string_view(name).substr(prefix.size()));
    if (time) times.push_back(*time);
  }
  std::sort(times.begin(), times.end(), std::greater<>());
  for (std::size_t i = keep; i < times.size(); ++i) {
    std::error_code ignored;
    fs::remove_all(target + std::string(kBefore) + utc_name(times[i]), ignored);
  }
}

struct Exchanged {
  std::string kept;
  std::optional<std::string> problem;
};

// The new one gets the name that the old one is to keep, then both change their names at once.
Exchanged exchange(const std::string& made, const std::string& target, std::int64_t now) {
  std::string kept;
  int error = EEXIST;
  for (int attempt = 0; attempt < kNameAttempts && error == EEXIST; ++attempt) {
    kept = target + std::string(kBefore) + utc_name(now + attempt);
    const bool named =
        ::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, kept.c_str(), RENAME_NOREPLACE) == 0;
    error = named ? 0 : errno;
  }
  if (error == 0) {
    if (::renameat2(AT_FDCWD, kept.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
      return {kept, {}};
    }
    error = errno;
    ::rename(kept.c_str(), made.c_str());
  }
  if (error != EINVAL) return {{}, cannot(target, "replaced", error)};
  if (::rename(target.c_str(), kept.c_str()) != 0) return {{}, cannot(target, "kept", errno)};
  if (::rename(made.c_str(), target.c_str()) == 0) return {kept, {}};
  error = errno;
  ::rename(kept.c_str(), target.c_str());
  return {{}, cannot(target, "replaced", error)};
}

}  // namespace

StagingDirectory::Created StagingDirectory::create(const std::string& target,
                                                   const std::optional<FileUser>& as) {
  struct stat model {};
  const bool exists = ::stat(target.c_str(), &model) == 0;
  if (exists && !S_ISDIR(model.st_mode)) return target + " is no directory and is left as it is";
  if (!exists && ::stat(directory_of(target).c_str(), &model) != 0) {
    return cannot(directory_of(target), "read", errno);
  }
  auto made = make_directory(target, as);
  if (auto* problem = std::get_if<std::string>(&made)) return std::move(*problem);
  auto& [path, lock] = std::get<Made>(made);
  StagingDirectory staging(std::move(path), std::move(lock));
  staging.as_ = as;
  const ActingAs user(as);
  if (user.problem()) return *user.problem();
  const mode_t mode = exists ? model.st_mode & kPermissions : model.st_mode & kOfDirectory;
  const bool must = exists && !(as && model.st_uid == 0);
  if (auto problem = dress(staging.lock_.get(), staging.path_, model, mode | kPrivate, must)) {
    return std::move(*problem);
  }
  return staging;
}

StagingDirectory::Created StagingDirectory::create_for(uid_t user, const std::string& target,
                                                       const std::optional<FileUser>& as) {
  auto made = make_directory(target, as);
  if (auto* problem = std::get_if<std::string>(&made)) return std::move(*problem);
  auto& [path, lock] = std::get<Made>(made);
  StagingDirectory staging(std::move(path), std::move(lock));
  struct stat status {};
  const uid_t maker = as && ::geteuid() == 0 ? as->uid : ::geteuid();
  if (::fstat(staging.lock_.get(), &status) != 0 || status.st_uid != maker) {
    staging.release();
    return directory_of(target) + " was rearranged by somebody meanwhile; nothing was done";
  }
  if (user != maker && ::fchown(staging.lock_.get(), user, static_cast<gid_t>(-1)) != 0) {
    return cannot(staging.path_, "given to the user of the command", errno);
  }
  return staging;
}

StagingDirectory::StagingDirectory(StagingDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)), as_(other.as_) {}

StagingDirectory::~StagingDirectory() {
  const ActingAs user(as_);
  std::error_code ignored;
  if (!path_.empty() && !user.problem()) fs::remove_all(path_, ignored);
}

std::uint64_t StagingDirectory::bytes() const {
  std::uint64_t sum = 0;
  std::error_code error;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const auto size = entry->is_regular_file(ignored) ? entry->file_size(ignored) : 0;
    if (!ignored) sum += size;
  }
  return sum;
}

UniqueFd StagingDirectory::open(const std::string& name) const {
  return UniqueFd(
      ::openat(lock_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

FilesOnDisk look_beside(const std::string& rdb_file) {
  const std::string directory = directory_of(rdb_file);
  const auto there = [&](const char* name) {
    return ::access((directory + '/' + name).c_str(), F_OK) == 0;
  };
  return {there("appendonlydir/appendonly.aof.manifest"), there("appendonly.aof")};
}

std::string find_saver(const std::string& directory) {
  constexpr std::string_view kTemp = "temp-";
  constexpr std::string_view kRdb = ".rdb";
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(kTemp) || !name.ends_with(kRdb)) continue;
    const std::string number = name.substr(kTemp.size(), name.size() - kTemp.size() - kRdb.size());
    const bool digits = !number.empty() && std::all_of(number.begin(), number.end(),
                                                       [](char c) { return c >= '0' && c <= '9'; });
    std::ifstream command("/proc/" + number + "/comm");
    std::string program;
    if (!digits || !std::getline(command, program)) continue;
    const bool server = program.find("redis") != std::string::npos ||
                        program.find("valkey") != std::string::npos ||
                        program.find("keydb") != std::string::npos;
    if (!server) continue;
    std::string sentence = "process ";
    sentence += number;
    sentence += " still writes ";
    sentence += name;
    return sentence;
  }
  return {};
}

std::string fingerprint(const DatasetPlace& place) {
  const bool directory = place.kind == DatasetPlace::Kind::aof_directory;
  const std::string path = directory ? place.path + '/' + place.base : place.path;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::string words = std::to_string(status.st_dev);
  for (const auto one :
       {static_cast<std::int64_t>(status.st_ino), static_cast<std::int64_t>(status.st_size),
        static_cast<std::int64_t>(status.st_mtim.tv_sec),
        static_cast<std::int64_t>(status.st_mtim.tv_nsec)}) {
    words += ':';
    words += std::to_string(one);
  }
  return words;
}

std::variant<Placed, std::string> place_aof(StagingDirectory staging, const DatasetPlace& place,
                                            std::int64_t now, std::size_t keep) {
  const ActingAs user(staging.as());
  if (user.problem()) return *user.problem();
  struct stat base {};
  const std::string base_path = staging.path() + '/' + place.base;
  if (::stat(base_path.c_str(), &base) != 0) return cannot(base_path, "read", errno);
  const auto dressed = [&](int file) {
    return dress(file, place.manifest, base, base.st_mode & kOfFile, true);
  };
  if (auto problem =
          write_file(staging.path() + '/' + place.manifest, manifest_text(place.base), dressed)) {
    return std::move(*problem);
  }
  if (auto problem = sync_directory(staging.path())) return std::move(*problem);
  Placed placed;
  if (::access(place.path.c_str(), F_OK) != 0) {
    if (::rename(staging.path().c_str(), place.path.c_str()) != 0) {
      return cannot(place.path, "made", errno);
    }
  } else {
    auto exchanged = exchange(staging.path(), place.path, now);
    if (exchanged.problem) return std::move(*exchanged.problem);
    placed.kept = std::move(exchanged.kept);
  }
  staging.release();
  if (auto problem = sync_directory(directory_of(place.path))) return std::move(*problem);
  if (keep > 0) {
    remove_surplus_directories(place.path, keep);
  } else if (!placed.kept.empty()) {
    std::error_code ignored;
    fs::remove_all(std::exchange(placed.kept, {}), ignored);
  }
  return placed;
}

std::variant<FetchedFile, std::string> take_file(const StagingDirectory& brought,
                                                 const std::string& name,
                                                 const FetchFileRequest& request,
                                                 std::int64_t now) {
  const std::string path = brought.path() + '/' + name;
  const UniqueFd source = brought.open(name);
  struct stat status {};
  if (!source || ::fstat(source.get(), &status) != 0) {
    return "the command has left no file at " + path;
  }
  if (!S_ISREG(status.st_mode)) return "what the command has left at " + path + " is no file";
  FetchFile file(request);
  if (auto problem = file.open()) return std::move(*problem);
  if (auto problem = file.expect(static_cast<std::uint64_t>(status.st_size))) {
    return std::move(*problem);
  }
  std::vector<char> piece(kPiece);
  while (true) {
    const ssize_t got = ::read(source.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot(path, "read", errno);
    if (got == 0) break;
    if (auto problem = file.append({piece.data(), static_cast<std::size_t>(got)})) {
      return std::move(*problem);
    }
  }
  return file.finish(now);
}

std::optional<std::string> replace_text(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  if (auto problem = write_file(temporary, text, {})) return problem;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return cannot(path, "replaced", errno);
  return sync_directory(directory_of(path));
}

std::optional<std::string> read_text(const std::string& path) {
  std::error_code error;
  if (fs::file_size(path, error) > kLargestText || error) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

}  // namespace hooks::io
