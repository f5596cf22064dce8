// The disk's half of a fetch: takes what arrives, checks it as it passes, and puts it in its place
// when it is whole. Every call but cancel() may wait for the disk; they come from one thread.
// More of them may be under way when one fails: the first problem is the answer of all that follow,
// so that a file with a hole in it is never placed.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "hooks/command_stream.hpp"
#include "hooks/io/acting_as.hpp"
#include "hooks/io/placement.hpp"
#include "hooks/io/temp_file.hpp"
#include "hooks/rdb.hpp"

namespace hooks::io {

struct FetchFileRequest {
  std::string target;
  std::size_t keep = 1;   // Placement::keep
  bool commands = false;  // a piece of the replication stream; otherwise an RDB
  // Refuse an RDB that this server cannot load, before anything is replaced.
  std::optional<ServerVersion> loaded_by;
  std::optional<FileUser> as;  // with whose rights the directory is worked in
};

struct FetchedFile {
  std::string path;
  std::string kept;  // Placed::kept
  std::variant<RdbFacts, StreamFacts> facts;
};

class FetchFile {
 public:
  explicit FetchFile(FetchFileRequest request);
  ~FetchFile();
  FetchFile(const FetchFile&) = delete;
  FetchFile& operator=(const FetchFile&) = delete;
  FetchFile(FetchFile&&) = delete;
  FetchFile& operator=(FetchFile&&) = delete;

  // nullopt or a sentence. Removes first what interrupted fetches left beside the target.
  std::optional<std::string> open();
  std::optional<std::string> expect(std::uint64_t bytes);
  std::optional<std::string> append(std::string_view bytes);
  // Whole? then synced and placed.
  std::variant<FetchedFile, std::string> finish(std::int64_t now);

  // From any thread: finish() places nothing any more. What it is placing already is let finish.
  void cancel() { cancelled_ = true; }

 private:
  const std::optional<std::string>& fail(std::optional<std::string> problem);
  std::optional<std::string> check(std::string_view bytes);
  std::variant<std::variant<RdbFacts, StreamFacts>, std::string> verdict() const;

  FetchFileRequest request_;
  std::optional<TempFile> file_;
  std::optional<std::string> problem_;  // the first one
  RdbVerifier rdb_;
  CommandStream stream_;
  bool judged_ = false;  // whether the server loads this version
  std::atomic<bool> cancelled_ = false;
};

}  // namespace hooks::io
