// See vip_probe.hpp.
#include "agent/io/vip_probe.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

namespace agent::io {

namespace asio = boost::asio;

void probe_vip(const asio::any_io_executor& executor, const vrrp::IpAddress& vip,
               std::uint16_t port, std::chrono::steady_clock::duration patience,
               std::function<void(bool held)> answer) {
  struct Probe {
    asio::ip::tcp::socket socket;
    asio::steady_timer timer;
  };
  auto probe =
      std::make_shared<Probe>(Probe{asio::ip::tcp::socket(executor), asio::steady_timer(executor)});
  probe->timer.expires_after(patience);
  probe->timer.async_wait([probe](const boost::system::error_code& error) {
    boost::system::error_code ignored;
    if (!error) probe->socket.close(ignored);
  });
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(vip.to_string()), port);
  probe->socket.async_connect(
      endpoint, [probe, answer = std::move(answer)](const boost::system::error_code& error) {
        probe->timer.cancel();
        answer(!error || error == asio::error::connection_refused);
      });
}

}  // namespace agent::io
