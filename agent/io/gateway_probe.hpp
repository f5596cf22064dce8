// Asks on one interface whether a neighbour answers: ARP on a packet socket, or neighbour
// solicitation on a raw ICMPv6 socket. Counts nothing and concludes nothing.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "vrrp/address.hpp"
#include "vrrp/io/netlink.hpp"

namespace agent::io {

class GatewayProbe {
 public:
  // `why`: what kept the question from being sent, or "no answer within 500ms"; empty: answered.
  using Answer = std::function<void(const std::string& why)>;

  // `timeout` bounds one question, which is sent up to three times within it.
  GatewayProbe(const boost::asio::any_io_executor& executor, vrrp::IpAddress target,
               std::chrono::nanoseconds timeout, Answer answer);
  ~GatewayProbe();

  // One question at a time: while one waits for its answer, this does nothing. `source`: an IPv4
  // address of this host on the link; not used for IPv6, where the kernel chooses.
  void ask(const vrrp::io::LinkFact& link, const vrrp::IpAddress& source);
  // The same without a link to ask on: answered at once.
  void fail(const std::string& why);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace agent::io
