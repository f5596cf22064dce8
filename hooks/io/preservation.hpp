// Keeps what a server holds before it is replaced: the commands that the leader lacks, as far as
// its backlog has them, and its whole dataset, into the DivergedStore. Whether it is needed, and
// what follows when it fails, is not known here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hooks/io/diverged_store.hpp"
#include "hooks/io/rdb_fetch.hpp"

namespace hooks::io {

struct PreserveRequest {
  std::string pair;
  std::uint64_t epoch = 0;
  std::string why;  // one clause
  health::io::ServerAddress server;
  std::string user;
  std::string password;
  // The server's own lineage, and of it what the leader lacks. Without a range no commands are
  // kept, and `commands_missing` says why: "no common history", "it was restarted".
  std::string replid;
  std::optional<StreamRange> lost;
  std::string commands_missing;
  std::optional<std::int64_t> keys;
  bool precaution = false;  // DivergedAbout
  std::size_t keep = 5;     // DivergedStore::prune
  health::Duration stall_timeout = std::chrono::seconds(60);
  std::optional<health::Duration> budget;  // for each of the two
};

struct Preserved {
  // Empty: the dataset is kept, and it may be replaced. Otherwise why it is not; the commands may
  // still be kept, see `about`.
  std::string problem;
  std::string path;  // of the copy's directory; empty when there is none
  // The whole range was read and holds no command of a client (replicas are sent PINGs): there is
  // no copy, and none is needed.
  bool nothing_lost = false;
  DivergedAbout about;
  DivergedPruned pruned;
};

class Preservation {
 public:
  using Finished = std::function<void(const Preserved&)>;
  using Progress = std::function<void(const TransferProgress&)>;

  // `disk` as for RdbFetch, of one thread. `store` is used on it, by one preservation at a time.
  Preservation(boost::asio::any_io_executor loop, boost::asio::any_io_executor disk,
               std::shared_ptr<DivergedStore> store);
  ~Preservation();
  Preservation(const Preservation&) = delete;
  Preservation& operator=(const Preservation&) = delete;

  // `finished` comes exactly once, from the loop; not after cancel(). A running one is cancelled.
  void run(PreserveRequest request, Progress progress, Finished finished);
  // The copy that was begun goes soon after. Commands that were already whole are kept, alone.
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
