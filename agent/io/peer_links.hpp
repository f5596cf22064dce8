// The links of this agent to the agents of its pairs' other nodes: one for each distinct address.
// Each node calls the other, so there are up to two connections; both carry everything, and the
// link is up while one of them is. Authenticated, encrypted and bounded; nothing here blocks.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/config.hpp"
#include "agent/peer_message.hpp"
#include "agent/status.hpp"

namespace agent::io {

// What one pair has to do with the link to its other node.
struct PeerPairEvents {
  std::function<PeerWord()> word;  // asked for when a state is sent
  std::function<void(const PeerWord&)> said;
  std::function<void()> vouched;  // what it said last still holds
  // `refused`: nobody listens at the other agent's address, its host says.
  std::function<void(bool up, const std::string& why, bool refused)> link_changed;
  // What the two configurations disagree about, when the link comes up; empty: nothing.
  std::function<void(const std::vector<std::string>&)> compared;
};

class PeerLinks {
 public:
  using Answer = std::function<void(const PeerAnswer&)>;
  // A request of the other node. The answer may come later; its id is set by the link.
  using Server = std::function<void(const PeerRequest&, Answer)>;

  // Pairs that name no agent have no link.
  PeerLinks(const boost::asio::any_io_executor& executor, const Config& config,
            const std::string& software, std::shared_ptr<spdlog::logger> log);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

  // For each pair, before start() or after update().
  void subscribe(const std::string& pair, PeerPairEvents events);
  void unsubscribe(const std::string& pair);
  // After start(), with the same [agent.peer_link]: links whose pairs are others now, or are
  // configured in another way, are made anew; the rest does not notice. New pairs subscribe, then
  // start_new() calls the other side.
  void update(const Config& config);
  void start_new();
  // Answers requests; without it they are refused.
  void serve(const Server& server);
  void start();
  void stop();

  // Sends the word of a pair now and not with the next heartbeat.
  void say(const std::string& pair);
  // Calls the other node of a pair now, if the link is down, and not after the pause.
  void call(const std::string& pair);
  // Asks the other node of a pair. The answer is called exactly once, with ok = false and a
  // sentence when none comes within `budget` or the link is not up; at once in the latter case.
  void ask(const std::string& pair, const std::string& command, boost::json::object arguments,
           Duration budget, Answer answer);

  PeerLinkStatus status(const std::string& pair) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
