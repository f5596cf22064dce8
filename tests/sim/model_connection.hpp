// An agent's connection to a server, through the simulated network: in order, lost with the
// process at either end, held by the kernel while the path is cut and delivered late when it heals.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "tests/sim/model_server.hpp"

namespace sim {

struct ConnectionEvents {
  std::function<void()> connected;
  std::function<void(bool refused)> failed;
  std::function<void()> closed;
  // Runs it in the agent's process: at once, when that wakes up, or never.
  std::function<void(std::function<void()>)> deliver;
};

class Connection {
 public:
  using Handler = std::function<void(const health::Reply*)>;

  Connection(Clockwork& clock, Network& network, Server& server, bool remote, std::string by,
             ConnectionEvents events);

  void connect(Duration timeout);
  void disconnect();
  void send(const Words& words, Handler handler);
  // The path between the hosts opened again.
  void path_opened();
  void server_died(bool host_gone);
  void agent_died();

 private:
  struct Way {
    std::deque<std::function<void()>> held;
  };
  bool open() const { return !remote_ || network_.open(Path::servers); }
  void pass(Way& way, std::function<void()> what);
  void flush(Way& way);
  void close();
  void deliver(std::function<void()> what);

  Clockwork& clock_;
  Network& network_;
  Server& server_;
  bool remote_;
  std::string by_;
  ConnectionEvents events_;
  Duration latency_;
  Way there_;
  Way back_;
  bool up_ = false;
  std::uint64_t generation_ = 0;  // of the connection
  std::uint64_t server_life_ = 0;
  std::uint64_t asked_ = 0;
  std::map<std::uint64_t, Handler> handlers_;  // by question
};

}  // namespace sim
