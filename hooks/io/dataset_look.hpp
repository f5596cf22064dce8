// Finds out where a server that is down will look for its dataset, and which version of it will:
// what it said when it was up, its program's --version, and what lies on the disk.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "hooks/io/acting_as.hpp"
#include "hooks/server_files.hpp"

namespace hooks::io {

struct LookedAt {
  DatasetPlace place;
  ServerVersion version;
  // Who besides root can rearrange what is around the place: who_rearranges()
  std::optional<FileUser> as;
};

class DatasetLook {
 public:
  // A sentence when it cannot be known.
  using Done = std::function<void(const std::variant<LookedAt, std::string>&)>;

  DatasetLook(boost::asio::any_io_executor loop, boost::asio::any_io_executor disk);
  ~DatasetLook();  // cancels
  DatasetLook(const DatasetLook&) = delete;
  DatasetLook& operator=(const DatasetLook&) = delete;

  struct Request {
    std::optional<ServerFiles> said;
    std::string rdb_file;   // the configuration's, or empty
    std::string user;       // runs redis-server --version; what the server names is nobody's to run
    std::string state_dir;  // where no dataset goes
  };
  // `done` comes from the loop, once.
  void start(Request request, Done done);
  void cancel();

 private:
  struct Impl;
  boost::asio::any_io_executor loop_;
  boost::asio::any_io_executor disk_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
