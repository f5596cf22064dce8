// Asks a server that is up where it keeps its dataset, and remembers it on disk for the day when it
// is down.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/reply.hpp"
#include "hooks/server_files.hpp"

namespace hooks::io {

// One JSON object; nullopt: the text is none of ours.
std::string format_server_files(const ServerFiles& files);
std::optional<ServerFiles> parse_server_files(const std::string& text);

class ServerNotes {
 public:
  // As RedisWatch::command(): nullptr when there is no answer.
  using Reply = std::function<void(const health::Reply*)>;
  using Command = std::function<void(const std::vector<std::string>&, Reply)>;

  // `path`: the file; it is read now.
  ServerNotes(boost::asio::any_io_executor disk, std::string path, Command command);

  // While the server is up: what changed is on disk soon. Rights that are missing are no failure;
  // `told` gets the sentence.
  void refresh(std::function<void(const std::string& problem)> told);
  const std::optional<ServerFiles>& files() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
