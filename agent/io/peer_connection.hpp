// One TLS connection of the peer link, in either direction: handshake, frames and their bounds. It
// performs what an agent::PeerSession decides and knows neither pairs nor who else is connected.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/peer_tls.hpp"
#include "agent/peer_session.hpp"

namespace agent::io {

class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
 public:
  struct Events {
    std::function<void(const PeerHello&)> opened;
    std::function<void()> wants_states;
    std::function<void(const SessionHeard&)> heard;
    std::function<void(const std::string& why)> ended;  // once, the last; a clause
  };

  // The socket is connected. `tls` outlives the connection. Throws std::bad_alloc only.
  PeerConnection(boost::asio::ip::tcp::socket socket, PeerTls& tls, PeerSession::Side side,
                 std::vector<PeerSession::Own> own, const PeerSessionRules& rules, Events events);
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  void start();
  // False: it cannot be sent, and the connection ends when that is the other side's fault.
  bool send(const PeerMessage& message);
  // Ends it at once and silently.
  void close();
  bool is_open() const;
  std::optional<Duration> round_trip() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
