// See vip_table_fixture.hpp.
#include "tests/netns/vip_table_fixture.hpp"

#include <sys/socket.h>

namespace vrrp::io {

using boost::asio::ip::tcp;

Connection::Connection(boost::asio::io_context& loop, const Cable& cable,
                       const boost::asio::ip::address& vip)
    : acceptor_(loop, tcp::endpoint(vip, 0)), client_(loop), server_(loop) {
  {
    const support::InNamespace inside(cable.there());
    client_.open(vip.is_v4() ? tcp::v4() : tcp::v6());
  }
  client_.connect(acceptor_.local_endpoint());
  acceptor_.accept(server_);
  for (auto* socket : {&client_, &server_}) {
    const timeval patience{10, 0};
    ::setsockopt(socket->native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
}

bool Connection::alive() {
  const auto cross = [](tcp::socket& from, tcp::socket& to) {
    char byte = 0;
    return ::send(from.native_handle(), "x", 1, MSG_NOSIGNAL) == 1 &&
           ::recv(to.native_handle(), &byte, 1, 0) == 1 && byte == 'x';
  };
  return cross(client_, server_) && cross(server_, client_);
}

}  // namespace vrrp::io
