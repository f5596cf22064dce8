// A fetch with the loop and the disk it needs, for tests: run to its end, and what it left behind.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>

#include "hooks/io/rdb_fetch.hpp"
#include "tests/hooks/live_servers.hpp"

namespace hooks::testing {

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.insert(entry.path().filename());
  }
  return names;
}

inline io::FetchRequest request_to(const LiveServer& server, const std::string& target) {
  io::FetchRequest request;
  request.server = {server.endpoint().host, server.endpoint().port, {}};
  request.conversation.password = LiveServer::kPassword;
  request.target = target;
  return request;
}

// The loop runs only inside run(); the temporary of a failed fetch is gone when it returns.
class Fetching {
 public:
  using Progress = std::function<void(const TransferProgress&)>;

  io::FetchResult run(const io::FetchRequest& request, Progress progress = {}) {
    std::optional<io::FetchResult> result;
    fetch_.start(request, {std::move(progress), [&](const auto& told) { result = told; }});
    loop_.restart();
    while (!result && loop_.run_one() != 0) {
    }
    settle();
    return result.value_or("no answer came");
  }

  // Until progress says that `bytes` have come; then `act` is called, once.
  io::FetchResult run_and_act(const io::FetchRequest& request, std::uint64_t bytes,
                              const std::function<void()>& act) {
    bool acted = false;
    return run(request, [&](const TransferProgress& progress) {
      if (acted || progress.bytes < bytes) return;
      acted = true;
      act();
    });
  }

  void settle() {
    disk_.join();
    loop_.restart();
    loop_.poll();
  }
  io::RdbFetch& fetch() { return fetch_; }
  boost::asio::io_context& loop() { return loop_; }
  boost::asio::thread_pool& disk() { return disk_; }

 private:
  boost::asio::io_context loop_;
  boost::asio::thread_pool disk_{1};
  io::RdbFetch fetch_{loop_.get_executor(), disk_.get_executor()};
};

inline std::string problem_of(const io::FetchResult& result) {
  const auto* problem = std::get_if<std::string>(&result);
  return problem == nullptr ? "" : *problem;
}

}  // namespace hooks::testing
