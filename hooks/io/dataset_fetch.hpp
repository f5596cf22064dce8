// Brings the leader's dataset to where a server will load it, by the built-in fetch or by the
// operator's own command, verified before anything is replaced. One at a time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hooks/io/acting_as.hpp"
#include "hooks/io/process_runner.hpp"
#include "hooks/io/rdb_fetch.hpp"
#include "hooks/server_files.hpp"
#include "hooks/transfer_rate.hpp"

namespace hooks::io {

struct DatasetRequest {
  std::string pair;
  DatasetPlace place;
  std::optional<FileUser> as;  // with whose rights its directory is worked in
  ServerVersion loaded_by;
  std::size_t keep = 1;
  std::string copy;  // fingerprint() of one that need not be kept
  health::Duration budget = std::chrono::hours(1);
  health::io::ServerAddress leader;
  std::string user;
  std::string password;
  // Instead of the built-in fetch. TANDEM_TARGET in its environment is where the RDB has to be when
  // it ends, TANDEM_LEADER_HOST and TANDEM_LEADER_PORT is where it comes from.
  std::vector<std::string> command;
  std::string command_user = "root";
};

class DatasetFetch {
 public:
  struct Events {
    std::function<void(const TransferProgress&)> progress;
    std::function<void(const std::string& line)> output;  // of the command
    // Once, from the loop; not after cancel(). A sentence of what is in place, with fingerprint(),
    // or why not.
    std::function<void(bool done, const std::string& words, const std::string& copy)> finished;
  };

  DatasetFetch(boost::asio::any_io_executor loop, boost::asio::any_io_executor disk);
  ~DatasetFetch();  // cancels
  DatasetFetch(const DatasetFetch&) = delete;
  DatasetFetch& operator=(const DatasetFetch&) = delete;

  void start(DatasetRequest request, Events events);
  void cancel();

 private:
  struct Impl;
  boost::asio::any_io_executor loop_;
  boost::asio::any_io_executor disk_;
  std::shared_ptr<Impl> impl_;
};

// "exit code 3", "killed by signal 9", with the last line that it wrote.
std::string failure_words(const ProcessResult& result, const std::string& last_line);

}  // namespace hooks::io
