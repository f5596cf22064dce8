// A leader, a server that is down beside it, and a RecoveryRunner that is to bring it back, with
// the commands an operator would give: all real, on one loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "health/io/redis_watch.hpp"
#include "hooks/io/recovery_runner.hpp"
#include "tests/hooks/live_servers.hpp"
#include "tests/hooks/script_directory.hpp"

namespace hooks::testing {

class RecoveryScene {
 public:
  // `more`: lines of the local server's configuration.
  explicit RecoveryScene(const std::string& more = {});
  ~RecoveryScene();
  RecoveryScene(const RecoveryScene&) = delete;
  RecoveryScene& operator=(const RecoveryScene&) = delete;

  // The local server as a replica of the leader in sync, then down by SHUTDOWN, with the leader's
  // keys key:0 to key:99 on its disk. The agent has seen it and knows its files.
  void settle_and_stop();
  // Further keys of the leader, which the local server does not have: later:0 ...
  void write_later(int count) const;
  // What the local server has of later:0 ...; -1: it does not answer.
  int finds_later(int count) const;
  std::int64_t local_keys() const;
  bool local_answers() const;
  void kill_local() const;

  // One attempt, to its end: "done: ...", "failed: ...".
  std::string recover();
  // Dies (its commands with it) as soon as it is at this step, and is gone.
  void die_at(RecoveryStep step);
  // A new one, as after a start of the agent.
  void make_runner();
  bool journal() const;
  // What was said, each line of which contains this.
  bool said(const std::string& text) const;
  std::string everything_said() const;

  std::string data(const std::string& name) const { return directory_.path("data/" + name); }
  std::set<std::string> files() const;
  std::string kept(const std::string& name) const;  // the newest NAME.before-*; empty: none

  LiveServer leader;
  io::RecoverySettings settings;

 private:
  void run_until(const std::function<bool()>& condition);
  void tell();

  ScriptDirectory directory_;
  std::uint16_t port_ = 0;
  boost::asio::io_context loop_;
  std::unique_ptr<boost::asio::thread_pool> disk_;
  std::unique_ptr<health::io::RedisWatch> local_;
  std::unique_ptr<health::io::RedisWatch> leader_watch_;
  std::unique_ptr<io::RecoveryRunner> runner_;
  std::vector<std::string> said_;
  std::string ended_;
};

}  // namespace hooks::testing
