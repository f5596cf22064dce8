// The hands of hooks::Recovery: runs the operator's commands, asks whether the server is gone,
// fetches the leader's dataset and puts it in its place, keeps the journal. The loop never waits.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/io/redis_connection.hpp"
#include "hooks/io/rdb_fetch.hpp"
#include "hooks/io/server_notes.hpp"
#include "hooks/recovery.hpp"
#include "hooks/transfer_rate.hpp"

namespace hooks::io {

struct RecoverySettings {
  std::string pair;
  RecoveryRules rules;
  std::vector<std::string> start;
  std::vector<std::string> stop;
  std::vector<std::string> copy;  // instead of the built-in fetch; empty: that one
  std::string user = "root";      // of the three
  std::string rdb_file;           // empty: as the server said
  std::size_t keep = 3;           // old datasets beside the new one
  health::Duration copy_timeout = std::chrono::hours(1);
  health::io::ServerAddress local;
  health::io::ServerAddress leader;
  std::string leader_user;
  std::string leader_password;
  std::string journal;  // path; "NAME.server.json" lies beside it
  std::string notes;    // path
};

class RecoveryRunner {
 public:
  struct Events {
    std::function<void(bool warning, const std::string& text)> say;
    // From the loop, never from inside a call.
    std::function<void(RecoveryOutcome outcome, const std::string& words)> ended;
    ServerNotes::Command ask_local;
    ServerNotes::Command ask_leader;
  };

  // `disk`: as for RdbFetch.
  RecoveryRunner(boost::asio::any_io_executor loop, boost::asio::any_io_executor disk,
                 RecoverySettings settings, Events events);
  ~RecoveryRunner();  // as stop()
  RecoveryRunner(const RecoveryRunner&) = delete;
  RecoveryRunner& operator=(const RecoveryRunner&) = delete;

  // Whether an agent died in the middle of one.
  bool interrupted() const;
  void start();
  void abandon(const std::string& why);
  // For good: no event follows, the journal stays for the next agent.
  void stop();
  void local_seen(health::Health health, const std::optional<health::ServerFacts>& facts);
  RecoveryStatus status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
