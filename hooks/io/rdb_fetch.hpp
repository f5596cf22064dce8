// Fetches a server's dataset as an RDB file, or a part of its replication stream, over the
// replication protocol, and puts it in its place once it is whole. The loop never waits for the
// disk, and neither memory nor disk is filled by what a server claims. Decides nothing about roles.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "health/io/redis_connection.hpp"
#include "hooks/io/acting_as.hpp"
#include "hooks/io/byte_stream.hpp"
#include "hooks/io/fetch_file.hpp"
#include "hooks/psync.hpp"
#include "hooks/transfer_rate.hpp"

namespace hooks::io {

struct FetchRequest {
  health::io::ServerAddress server;
  PsyncRequest conversation;
  std::string target;                      // the file
  std::size_t keep = 1;                    // old files that stay beside it: Placement::keep
  std::optional<ServerVersion> loaded_by;  // refuse what this server cannot load
  std::optional<FileUser> as;              // FetchFileRequest::as
  health::Duration connect_timeout = std::chrono::seconds(5);
  // No byte for this long. A master that saves says so every second; one that streams slowly may
  // be silent for as long as one large key takes.
  health::Duration stall_timeout = std::chrono::seconds(60);
  std::optional<health::Duration> budget;            // for all of it
  std::size_t max_queued_bytes = 4UL * 1024 * 1024;  // between network and disk
};

struct Fetched {
  FetchedFile file;
  std::string replid;       // what the file stands for
  std::int64_t offset = 0;  // of an RDB its offset; of a range its first
  health::Duration took{};
};
// A failure is one clause that names the server or the file.
using FetchResult = std::variant<Fetched, std::string>;

class RdbFetch {
 public:
  struct Events {
    // A few times in a second, from the moment the server has granted it.
    std::function<void(const TransferProgress&)> progress;
    // Exactly once, from the loop, never from inside start(); not after cancel().
    std::function<void(const FetchResult&)> finished;
  };

  // `disk` runs what may wait for a disk: a pool that outlives all fetches and is not shared with
  // what is urgent.
  RdbFetch(boost::asio::any_io_executor loop, boost::asio::any_io_executor disk);
  // Cancels.
  ~RdbFetch();
  RdbFetch(const RdbFetch&) = delete;
  RdbFetch& operator=(const RdbFetch&) = delete;

  // A running one is cancelled first.
  void start(FetchRequest request, Events events);
  // As above, over a connection of another kind.
  void start(FetchRequest request, std::shared_ptr<ByteStream> stream, Events events);
  // Hangs up; the temporary file is removed soon after. A file that is whole and being placed at
  // this moment is still placed.
  void cancel();
  bool busy() const;

 private:
  struct Impl;
  boost::asio::any_io_executor loop_;
  boost::asio::any_io_executor disk_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
