// Where other agents call: accepts TCP connections of known hosts, at a bounded rate. What is said
// on them is not its business.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace agent::io {

class PeerListener {
 public:
  struct Events {
    std::function<void(boost::asio::ip::tcp::socket)> accepted;
    std::function<void(const std::string& host)> refused;  // a stranger
    std::function<void(const std::string& why)> problem;   // it cannot listen and tries again
  };

  PeerListener(const boost::asio::any_io_executor& executor, boost::asio::ip::tcp::endpoint here,
               std::set<std::string> hosts, Events events);
  ~PeerListener();
  PeerListener(const PeerListener&) = delete;
  PeerListener& operator=(const PeerListener&) = delete;

  void start();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
