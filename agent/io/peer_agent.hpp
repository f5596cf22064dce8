// The other node's agent as this one reaches it: calls it again and again, takes its calls, knows
// whether the link is up and why not, and carries words and requests of the pairs in common.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>

#include "agent/io/peer_connection.hpp"
#include "agent/io/peer_links.hpp"

namespace agent::io {

class PeerAgent : public std::enable_shared_from_this<PeerAgent> {
 public:
  // `here`: the address to call from, which is the one that the other side expects.
  struct Addresses {
    boost::asio::ip::address here;
    boost::asio::ip::tcp::endpoint there;
    std::string name;  // "192.168.1.113:7112"
  };
  PeerAgent(const boost::asio::any_io_executor& executor, PeerTls& tls, Addresses addresses,
            std::shared_ptr<spdlog::logger> log);

  void add_pair(const PeerPair& pair) { own_.pairs.push_back(pair); }
  void introduce(const PeerHello& base);
  void set_rules(const PeerSessionRules& rules) { rules_ = rules; }
  // One that comes later hears at once how things stand.
  void subscribe(const std::string& pair, PeerPairEvents events);
  void unsubscribe(const std::string& pair) { pairs_.erase(pair); }
  void serve(const PeerLinks::Server& server) { server_ = server; }
  void start();
  void stop();
  bool started() const { return started_; }
  bool has_pair(const std::string& pair) const;
  bool has_subscriber(const std::string& pair) const { return pairs_.contains(pair); }
  // The other side would notice no difference.
  bool serves_the_same(const PeerAgent& other) const;

  const PeerHello& own() const { return own_; }
  const PeerSessionRules& rules() const { return rules_; }
  const std::string& name() const { return addresses_.name; }
  std::string host() const { return addresses_.there.address().to_string(); }

  // A call of the other side has introduced itself.
  void adopt(std::shared_ptr<PeerConnection> connection, const PeerHello& hello);
  void send_states(PeerConnection& connection);
  void heard(const std::shared_ptr<PeerConnection>& connection, const SessionHeard& heard);
  void ended(const PeerConnection* connection, const std::string& why);
  // A call in either direction came to nothing.
  void failed(const std::string& why, bool refused = false);

  // Somebody has seen the other side: calls it now.
  void call();
  void say(const std::string& pair);
  void ask(PeerRequest request, Duration budget, PeerLinks::Answer answer);
  PeerLinkStatus status(const std::string& pair) const;

 private:
  struct Pending {
    PeerLinks::Answer answer;
    std::unique_ptr<boost::asio::steady_timer> timer;
    const PeerConnection* connection = nullptr;
  };

  void dial();
  void dialled(const std::shared_ptr<boost::asio::ip::tcp::socket>& socket,
               const boost::system::error_code& error);
  void redial();
  void opened(const PeerHello& hello);
  void compare(const std::string& pair, const PeerPairEvents& events) const;
  void forget_the_old_run(const PeerHello& hello);
  void take(const std::shared_ptr<PeerConnection>& connection, const PeerHeartbeat& beat);
  void take(const std::shared_ptr<PeerConnection>& connection, const PeerState& state);
  void take(const std::shared_ptr<PeerConnection>& connection, const PeerRequest& request);
  void take(const std::shared_ptr<PeerConnection>& connection, const PeerAnswer& answer);
  void finish(std::uint64_t id, const PeerAnswer& answer);
  void set_up(bool up, const std::string& why);
  bool is_open(const std::shared_ptr<PeerConnection>& connection) const;

  boost::asio::any_io_executor executor_;
  PeerTls& tls_;
  Addresses addresses_;
  std::shared_ptr<spdlog::logger> log_;
  PeerHello own_;
  PeerSessionRules rules_;
  std::map<std::string, PeerPairEvents> pairs_;
  PeerLinks::Server server_;

  boost::asio::steady_timer dial_timer_;
  Duration backoff_;
  bool started_ = false;
  bool stopped_ = false;
  std::shared_ptr<boost::asio::ip::tcp::socket> socket_;  // being connected
  std::shared_ptr<PeerConnection> called_;                // by this side
  std::shared_ptr<PeerConnection> took_;                  // the other side's call

  bool up_ = false;
  std::string why_ = "not connected yet";
  bool refused_ = false;  // nobody listens there
  std::chrono::system_clock::time_point since_;
  PeerHello theirs_;
  std::map<std::string, PeerState> said_;
  std::chrono::steady_clock::time_point vouched_;
  std::uint64_t states_sent_ = 0;
  std::uint64_t requests_sent_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  std::map<std::string, std::chrono::steady_clock::time_point> logged_;
};

}  // namespace agent::io
